"""The windows of a run, and what follows from them: medians, and ratios within a pass."""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Window:
    """One contender, one scenario, one pass."""

    number: int
    """The pass, from one."""
    scenario: str
    peer: str
    metrics: dict[str, float]
    failures: dict[str, int]
    notes: list[str]
    label: str = ""
    """How the load of this contender differs from the others'."""
    foreign_share: float = 0
    """How much of the more disturbed core others used meanwhile."""
    is_noisy: bool = False
    """Whether that was too much, again and again: latencies and gaps were struck out."""

    @property
    def is_valid(self) -> bool:
        """Whether it counts."""
        return not self.failures


@dataclass(frozen=True)
class Spread:
    """A median with its extremes."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """None without values."""
        numbers = [value for value in values if not math.isnan(value)]
        if not numbers:
            return None
        return cls(statistics.median(numbers), min(numbers), max(numbers))

    def text(self, digits: int) -> str:
        """`median (least–most)`."""
        median, least, most = (
            f"{value:,.{digits}f}" for value in (self.median, self.least, self.most)
        )
        return median if least == most else f"{median} ({least}–{most})"


@dataclass
class Results:
    """A whole run."""

    conditions: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)

    def values(self, scenario: str, peer: str, metric: str) -> dict[int, float]:
        """A metric of every valid window, by pass."""
        return {
            window.number: window.metrics[metric]
            for window in self.windows
            if (window.scenario, window.peer) == (scenario, peer)
            and window.is_valid
            and metric in window.metrics
        }

    def spread(self, scenario: str, peer: str, metric: str) -> Spread | None:
        """A metric over all passes."""
        return Spread.of(list(self.values(scenario, peer, metric).values()))

    def compared(
        self,
        scenario: str,
        metric: str,
        pair: tuple[str, str],
        compare: Callable[[float, float], float],
    ) -> Spread | None:
        """Two contenders of the same pass compared, then the median over the passes."""
        ours, theirs = (self.values(scenario, peer, metric) for peer in pair)
        both = ours.keys() & theirs.keys()
        return Spread.of([compare(ours[number], theirs[number]) for number in sorted(both)])

    def ratio(self, scenario: str, metric: str, pair: tuple[str, str]) -> Spread | None:
        """The first contender's value as a multiple of the second's."""
        return self.compared(scenario, metric, pair, _ratio)

    def difference(self, scenario: str, metric: str, pair: tuple[str, str]) -> Spread | None:
        """The first contender's value less the second's."""
        return self.compared(scenario, metric, pair, lambda ours, theirs: ours - theirs)

    def save(self, path: Path) -> None:
        """Writes everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Reads what `save` wrote."""
        saved: dict[str, Any] = json.loads(path.read_text())
        windows = [Window(**window) for window in saved["windows"]]
        return cls(saved["conditions"], saved["versions"], windows)


def _ratio(ours: float, theirs: float) -> float:
    return ours / theirs if theirs else math.nan
