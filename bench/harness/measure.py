"""Kinds of scenarios: each measures one running contender once.

Passes, order and ratios are not their business.
"""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness import load
from harness.contender import RunningPeer
from harness.process import CpuReading, CpuUse, ProcessTree, cpu_used
from harness.settings import SATURATED

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Metric:
    """A column of the report."""

    key: str
    title: str
    digits: int
    has_ratio: bool = False
    """Whether a ratio to the reference means something."""


@dataclass
class Measurement:
    """One window. Any failure makes it worthless; notes do not."""

    metrics: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    label: str = ""
    """How the contender's load differs from the others', for its row."""

    def fail(self, what: str, count: int = 1) -> None:
        """Makes the window worthless."""
        self.failures[what] = self.failures.get(what, 0) + count


@dataclass(frozen=True)
class Context:
    """What a scenario may use besides the contender."""

    directory: Path
    upstream: ProcessTree
    speed: float = 1
    """Below one, windows are shorter than they should be."""


class Scenario(Protocol):
    """A way to measure one contender."""

    @property
    def name(self) -> str:
        """As in `--scenario`."""
        ...

    @property
    def title(self) -> str:
        """What is done, for the report."""
        ...

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The columns."""
        ...

    @property
    def needs_quiet(self) -> bool:
        """Whether other work on the machine changes the figures."""
        ...

    def measure(self, target: RunningPeer, context: Context) -> Measurement:
        """One window."""
        ...


CPU_PER_REQUEST = Metric("cpu_s_per_10k_requests", "CPU s / 10,000 requests", 3, has_ratio=True)
CPU_PER_CHUNK = Metric("cpu_s_per_100k_chunks", "CPU s / 100,000 chunks", 2, has_ratio=True)
CORE_USED = Metric("core_used", "core used", 2)
WARM_UP = load.StreamLoad(streams=16, chunks=10, ramp_ms=200, rounds=4)
"""Short streams before those that are measured: what the upstream sends for `bench`."""

P50 = Metric("p50_ms", "p50 ms", 3)
P99 = Metric("p99_ms", "p99 ms", 3)


@dataclass(frozen=True)
class Requests:
    """Unstreamed requests, as many as go through 64 connections."""

    name: str
    title: str
    body_bytes: int
    seconds: float = 5
    connections: int = 64
    needs_quiet: bool = True
    metrics: tuple[Metric, ...] = (
        CPU_PER_REQUEST,
        CORE_USED,
        Metric("requests_per_s", "requests/s", 0),
        P50,
        P99,
    )

    def measure(self, target: RunningPeer, context: Context) -> Measurement:
        """One window of wrk."""
        model = target.peer.model_prefix + "bench"
        body = load.chat_body(context.directory, model, self.body_bytes, stream=False)
        load.wrk(target, body, target.peer.warm_up_s, self.connections)
        before = _cpu_of(target)
        result = load.wrk(target, body, self.seconds * context.speed, self.connections)
        cpu = _cpu_since(target, before)
        core_used = cpu.seconds / result.duration_s
        measurement = Measurement(failures=dict(result.failures), notes=_notes(cpu))
        measurement.metrics = {
            CPU_PER_REQUEST.key: cpu.seconds / max(result.requests, 1) * 1e4,
            CORE_USED.key: core_used,
        }
        if core_used >= SATURATED:
            measurement.metrics |= {
                "requests_per_s": result.requests / result.duration_s,
                P50.key: result.latency.p50,
                P99.key: result.latency.p99,
            }
        if not result.requests:
            measurement.fail("no requests")
        return measurement


@dataclass(frozen=True)
class Rate:
    """Unstreamed requests at a fixed rate, for latency."""

    name: str
    title: str
    per_second: int
    seconds: int = 8
    body_bytes: int = 450
    needs_quiet: bool = True
    metrics: tuple[Metric, ...] = (
        P50,
        P99,
        Metric("p999_ms", "p99.9 ms", 3),
        CPU_PER_REQUEST,
    )

    def measure(self, target: RunningPeer, context: Context) -> Measurement:
        """One window, warmed up by the client itself."""
        model = target.peer.model_prefix + "bench"
        body = load.chat_body(context.directory, model, self.body_bytes, stream=False)
        seconds = max(1, round(self.seconds * context.speed))
        before = _cpu_of(target)
        result = load.rate(target, body, self.per_second, seconds)
        cpu = _cpu_since(target, before)
        measurement = Measurement(failures=dict(result.failures), notes=_notes(cpu))
        measurement.metrics = {
            P50.key: result.latency.p50,
            P99.key: result.latency.p99,
            "p999_ms": result.latency.p999,
        }
        if target.tree:
            requests = max(result.completed, 1)
            measurement.metrics[CPU_PER_REQUEST.key] = cpu.seconds / requests * 1e4
        return measurement


@dataclass(frozen=True)
class Streams:
    """Streams that are open at the same time."""

    name: str
    title: str
    model: str
    load: load.StreamLoad
    expected_bytes: int
    """Of one stream, as the upstream sends it."""
    needs_quiet: bool = True
    metrics: tuple[Metric, ...] = (
        CPU_PER_CHUNK,
        CORE_USED,
        Metric("longest_gap_p50_ms", "longest gap p50 ms", 1),
        Metric("longest_gap_p99_ms", "longest gap p99 ms", 1),
        Metric("longest_gap_max_ms", "longest gap max ms", 1),
        Metric("first_byte_p50_ms", "first byte p50 ms", 2),
        Metric("first_byte_p99_ms", "first byte p99 ms", 2),
        Metric("reads_per_stream", "reads / stream", 1),
    )

    def measure(self, target: RunningPeer, context: Context) -> Measurement:
        """All streams from their beginning to their end."""
        wanted = _scaled(self.load, target)
        warm_up = load.chat_body(context.directory, target.peer.model_prefix + "bench", stream=True)
        load.streams(target, warm_up, WARM_UP)
        body = load.chat_body(context.directory, target.peer.model_prefix + self.model, stream=True)
        before = _cpu_of(target)
        result = load.streams(target, body, wanted)
        cpu = _cpu_since(target, before)
        measurement = Measurement(failures=dict(result.failures), notes=_notes(cpu))
        if wanted != self.load:
            measurement.label = f"{wanted.streams} streams"
        if result.completed != wanted.streams * wanted.rounds and not measurement.failures:
            measurement.fail("streams missing")
        exact = (self.expected_bytes, self.expected_bytes)
        if target.peer.relays_bytes and result.body_bytes != exact:
            measurement.fail(f"{result.body_bytes} bytes a stream, not {self.expected_bytes}")
        measurement.metrics = {
            "longest_gap_p50_ms": result.longest_gap.p50,
            "longest_gap_p99_ms": result.longest_gap.p99,
            "longest_gap_max_ms": result.longest_gap.max,
            "first_byte_p50_ms": result.first_byte.p50,
            "first_byte_p99_ms": result.first_byte.p99,
            "reads_per_stream": result.reads_per_stream,
        }
        if target.tree:
            measurement.metrics |= {
                CPU_PER_CHUNK.key: cpu.seconds / max(result.chunks, 1) * 1e5,
                CORE_USED.key: cpu.seconds / result.elapsed_s,
            }
        return measurement


@dataclass(frozen=True)
class Memory:
    """Memory of a fresh process: idle, and what each open stream adds."""

    name: str
    title: str
    model: str
    load: load.StreamLoad
    settle_s: float = 1
    needs_quiet: bool = False
    metrics: tuple[Metric, ...] = (
        Metric("idle_mib", "idle MiB", 1, has_ratio=True),
        Metric("open_mib", "all open MiB", 1),
        Metric("kib_per_stream", "KiB / open stream", 1, has_ratio=True),
    )

    def measure(self, target: RunningPeer, context: Context) -> Measurement:
        """PSS before the first request, and while all streams are open."""
        tree = target.tree
        if not tree:
            return Measurement(failures={"no process": 1})
        wanted = _scaled(self.load, target)
        body = load.chat_body(context.directory, target.peer.model_prefix + self.model, stream=True)
        time.sleep(self.settle_s)
        idle = tree.memory_bytes()

        def look() -> int:
            time.sleep(self.settle_s)
            return tree.memory_bytes()

        measurement = Measurement()
        if wanted != self.load:
            measurement.label = f"{wanted.streams} streams"
        opened = load.while_open(target, body, wanted, look)
        if opened is None:
            measurement.fail("never all open")
            return measurement
        measurement.metrics = {
            "idle_mib": idle / MIB,
            "open_mib": opened / MIB,
            "kib_per_stream": (opened - idle) / wanted.streams / KIB,
        }
        return measurement


def _scaled(wanted: load.StreamLoad, target: RunningPeer) -> load.StreamLoad:
    most = target.peer.most_streams
    if most is None or most >= wanted.streams:
        return wanted
    return dataclasses.replace(wanted, streams=most)


def _cpu_of(target: RunningPeer) -> CpuReading:
    return target.tree.cpu() if target.tree else CpuReading({}, {})


def _cpu_since(target: RunningPeer, before: CpuReading) -> CpuUse:
    return cpu_used(before, _cpu_of(target))


def _notes(cpu: CpuUse) -> list[str]:
    return [cpu.note] if cpu.note else []
