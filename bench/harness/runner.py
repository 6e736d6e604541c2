"""Passes: every scenario, and in each of them every contender in turn."""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import neighbours, peers
from harness.contender import NotReadyError, Peer, RunningPeer, running
from harness.load import LoadError
from harness.measure import Context, Measurement, Scenario
from harness.peers import DIRECT
from harness.process import ProcessGoneError, ProcessTree
from harness.results import Results, Window
from harness.settings import QUIET

REPEATS = 2
"""How often a window is measured again because others were busy."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    passes: int
    speed: float
    """Below one, windows are shorter than they should be."""


def run(
    results: Results,
    upstream: ProcessTree,
    contenders: Sequence[Peer],
    scenarios: Sequence[Scenario],
    extent: Extent,
) -> None:
    """Adds the windows of all passes to `results`."""
    with tempfile.TemporaryDirectory(prefix="bench-load-") as directory:
        context = Context(Path(directory), upstream, extent.speed)
        for number in range(1, extent.passes + 1):
            for scenario in scenarios:
                for peer in _rotated([DIRECT, *contenders], number):
                    if peer.takes(scenario.name):
                        results.windows.append(_quiet_window(number, scenario, peer, context))


def _rotated(contenders: Sequence[Peer], number: int) -> list[Peer]:
    """Another one begins in every pass, so that none always follows the same neighbour's heat."""
    begin = (number - 1) % len(contenders)
    return [*contenders[begin:], *contenders[:begin]]


def _quiet_window(number: int, scenario: Scenario, peer: Peer, context: Context) -> Window:
    """The first window that nobody disturbed, or else what the last one is still good for."""
    repeats_left = REPEATS
    while True:
        window = _window(number, scenario, peer, context)
        _tell(window)
        if window.foreign_share <= QUIET or not scenario.needs_quiet:
            return window
        if not repeats_left:
            kept = {key: value for key, value in window.metrics.items() if key[-3:] != "_ms"}
            return dataclasses.replace(window, metrics=kept, is_noisy=True)
        repeats_left -= 1


def _window(number: int, scenario: Scenario, peer: Peer, context: Context) -> Window:
    foreign_share = 0.0
    try:
        with _started(peer) as target:
            before = neighbours.read(target.tree, context.upstream)
            measurement = scenario.measure(target, context)
            after = neighbours.read(target.tree, context.upstream)
            foreign_share = neighbours.share(before, after)
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
        foreign_share=foreign_share,
    )


@contextmanager
def _started(peer: Peer) -> Iterator[RunningPeer]:
    if peer is DIRECT:
        yield peers.direct()
        return
    with running(peer, peers.port_of(peer)) as target:
        yield target


def _tell(window: Window) -> None:
    figures = ", ".join(f"{key} {value:.4g}" for key, value in window.metrics.items())
    trouble = f" FAILED {window.failures}" if window.failures else ""
    remarks = [*window.notes, *([window.label] if window.label else [])]
    notes = f" ({'; '.join(remarks)})" if remarks else ""
    others = f" [others {window.foreign_share:.0%}]"
    line = f"pass {window.number} {window.scenario:12} {window.peer:19} {figures}"
    print(line + others + notes + trouble, file=sys.stderr, flush=True)
