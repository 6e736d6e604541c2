"""Writes RESULTS.md. Every figure in it comes from the run; none is typed in."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.aims import AIMS, REFERENCE, US
from harness.measure import Metric, Scenario
from harness.peers import CONTENDERS, DIRECT
from harness.results import Results, Window
from harness.scenarios import SCENARIOS
from harness.settings import ROOT, SATURATED

INTRODUCTION = """\
Written by `bench/run.py`; [README.md](README.md) says how to read it. Median of all passes, least
and most in brackets. A ratio is taken within a pass, between windows that follow each other, and
only then is its median taken."""

KEPT = {
    "<!-- chaos: written by make chaos -->": "<!-- end of chaos -->",
    "<!-- python: written by make bench-python -->": "<!-- end of python -->",
}
"""What stands between these is not ours: `chaos/src/report.rs` and `python/report.py` write it."""

NAMES = [*(peer.name for peer in CONTENDERS), DIRECT.name]


def write(page: Path, results: Results) -> None:
    """Replaces the page, except for what others have put into it."""
    old = page.read_text() if page.exists() else ""
    page.write_text(markdown(results) + kept_sections(old))


def kept_sections(page: str) -> str:
    """What others write, in the order of the page, each after an empty line."""
    found = sorted((page.find(begin), begin, end) for begin, end in KEPT.items() if begin in page)
    sections = []
    for _, begin, end in found:
        section, closed, _ = page.partition(begin)[2].partition(end)
        if closed:
            sections.append(f"\n{begin}{section}{end}\n")
    return "".join(sections)


def markdown(results: Results) -> str:
    """The whole page."""
    measured = {window.scenario for window in results.windows}
    parts = [
        "# Results",
        INTRODUCTION,
        "## Aims",
        _aims(results),
        "## Conditions",
        _conditions(results),
        *(
            part
            for scenario in SCENARIOS.values()
            if scenario.name in measured
            for part in _scenario(results, scenario)
        ),
        "## Contenders",
        _contenders(results),
        "## Thrown away",
        _thrown_away(results),
    ]
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _aims(results: Results) -> str:
    rows = [(aim.title, aim.limit_text(), *aim.verdict(results)) for aim in AIMS]
    return table((f"{US}", "aim", "measured", ""), rows)


def _conditions(results: Results) -> str:
    shares = [window.foreign_share for window in results.windows]
    others = f"median {statistics.median(shares):.0%}, most {max(shares):.0%}" if shares else "–"
    rows = [*results.conditions.items(), ("others on the busier core", others)]
    return table(("", ""), rows)


def _scenario(results: Results, scenario: Scenario) -> list[str]:
    present = [
        name
        for name in NAMES
        if any((w.scenario, w.peer) == (scenario.name, name) for w in results.windows)
    ]
    compared = [metric for metric in scenario.metrics if metric.has_ratio]
    header = [
        "",
        *(f"{metric.title}: × {REFERENCE}" for metric in compared),
        *(metric.title for metric in scenario.metrics),
    ]
    rows = [
        [
            _named(results, scenario.name, name),
            *(_ratio(results, scenario.name, name, metric) for metric in compared),
            *(_value(results, scenario.name, name, metric) for metric in scenario.metrics),
        ]
        for name in present
    ]
    parts = [f"## {scenario.name}: {scenario.title}", table(header, rows)]
    if DIRECT.name in present:
        parts.append(_beyond_direct(results, scenario, present))
    if any(metric.key == "requests_per_s" for metric in scenario.metrics):
        parts.append(
            f"Requests/s and percentiles only where the proxy used at least {SATURATED} of its "
            "core in that window: otherwise they would measure the load generator."
        )
    return parts


def _beyond_direct(results: Results, scenario: Scenario, present: Sequence[str]) -> str:
    """What a proxy adds to the latency of the upstream itself, within a pass."""
    latencies = [metric for metric in scenario.metrics if metric.key.endswith("_ms")]
    rows = []
    for name in present:
        if name == DIRECT.name:
            continue
        cells = []
        for metric in latencies:
            added = results.difference(scenario.name, metric.key, (name, DIRECT.name))
            cells.append(added.text(metric.digits) if added else "–")
        rows.append([name, *cells])
    header = ["added to direct", *(metric.title for metric in latencies)]
    return table(header, rows)


def _named(results: Results, scenario: str, peer: str) -> str:
    """The name with what sets its load apart, such as a smaller number of streams."""
    labels = {
        window.label
        for window in results.windows
        if (window.scenario, window.peer) == (scenario, peer) and window.label
    }
    return peer + (f" ({', '.join(sorted(labels))})" if labels else "")


def _ratio(results: Results, scenario: str, peer: str, metric: Metric) -> str:
    ratio = results.ratio(scenario, metric.key, (peer, REFERENCE))
    return ratio.text(2) if ratio else "–"


def _value(results: Results, scenario: str, peer: str, metric: Metric) -> str:
    spread = results.spread(scenario, peer, metric.key)
    return spread.text(metric.digits) if spread else "–"


def _contenders(results: Results) -> str:
    rows = [
        (peer.name, results.versions[peer.name], peer.note)
        for peer in CONTENDERS
        if peer.name in results.versions
    ]
    return table(("", "version", ""), [*rows, (DIRECT.name, "", DIRECT.note)])


def _remarks(window: Window) -> list[str]:
    if not window.is_noisy:
        return window.notes
    noise = f"others used {window.foreign_share:.0%} of a core: its latencies and gaps do not count"
    return [*window.notes, noise]


def _plain(failure: str) -> str:
    """One line, without the paths of the machine."""
    return failure.splitlines()[0].replace(f"{ROOT}/", "")


def _thrown_away(results: Results) -> str:
    lines = [
        f"- pass {window.number}, {window.scenario}, {window.peer}: "
        + "; ".join(f"{count} × {_plain(what)}" for what, count in window.failures.items())
        for window in results.windows
        if not window.is_valid
    ]
    notes = [
        f"- pass {window.number}, {window.scenario}, {window.peer}: {note}"
        for window in results.windows
        for note in _remarks(window)
    ]
    kept = ["Kept, with a remark:", "\n".join(notes)] if notes else []
    return "\n\n".join(["\n".join(lines) or "No window had a failure.", *kept])
