"""Passes: every scenario, and in each of them every contender in turn."""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import peers
from harness.contender import NotReadyError, Peer, RunningPeer, running
from harness.load import LoadError
from harness.measure import Context, Measurement, Scenario
from harness.peers import DIRECT
from harness.process import ProcessGoneError, core_busy_s
from harness.results import Results, Window
from harness.settings import PROXY_CORE, QUIET

REPEATS = 2
"""How often a window is measured again because others were busy."""


def run(
    results: Results,
    contenders: Sequence[Peer],
    scenarios: Sequence[Scenario],
    passes: int,
    speed: float,
) -> None:
    """Adds the windows of all passes to `results`. The upstream must be running."""
    with tempfile.TemporaryDirectory(prefix="bench-load-") as directory:
        context = Context(Path(directory), speed)
        for number in range(1, passes + 1):
            for scenario in scenarios:
                for peer in _rotated([DIRECT, *contenders], number):
                    if peer.takes(scenario.name):
                        results.windows.append(_quiet_window(number, scenario, peer, context))


def _rotated(contenders: Sequence[Peer], number: int) -> list[Peer]:
    """Another one begins in every pass, so that none always follows the same neighbour's heat."""
    begin = (number - 1) % len(contenders)
    return [*contenders[begin:], *contenders[:begin]]


def _quiet_window(number: int, scenario: Scenario, peer: Peer, context: Context) -> Window:
    """The first window that nobody disturbed, or else the last one, marked as noisy."""
    for _ in range(1 + REPEATS):
        window = _window(number, scenario, peer, context)
        _tell(window)
        if window.foreign_core_share <= QUIET or not scenario.needs_quiet:
            return window
    return dataclasses.replace(window, is_noisy=True)


def _window(number: int, scenario: Scenario, peer: Peer, context: Context) -> Window:
    foreign = 0.0
    try:
        with _started(peer) as target:
            start, busy = time.monotonic(), core_busy_s(PROXY_CORE)
            cpu_before = _own_cpu_s(target)
            measurement = scenario.measure(target, context)
            own = _own_cpu_s(target) - cpu_before
            busy = core_busy_s(PROXY_CORE) - busy
            foreign = max(0.0, busy - own) / (time.monotonic() - start)
    except (LoadError, NotReadyError, ProcessGoneError, OSError) as error:
        measurement = Measurement(failures={f"{type(error).__name__}: {error}": 1})
    return Window(
        number=number,
        scenario=scenario.name,
        peer=peer.name,
        metrics=measurement.metrics,
        failures=measurement.failures,
        notes=measurement.notes,
        label=measurement.label,
        foreign_core_share=foreign,
    )


@contextmanager
def _started(peer: Peer) -> Iterator[RunningPeer]:
    if peer is DIRECT:
        yield peers.direct()
        return
    with running(peer, peers.port_of(peer)) as target:
        yield target


def _own_cpu_s(target: RunningPeer) -> float:
    return sum(target.tree.cpu().process_s.values()) if target.tree else 0.0


def _tell(window: Window) -> None:
    figures = ", ".join(f"{key} {value:.4g}" for key, value in window.metrics.items())
    trouble = f" FAILED {window.failures}" if window.failures else ""
    remarks = [*window.notes, *([window.label] if window.label else [])]
    notes = f" ({'; '.join(remarks)})" if remarks else ""
    others = f" [others {window.foreign_core_share:.0%}]"
    line = f"pass {window.number} {window.scenario:12} {window.peer:10} {figures}"
    print(line + others + notes + trouble, file=sys.stderr, flush=True)
