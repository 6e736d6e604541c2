"""Writes the Python package's part of RESULTS.md. Every figure in it comes from the run."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from harness.measure import Metric
from harness.python.aims import AIMS
from harness.python.contenders import CLIENT, CONTENDERS
from harness.python.rows import NEVER_MS, OUTCOMES, ROWS, Row
from harness.report import table
from harness.results import Results, Spread
from harness.settings import ROOT

BEGIN = "<!-- python: written by make bench-python -->"
END = "<!-- end of python -->"

INTRODUCTION = """\
Written by `make bench-python`; [README.md](README.md#the-python-package) says how to read it.
Median of all passes, least and most in brackets. The client under test has core 0, the upstream
core 1; there is no proxy in between."""


def write(page: Path, results: Results) -> None:
    """Replaces our part of the page, or appends it."""
    page.write_text(merged(page.read_text() if page.exists() else "", markdown(results)))


def merged(page: str, section: str) -> str:
    """The page with this section in place of the old one; the rest of it stays as it is."""
    ours = f"{BEGIN}\n\n{section}\n\n{END}\n"
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END + "\n")
    if begin and end:
        return before + ours + after
    return f"{page.rstrip()}\n\n{ours}" if page.strip() else ours


def markdown(results: Results) -> str:
    """The section."""
    measured = {window.scenario for window in results.windows}
    parts = [
        "## Python package",
        INTRODUCTION,
        table(("llm-proxy", "aim", "measured", ""), _aims(results)),
        table(("", ""), _conditions(results)),
    ]
    for row in ROWS.values():
        if row.name in measured:
            parts += [f"### {row.name}: {row.title}", _row(results, row)]
    versions = [(c.name, results.versions.get(c.name, "–"), c.note) for c in CONTENDERS]
    parts += ["### Clients", table(("", "version", ""), versions)]
    parts += ["### Thrown away or disturbed", _remarks(results)]
    return "\n\n".join(parts)


def _aims(results: Results) -> list[Sequence[str]]:
    return [(aim.title, aim.limit_text(), *aim.verdict(results)) for aim in AIMS]


def _conditions(results: Results) -> list[tuple[str, str]]:
    shares = [window.foreign_share for window in results.windows]
    others = f"median {statistics.median(shares):.0%}, most {max(shares):.0%}" if shares else "–"
    return [*results.conditions.items(), ("others on the busier core", others)]


def _row(results: Results, row: Row) -> str:
    names = [
        contender.name
        for contender in CONTENDERS
        if any((w.scenario, w.peer) == (row.name, contender.name) for w in results.windows)
    ]
    compared = [metric for metric in row.metrics if metric.has_ratio]
    header = [
        "",
        *(f"{metric.title}: × {CLIENT}" for metric in compared),
        *(metric.title for metric in row.metrics),
    ]
    lines = [
        [
            _named(results, row, name),
            *(_ratio(results, row, name, metric) for metric in compared),
            *(_value(results, row, name, metric) for metric in row.metrics),
        ]
        for name in names
    ]
    return table(header, lines)


def _named(results: Results, row: Row, name: str) -> str:
    labels = {w.label for w in results.windows if (w.scenario, w.peer) == (row.name, name)}
    labels.discard("")
    return name + (f" ({', '.join(sorted(labels))})" if labels else "")


def _ratio(results: Results, row: Row, name: str, metric: Metric) -> str:
    ratio = results.ratio(row.name, metric.key, (name, CLIENT))
    return ratio.text(2) if ratio else "–"


def _value(results: Results, row: Row, name: str, metric: Metric) -> str:
    spread = results.spread(row.name, name, metric.key)
    return shown(metric, spread) if spread else "–"


def shown(metric: Metric, spread: Spread) -> str:
    """A figure, or the word that it stands for."""
    if metric.key == "outcome":
        return OUTCOMES[int(spread.most)]
    if spread.most == NEVER_MS:
        limit = f"> {NEVER_MS / 1000:g} s"
        return f"**never** ({limit})" if spread.least == NEVER_MS else f"in some passes {limit}"
    return spread.text(metric.digits)


def _remarks(results: Results) -> str:
    lines = [
        f"- pass {window.number}, {window.scenario}, {window.peer}: {remark}"
        for window in results.windows
        for remark in [
            *(f"thrown away: {_plain(failure)}" for failure in window.failures),
            *([f"others used {window.foreign_share:.0%} of a core"] if window.is_noisy else []),
        ]
    ]
    return "\n".join(lines) or "None."


def _plain(failure: str) -> str:
    """One line, without the paths of the machine."""
    return failure.splitlines()[0].replace(f"{ROOT}/", "")
