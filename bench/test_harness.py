"""What the figures rest on: `python3 -m unittest discover bench`."""

import json
import tempfile
import unittest
from pathlib import Path

from harness import neighbours, report
from harness.aims import AIMS, CHUNK_CPU, REQUEST_CPU, Aim
from harness.load import chat_body
from harness.peers import CONTENDERS, DIRECT
from harness.process import CpuReading, ProcessGoneError, cpu_used
from harness.results import Results, Window
from harness.scenarios import SCENARIOS


def window(number: int, peer: str, value: float, failures: dict[str, int] | None = None) -> Window:
    """A window of one metric, `m`, of scenario `s`."""
    return Window(number, "s", peer, {"m": value}, failures or {}, [])


class Ratios(unittest.TestCase):
    """Ratios are taken within a pass."""

    def test_each_pass_is_compared_with_itself(self) -> None:
        """A machine that slows down as a whole changes no ratio."""
        results = Results(windows=[window(n, "us", 2.0 * n) for n in (1, 2, 3)])
        results.windows += [window(n, "nginx", 1.0 * n) for n in (1, 2, 3)]
        ratio = results.ratio("s", "m", ("us", "nginx"))
        assert ratio
        self.assertEqual(ratio.text(2), "2.00")

    def test_a_window_with_a_failure_does_not_count(self) -> None:
        """Nor does its partner of the same pass."""
        results = Results(windows=[window(1, "us", 9, {"status": 1}), window(2, "us", 3)])
        results.windows += [window(1, "nginx", 1), window(2, "nginx", 2)]
        ratio = results.ratio("s", "m", ("us", "nginx"))
        assert ratio
        self.assertEqual((ratio.median, ratio.least, ratio.most), (1.5, 1.5, 1.5))

    def test_results_survive_the_file(self) -> None:
        """`--report` writes the same page again."""
        results = Results({"date": "today"}, {"nginx": "1"}, [window(1, "us", 1)])
        with tempfile.TemporaryDirectory() as directory:
            results.save(Path(directory) / "results.json")
            self.assertEqual(Results.load(Path(directory) / "results.json"), results)


class Aims(unittest.TestCase):
    """The median decides."""

    def test_an_aim_has_three_verdicts(self) -> None:
        """Met, good enough, not met; and none without figures."""
        aim = Aim("t", "×", 1.0, lambda results: results.spread("s", "us", "m"), must=1.15)
        verdicts = [
            aim.verdict(Results(windows=[window(1, "us", value)]))[1] for value in (1, 1.1, 1.2)
        ]
        self.assertEqual(verdicts, ["met", "must met, aim not", "**not met**"])
        self.assertEqual(aim.verdict(Results())[1], "not measured")

    def test_a_complete_run_measures_every_aim(self) -> None:
        """No aim names a contender, a scenario or a metric that does not exist."""
        results = Results(
            windows=[
                Window(1, name, peer.name, {metric.key: 1 for metric in scenario.metrics}, {}, [])
                for name, scenario in SCENARIOS.items()
                for peer in (*CONTENDERS, DIRECT)
                if peer.takes(name)
            ]
        )
        unmeasured = [aim.title for aim in AIMS if aim.measure(results) is None]
        self.assertEqual(unmeasured, [])

    def test_native_mode_is_compared_with_the_relay_of_the_same_pass(self) -> None:
        """Requests with requests, translated chunks with relayed ones."""

        def pair(number: int, scenario: str, metric: str, ours: tuple[str, float]) -> list[Window]:
            values = {"llm-proxy": 1.0 * number, ours[0]: ours[1] * number}
            return [
                Window(number, scenario, peer, {metric: value}, {}, [])
                for peer, value in values.items()
            ]

        results = Results()
        for number in (1, 2, 3):
            results.windows += pair(number, "req-1k", REQUEST_CPU, ("llm-proxy-native", 1.04))
            results.windows += pair(number, "stream-200", CHUNK_CPU, ("llm-proxy-anthropic", 1.9))
            results.windows += pair(number, "stream-1000", CHUNK_CPU, ("llm-proxy-anthropic", 2.1))
        measured = {aim.title: aim.verdict(results) for aim in AIMS if aim.measure(results)}
        self.assertEqual(
            measured,
            {
                "CPU per native request, to one through the LiteLLM relay": ("1.04 ×", "met"),
                "CPU per translated chunk, 200 streams, to a relayed one": ("1.90 ×", "met"),
                "CPU per translated chunk, 1,000 streams, to a relayed one": (
                    "2.10 ×",
                    "**not met**",
                ),
            },
        )


class Page(unittest.TestCase):
    """The page has two authors."""

    def test_what_others_wrote_stays(self) -> None:
        """And nothing is made up where they wrote nothing."""
        sections = [f"{begin}\n\n## Theirs\n\n{end}\n" for begin, end in report.KEPT.items()]
        with tempfile.TemporaryDirectory() as directory:
            page = Path(directory) / "RESULTS.md"
            report.write(page, Results())
            fresh = page.read_text()
            self.assertEqual(fresh, report.markdown(Results()))
            page.write_text("# Results of yesterday\n\n" + "\n".join(sections))
            for _ in range(2):
                report.write(page, Results())
                self.assertEqual(page.read_text(), "\n".join([fresh, *sections]))


class Cpu(unittest.TestCase):
    """CPU time of a tree between two readings."""

    def test_new_threads_count_from_nothing(self) -> None:
        """The exact figure is used when nothing speaks against it."""
        before = CpuReading({(1, 1): 10**9}, {1: 1.0})
        after = CpuReading({(1, 1): 2 * 10**9, (1, 2): 5 * 10**8}, {1: 2.5})
        self.assertEqual(cpu_used(before, after).seconds, 1.5)
        self.assertIsNone(cpu_used(before, after).note)

    def test_an_ended_thread_is_not_forgotten(self) -> None:
        """The process's own sum remembers it."""
        before = CpuReading({(1, 1): 0, (1, 2): 10**9}, {1: 1.0})
        after = CpuReading({(1, 1): 10**9}, {1: 2.5})
        use = cpu_used(before, after)
        self.assertEqual(use.seconds, 1.5)
        self.assertIn("ended", use.note or "")

    def test_an_ended_process_spoils_the_window(self) -> None:
        """Its time is unknown."""
        with self.assertRaises(ProcessGoneError):
            cpu_used(CpuReading({}, {1: 0.0, 2: 0.0}), CpuReading({}, {1: 1.0}))


class Neighbours(unittest.TestCase):
    """What others did meanwhile."""

    def test_the_more_disturbed_core_counts_and_our_own_work_does_not(self) -> None:
        """Here 1 s of 10 on the second core, and nothing on the first."""
        before = neighbours.Reading(0, {0: 100, 1: 200}, {0: 10, 1: 20})
        after = neighbours.Reading(10, {0: 109, 1: 206}, {0: 19, 1: 25})
        self.assertAlmostEqual(neighbours.share(before, after), 0.1)


class Bodies(unittest.TestCase):
    """The requests that are sent."""

    def test_bodies_are_exactly_as_large_as_promised(self) -> None:
        """Whatever the model is called."""
        with tempfile.TemporaryDirectory() as directory:
            for model in ("bench", "tensorzero::model_name::bench"):
                for size in (450, 60 * 1024):
                    body = chat_body(Path(directory), model, size, stream=False).read_text()
                    self.assertEqual(len(body), size)
                    self.assertEqual(json.loads(body)["model"], model)


if __name__ == "__main__":
    unittest.main()
