"""Passes: every row, and in each of them every contender in turn."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness import neighbours
from harness.measure import Measurement
from harness.process import ProcessTree
from harness.python.contenders import Contender
from harness.python.process import SubjectError
from harness.python.rows import Context, Row
from harness.results import Results, Window
from harness.settings import LOAD_CORE, PROXY_CORE, QUIET

REPEATS = 2
"""How often a window is measured again because others were busy."""


@dataclass(frozen=True)
class Field:
    """Who takes part, and in what."""

    contenders: Sequence[Contender]
    rows: Sequence[Row]
    passes: int
    repeats: int = REPEATS


def run(results: Results, upstream: ProcessTree, context: Context, field: Field) -> None:
    """Adds the windows of all passes to `results`."""
    # The watcher is a thread of this process: it belongs on the upstream's core.
    os.sched_setaffinity(0, {LOAD_CORE})
    for number in range(1, field.passes + 1):
        for row in field.rows:
            for contender in rotated(field.contenders, number):
                if row.takes(contender, number):
                    window = _quietest(number, (row, contender), (upstream, context), field.repeats)
                    results.windows.append(window)


def rotated(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """Another one begins in every pass."""
    begin = (number - 1) % len(contenders)
    return [*contenders[begin:], *contenders[:begin]]


def _quietest(
    number: int, what: tuple[Row, Contender], where: tuple[ProcessTree, Context], repeats: int
) -> Window:
    """The first window that nobody disturbed, or else the one that was disturbed least."""
    row, _ = what
    windows: list[Window] = []
    while len(windows) <= repeats:
        windows.append(_window(number, what, where))
        _tell(windows[-1])
        if windows[-1].foreign_share <= QUIET or not row.needs_quiet:
            return windows[-1]
    return min(windows, key=lambda window: (not window.is_valid, window.foreign_share))


def _window(number: int, what: tuple[Row, Contender], where: tuple[ProcessTree, Context]) -> Window:
    row, contender = what
    upstream, context = where
    before = _reading(upstream)
    try:
        measurement = row.measure(contender, context)
    except (SubjectError, OSError, subprocess.SubprocessError, LookupError, ValueError) as error:
        measurement = Measurement(failures={f"{type(error).__name__}: {error}": 1})
    share = neighbours.share(before, _reading(upstream))
    return Window(
        number=number,
        scenario=row.name,
        peer=contender.name,
        metrics=measurement.metrics,
        failures=measurement.failures,
        notes=measurement.notes,
        label=measurement.label,
        foreign_share=share,
        is_noisy=row.needs_quiet and share > QUIET,
    )


def _reading(upstream: ProcessTree) -> neighbours.Reading:
    """Subjects have ended, and are children of ours: all of them ran on their own core."""
    return neighbours.Reading(
        at_s=time.monotonic(),
        busy_s={core: neighbours.busy_s(core) for core in (PROXY_CORE, LOAD_CORE)},
        ours_s={
            PROXY_CORE: _used_s(resource.RUSAGE_CHILDREN),
            LOAD_CORE: neighbours.tree_s(upstream) + _used_s(resource.RUSAGE_SELF),
        },
    )


def _used_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _tell(window: Window) -> None:
    figures = ", ".join(f"{key} {value:.4g}" for key, value in window.metrics.items())
    trouble = f" FAILED {window.failures}" if window.failures else ""
    line = f"pass {window.number} {window.scenario:12} {window.peer:19} {figures}"
    others = f" [others {window.foreign_share:.0%}]"
    print(line + others + trouble, file=sys.stderr, flush=True)
