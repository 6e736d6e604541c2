"""What the package promises, and whether it holds."""

from dataclasses import dataclass

from harness.aims import Aim
from harness.python.contenders import CLIENT, EMBEDDED
from harness.results import Results, Spread


@dataclass(frozen=True)
class Promise:
    """A figure of ours with a limit, for every contender that it holds for."""

    row: str
    metric: str
    title: str
    unit: str
    limit: float
    digits: int = 1
    contenders: tuple[str, ...] = (CLIENT, EMBEDDED)

    def aims(self) -> list[Aim]:
        """One for each contender."""
        return [
            Aim(f"{self.title}, {name}", self.unit, self.limit, self._of(name), digits=self.digits)
            if len(self.contenders) > 1
            else Aim(self.title, self.unit, self.limit, self._of(name), digits=self.digits)
            for name in self.contenders
        ]

    def _of(self, name: str) -> "_Measured":
        return _Measured(self.row, name, self.metric)


@dataclass(frozen=True)
class _Measured:
    row: str
    contender: str
    metric: str

    def __call__(self, results: Results) -> Spread | None:
        return results.spread(self.row, self.contender, self.metric)


PACKAGE = (CLIENT,)

PROMISES = (
    Promise("import", "import_ms", "import", "ms", 10, contenders=PACKAGE),
    Promise("import", "threads", "threads after import", "", 0, 0, PACKAGE),
    Promise("import", "rss_mib", "RSS after import", "MiB", 15, contenders=PACKAGE),
    Promise("size", "wheel_mb", "wheel", "MB", 8, 2, PACKAGE),
    Promise("call-sync", "overhead_p50_us", "added to a call, p50", "µs", 100, 0),
    Promise("call-async", "overhead_p50_us", "added to an async call, p50", "µs", 130, 0),
    Promise("streams-1000", "cpu_us_per_chunk", "CPU per chunk, 1,000 streams", "µs", 12),
    Promise("streams-1000", "peak_mib", "peak RSS, 1,000 streams", "MiB", 60),
    Promise("interrupt", "head_ms", "Ctrl-C, waiting for a head", "ms", 60),
    Promise("interrupt", "stream_ms", "Ctrl-C, in a silent stream", "ms", 60),
    Promise("leave", "cancel_ms", "task cancelled → upstream closed", "ms", 50),
    Promise("leave", "break_ms", "`break` and `close` → upstream closed", "ms", 50),
    Promise("leave", "sockets_left", "sockets left of 100 cancelled streams", "", 0, 0),
)

AIMS = [aim for promise in PROMISES for aim in promise.aims()]
