"""What the project promises, as comparisons of one run side by side."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.results import Results, Spread

US = "llm-proxy"
NATIVE = "llm-proxy-native"
TRANSLATING = "llm-proxy-anthropic"
REFERENCE = "nginx"

REQUEST_CPU = "cpu_s_per_10k_requests"
CHUNK_CPU = "cpu_s_per_100k_chunks"


@dataclass(frozen=True)
class Aim:
    """A number to reach."""

    title: str
    unit: str
    limit: float
    measure: Callable[[Results], Spread | None]
    must: float | None = None
    """A weaker limit that has to hold even where the aim itself is not reached."""
    at_least: bool = False
    """Whether more is better."""
    digits: int = 2
    is_addition: bool = False
    """Whether a negative value can only be noise: no proxy makes an upstream faster."""

    def limit_text(self) -> str:
        """`≤ 1.0 × (must: 1.15 ×)`."""
        sign = "≥" if self.at_least else "≤"
        must = "" if self.must is None else f" (must: {self.must:g} {self.unit})"
        return f"{sign} {self.limit:g} {self.unit}{must}"

    def verdict(self, results: Results) -> tuple[str, str]:
        """What was measured, and whether that is enough. The median decides."""
        spread = self.measure(results)
        if spread is None:
            return "–", "not measured"
        if self.is_addition and spread.median < 0:
            return f"{spread.text(self.digits)} {self.unit}", "drowned in noise"
        reached = self._holds(spread.median, self.limit)
        verdict = "met" if reached else "**not met**"
        if not reached and self.must is not None and self._holds(spread.median, self.must):
            verdict = "must met, aim not"
        return f"{spread.text(self.digits)} {self.unit}", verdict

    def _holds(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit


def _ratio(
    scenario: str, metric: str, other: str = REFERENCE, ours: str = US
) -> Callable[[Results], Spread | None]:
    return lambda results: results.ratio(scenario, metric, (ours, other))


def _less(scenario: str, metric: str, other: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.difference(scenario, metric, (US, other))


def _own(scenario: str, metric: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.spread(scenario, US, metric)


def _stream_aims(scenario: str, streams: str) -> tuple[Aim, Aim]:
    gap = _less(scenario, "longest_gap_p99_ms", REFERENCE)
    return (
        Aim(f"CPU per chunk, {streams} streams, to nginx", "×", 1.0, _ratio(scenario, CHUNK_CPU)),
        Aim(f"longest gap p99, {streams} streams, beyond nginx's", "ms", 2.0, gap),
    )


def _translation_aim(scenario: str, streams: str) -> Aim:
    title = f"CPU per translated chunk, {streams} streams, to a relayed one"
    return Aim(title, "×", 2.0, _ratio(scenario, CHUNK_CPU, US, TRANSLATING))


def _memory_aim(scenario: str, streams: str) -> Aim:
    per_stream = _own(scenario, "kib_per_stream")
    return Aim(f"memory per stream, {streams} open", "KiB", 14, per_stream, must=32, digits=1)


AIMS = (
    Aim("CPU per request, to nginx", "×", 1.0, _ratio("req-1k", REQUEST_CPU), must=1.15),
    Aim("CPU per request, to nginx + Lua", "×", 0.85, _ratio("req-1k", REQUEST_CPU, "nginx-lua")),
    Aim(
        "CPU per request, LiteLLM's to ours",
        "×",
        450,
        lambda results: results.ratio("req-1k", REQUEST_CPU, ("litellm", US)),
        at_least=True,
        digits=0,
    ),
    Aim("CPU per request of 60 KB, to nginx", "×", 1.3, _ratio("req-60k", REQUEST_CPU)),
    Aim(
        "CPU per native request, to one through the LiteLLM relay",
        "×",
        1.05,
        _ratio("req-1k", REQUEST_CPU, US, NATIVE),
    ),
    *_stream_aims("stream-200", "200"),
    *_stream_aims("stream-1000", "1,000"),
    *_stream_aims("stream-5000", "5,000"),
    _translation_aim("stream-200", "200"),
    _translation_aim("stream-1000", "1,000"),
    Aim(
        "latency added at 1,000 requests/s, p50",
        "ms",
        0.15,
        _less("rate-1000", "p50_ms", "direct"),
        digits=3,
        is_addition=True,
    ),
    Aim(
        "latency added at 1,000 requests/s, p99",
        "ms",
        1.0,
        _less("rate-1000", "p99_ms", "direct"),
        digits=3,
        is_addition=True,
    ),
    _memory_aim("memory-1000", "1,000"),
    _memory_aim("memory-5000", "5,000"),
    Aim("idle memory, one worker", "MiB", 6, _own("memory-1000", "idle_mib"), digits=1),
)
