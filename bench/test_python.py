"""What the figures of the Python package rest on: `python3 -m unittest discover bench`."""

import socket
import time
import unittest

from harness.python import report
from harness.python.aims import AIMS
from harness.python.contenders import CLIENT, CONTENDERS
from harness.python.rows import NEVER_MS, ROWS
from harness.python.runner import rotated
from harness.python.watcher import PORT, Mode, watching
from harness.report import kept_sections
from harness.results import Results, Spread, Window

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"


class Page(unittest.TestCase):
    """Several programs write one page."""

    def test_only_our_part_is_replaced(self) -> None:
        """The others' stay as they are, on both sides."""
        chaos = "<!-- chaos: written by make chaos -->\nchaos\n<!-- end of chaos -->\n"
        page = report.merged(report.merged(f"# Results\n\n{chaos}", "one") + "behind\n", "two")
        ours = f"{report.BEGIN}\n\ntwo\n\n{report.END}\n"
        self.assertEqual(page, f"# Results\n\n{chaos}\n{ours}behind\n")

    def test_the_other_benchmark_keeps_it(self) -> None:
        """As it keeps the part of the chaos run, in the order of the page."""
        page = report.merged("# Results\n", "ours")
        page += "\n<!-- chaos: written by make chaos -->\nx\n<!-- end of chaos -->\n"
        self.assertEqual("# Results\n" + kept_sections(page), page)


class Figures(unittest.TestCase):
    """What is shown."""

    def test_what_never_came_is_no_number(self) -> None:
        """It was waited for, and no longer."""
        metric = ROWS["interrupt"].metrics[0]
        never = Spread(NEVER_MS, NEVER_MS, NEVER_MS)
        self.assertEqual(report.shown(metric, never), "**never** (> 5 s)")
        self.assertEqual(report.shown(metric, Spread(20, 10, NEVER_MS)), "in some passes > 5 s")
        self.assertEqual(report.shown(metric, Spread(20, 10, 30)), "20.0 (10.0–30.0)")

    def test_an_outcome_is_a_word(self) -> None:
        """The worst one of all passes."""
        metric = ROWS["fork"].metrics[0]
        self.assertEqual(report.shown(metric, Spread(0, 0, 2)), "hang")

    def test_every_aim_has_a_verdict_from_its_row(self) -> None:
        """A promise about a figure that nobody measures would never be broken."""
        windows = [
            Window(1, row.name, contender.name, {m.key: 0.0 for m in row.metrics}, {}, [])
            for row in ROWS.values()
            for contender in CONTENDERS
            if row.takes(contender, 1)
        ]
        verdicts = {aim.title: aim.verdict(Results(windows=windows))[1] for aim in AIMS}
        self.assertEqual(set(verdicts.values()), {"met"}, verdicts)

    def test_a_ratio_is_to_our_client_of_the_same_pass(self) -> None:
        """A slower pass changes nothing."""
        key = "cpu_us_per_chunk"
        results = Results(versions={contender.name: "1" for contender in CONTENDERS})
        for number, speed in ((1, 1.0), (2, 3.0)):
            for name, value in ((CLIENT, 10), ("openai", 80)):
                figures = {key: value * speed}
                results.windows.append(Window(number, "streams-200", name, figures, {}, []))
        self.assertIn("| openai | 8.00 | 160.0 (80.0–240.0)", report.markdown(results))


class Passes(unittest.TestCase):
    """Who is measured when."""

    def test_another_contender_begins_in_every_pass(self) -> None:
        """And all of them take part."""
        firsts = [rotated(CONTENDERS, number)[0] for number in range(1, len(CONTENDERS) + 1)]
        self.assertEqual(firsts, list(CONTENDERS))
        self.assertEqual(set(rotated(CONTENDERS, 3)), set(CONTENDERS))


class Watching(unittest.TestCase):
    """The upstream that sees its callers leave."""

    def test_it_notes_when_a_caller_leaves_a_stream(self) -> None:
        """By the clock that the subjects use."""
        with watching() as watcher:
            watcher.clear(Mode.FLOW)
            caller = socket.create_connection(("127.0.0.1", PORT))
            caller.sendall(REQUEST)
            self.assertTrue(caller.recv(65536).startswith(b"HTTP/1.1 200 OK"))
            before = time.monotonic()
            self.assertIsNone(watcher.seen[0].left_s)
            caller.close()
            deadline = before + 5
            while watcher.seen[0].left_s is None and time.monotonic() < deadline:
                time.sleep(0.001)
            left = watcher.seen[0].left_s
        assert left is not None
        self.assertTrue(before <= left <= time.monotonic())

    def test_a_silent_one_sends_no_head(self) -> None:
        """Ctrl-C has to end even this wait."""
        with watching() as watcher:
            watcher.clear(Mode.NOTHING)
            with socket.create_connection(("127.0.0.1", PORT)) as caller:
                caller.sendall(REQUEST)
                caller.settimeout(0.2)
                self.assertRaises(TimeoutError, caller.recv, 1)
