"""How much of the two cores somebody else used while a window was measured."""

import resource
import time
from dataclasses import dataclass

from harness.process import CLOCK_TICKS_PER_S, PROC, ProcessTree
from harness.settings import LOAD_CORE, PROXY_CORE


@dataclass(frozen=True)
class Reading:
    """CPU seconds so far, by core: all of them, and those that are ours."""

    at_s: float
    busy_s: dict[int, float]
    ours_s: dict[int, float]


def read(proxy: ProcessTree | None, upstream: ProcessTree) -> Reading:
    """Load generators count once they have ended, so read before and after a window."""
    return Reading(
        at_s=time.monotonic(),
        busy_s={core: busy_s(core) for core in (PROXY_CORE, LOAD_CORE)},
        ours_s={
            PROXY_CORE: tree_s(proxy) if proxy else 0.0,
            LOAD_CORE: tree_s(upstream) + _harness_s(),
        },
    )


def share(before: Reading, after: Reading) -> float:
    """Of the more disturbed of the two cores, from 0 to 1."""
    elapsed_s = after.at_s - before.at_s
    foreign_s = (
        (after.busy_s[core] - before.busy_s[core]) - (after.ours_s[core] - before.ours_s[core])
        for core in before.busy_s
    )
    return max(0.0, *foreign_s) / elapsed_s


def busy_s(core: int) -> float:
    """How long a core has worked so far."""
    for line in (PROC / "stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal, *_guest = map(int, fields)
            return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS_PER_S
    raise ValueError(f"no core {core}")


def tree_s(tree: ProcessTree) -> float:
    """How long a tree has."""
    return sum(tree.cpu().process_s.values())


def _harness_s() -> float:
    """The harness itself, and the load generators that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
