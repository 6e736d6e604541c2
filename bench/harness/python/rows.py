"""What is measured. Each row measures one contender once; the passes are not its business."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from harness.measure import Measurement, Metric
from harness.python import watcher
from harness.python.contenders import Contender, wheel
from harness.python.process import START_S, SilentError, Subject, environment, subject
from harness.python.watcher import Mode, Watcher
from harness.settings import PROXY_CORE, UPSTREAM_PORT

NEVER_MS = 5_000.0
"""What is not there by then is not waited for."""

OUTCOMES = ("yes", "error", "hang")
"""Of a call after a fork, as the figures 0, 1 and 2."""

MB = 1e6
_BARE = "pass"
_WINDOW_S = 600.0
_LEAVING = 100
"""Streams that are cancelled at once."""
_AFTER_IMPORT = """
import os
print(len(os.listdir("/proc/self/task")) - 1)
print(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
"""


@dataclass(frozen=True)
class Extent:
    """How much is measured in one window."""

    calls: int = 2_000
    warm_up: int = 200
    trials: int = 10
    """Of what takes a moment each, such as Ctrl-C."""
    starts: int = 7
    """Of interpreters in one pass, or fewer where that takes too long."""
    starts_s: float = 3.0
    fewest_starts: int = 3


QUICK = Extent(calls=500, warm_up=100, trials=2, starts=5, starts_s=2.0)


@dataclass(frozen=True)
class Context:
    """What a row may use besides the contender."""

    watcher: Watcher
    extent: Extent


@dataclass(frozen=True)
class Row:
    """A row of the benchmark; in the report a table."""

    name: str
    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Contender, Context], Measurement]
    needs_quiet: bool = True
    needs_sync: bool = False
    is_of_package: bool = False
    """Whether contenders of one package have the same figures."""
    once: bool = False
    """Whether one pass is enough."""

    def takes(self, contender: Contender, number: int) -> bool:
        """Whether it has something to measure there."""
        return (
            self.name not in contender.skips
            and (contender.has_sync or not self.needs_sync)
            and (contender.is_imported or not self.is_of_package)
            and (number == 1 or not self.once)
        )


def _size(contender: Contender, _context: Context) -> Measurement:
    packages = next((contender.venv / "lib").glob("python*/site-packages"))
    # What every environment has, or gets by being used.
    others = ("pip", "setuptools", "_distutils_hack", "distutils-precedence.pth", "pkg_resources")
    files = (
        file
        for entry in packages.iterdir()
        if not entry.name.startswith(others)
        for file in ([entry] if entry.is_file() else entry.rglob("*"))
    )
    used = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    metrics = {"installed_mb": used / MB}
    if contender.package == "llm-proxy":
        metrics["wheel_mb"] = wheel().stat().st_size / MB
    return Measurement(metrics)


def _imports(contender: Contender, context: Context) -> Measurement:
    """Alternately with a bare interpreter, so that both see the same machine."""
    statement = f"import {contender.module}"
    _start_ms(contender, statement)
    times: list[float] = []
    bare: list[float] = []
    extent = context.extent
    deadline = time.monotonic() + extent.starts_s
    while len(times) < extent.starts and (
        len(times) < extent.fewest_starts or time.monotonic() < deadline
    ):
        times.append(_start_ms(contender, statement))
        bare.append(_start_ms(contender, _BARE))
    threads, kib = _after(contender, statement)
    _, bare_kib = _after(contender, _BARE)
    return Measurement(
        {
            "import_ms": statistics.median(times) - statistics.median(bare),
            "threads": threads,
            "rss_mib": kib / 1024,
            "bare_rss_mib": bare_kib / 1024,
            "added_rss_mib": (kib - bare_kib) / 1024,
        }
    )


def _start_ms(contender: Contender, statement: str) -> float:
    """From the start of an interpreter to its end."""
    began = time.perf_counter()
    _interpreter(contender, statement)
    return (time.perf_counter() - began) * 1000


def _after(contender: Contender, statement: str) -> tuple[int, int]:
    """Threads beside the main one, and the resident set in KiB."""
    threads, kib = _interpreter(contender, statement + _AFTER_IMPORT).split()
    return int(threads), int(kib)


def _interpreter(contender: Contender, program: str) -> str:
    command = ["taskset", "-c", str(PROXY_CORE), str(contender.python), "-c", program]
    with tempfile.TemporaryDirectory(prefix="bench-python-") as directory:
        done = subprocess.run(
            command, cwd=directory, env=environment(), capture_output=True, text=True, check=True
        )
    return done.stdout


def _calls(row: str) -> Callable[[Contender, Context], Measurement]:
    def measure(contender: Contender, context: Context) -> Measurement:
        options = {"calls": context.extent.calls, "warm_up": context.extent.warm_up}
        with subject(contender, row, UPSTREAM_PORT, options) as running:
            return Measurement(running.says(_WINDOW_S)["done"])

    return measure


def _streams(streams: int) -> Callable[[Contender, Context], Measurement]:
    def measure(contender: Contender, _context: Context) -> Measurement:
        count = min(streams, contender.most_streams or streams)
        with subject(contender, "streams", UPSTREAM_PORT, {"streams": count}) as running:
            label = f"{count} streams" if count < streams else ""
            return Measurement(running.says(_WINDOW_S)["done"], label=label)

    return measure


def _interrupts(contender: Contender, context: Context) -> Measurement:
    head = _interrupted(contender, context, "interrupt-head", Mode.NOTHING)
    stream = _interrupted(contender, context, "interrupt-stream", Mode.SILENCE)
    return Measurement({"head_ms": head, "stream_ms": stream})


def _interrupted(contender: Contender, context: Context, row: str, mode: Mode) -> float:
    """The median in milliseconds; NEVER_MS once one took that long."""
    context.watcher.clear(mode)
    trials = context.extent.trials
    times = []
    with subject(contender, row, watcher.PORT, {"trials": trials}) as running:
        for trial in range(trials):
            _wait_for_state(running, "calling")
            if mode is Mode.SILENCE:
                _wait_for_state(running, "reading")
            _wait_until(partial(context.watcher.has_seen, trial + 1))
            # Well into the wait, at another place of whatever turns round there.
            time.sleep(0.1 + 0.007 * trial)
            pressed = running.interrupt()
            try:
                times.append((_time_said(running) - pressed) * 1000)
            except SilentError:
                return NEVER_MS
    return statistics.median(times)


def _wait_for_state(running: Subject, state: str) -> None:
    while running.says(START_S).get("state") != state:
        pass


def _time_said(running: Subject) -> float:
    """When it happened, as the subject says; other news are passed over."""
    while True:
        said = running.says(NEVER_MS / 1000)
        if "at" in said:
            return float(said["at"])


def _leaves(contender: Contender, context: Context) -> Measurement:
    metrics = {}
    trials = context.extent.trials
    if contender.has_sync:
        context.watcher.clear(Mode.FLOW)
        with subject(contender, "leave-sync", watcher.PORT, {"trials": trials}) as running:
            metrics["break_ms"] = _left(running, context.watcher, trials)
    context.watcher.clear(Mode.FLOW)
    options = {"trials": trials, "many": _LEAVING}
    with subject(contender, "leave-async", watcher.PORT, options) as running:
        metrics["cancel_ms"] = _left(running, context.watcher, trials)
        left = running.says(START_S)
        metrics["sockets_left"] = float(left["sockets_left"])
    return Measurement(metrics)


def _left(running: Subject, seen: Watcher, trials: int) -> float:
    """Until the upstream saw it, the median in milliseconds; NEVER_MS if it did not once."""
    times: list[float] = []
    for trial in range(trials):
        at = float(running.says(START_S)["at"])
        patience_s = 0 if NEVER_MS in times else NEVER_MS / 1000
        _wait_until(partial(seen.has_left, trial), patience_s)
        left = seen.seen[trial].left_s
        times.append(NEVER_MS if left is None else max(0.0, left - at) * 1000)
        running.go_on()
    return NEVER_MS if NEVER_MS in times else statistics.median(times)


def _wait_until(condition: Callable[[], bool], within_s: float = START_S) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def _forks(contender: Contender, _context: Context) -> Measurement:
    with subject(contender, "fork", UPSTREAM_PORT, {}) as running:
        outcome = running.says(START_S)["done"]["outcome"]
    return Measurement({"outcome": float(OUTCOMES.index(outcome))})


def _call_metrics() -> tuple[Metric, ...]:
    return (
        Metric("overhead_p50_us", "added p50 µs", 0),
        Metric("overhead_p99_us", "added p99 µs", 0),
        Metric("call_p50_us", "whole call p50 µs", 0),
        Metric("raw_p50_us", "bare socket p50 µs", 0),
    )


def _stream_metrics() -> tuple[Metric, ...]:
    return (
        Metric("cpu_us_per_chunk", "CPU µs / chunk", 1, has_ratio=True),
        Metric("core_used", "core used", 2),
        Metric("peak_mib", "peak RSS MiB", 1),
        Metric("one_stream_mib", "after one stream MiB", 1),
    )


ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row(
            "size",
            "what is installed, dependencies included",
            (Metric("installed_mb", "installed MB", 1), Metric("wheel_mb", "wheel MB", 2)),
            _size,
            needs_quiet=False,
            is_of_package=True,
            once=True,
        ),
        Row(
            "import",
            "`import`: a fresh interpreter less a bare one",
            (
                Metric("import_ms", "ms", 1),
                Metric("threads", "threads", 0),
                Metric("rss_mib", "RSS MiB", 1),
                Metric("bare_rss_mib", "bare interpreter MiB", 1),
                Metric("added_rss_mib", "added MiB", 1),
            ),
            _imports,
            is_of_package=True,
        ),
        Row(
            "call-sync",
            "a whole answer on a kept-alive connection, less a bare socket's",
            _call_metrics(),
            _calls("call-sync"),
            needs_sync=True,
        ),
        Row(
            "call-async",
            "the same in an asyncio loop, one after the other, less a bare blocking socket's",
            _call_metrics(),
            _calls("call-async"),
        ),
        Row(
            "streams-1000",
            "1,000 streams of 100 chunks, one every 20 ms, in one asyncio loop",
            _stream_metrics(),
            _streams(1000),
        ),
        Row(
            "streams-200",
            "200 streams of 100 chunks, one every 20 ms, in one asyncio loop",
            _stream_metrics(),
            _streams(200),
        ),
        Row(
            "interrupt",
            "from SIGINT to `KeyboardInterrupt`, in a call for threads; median of ten",
            (
                Metric("head_ms", "waiting for a head ms", 1),
                Metric("stream_ms", "in a silent stream ms", 1),
            ),
            _interrupts,
            needs_sync=True,
            once=True,
        ),
        Row(
            "leave",
            "until the upstream sees that a reader of a stream has left; median of ten",
            (
                Metric("cancel_ms", "task cancelled ms", 1),
                Metric("break_ms", "`break` and `close` ms", 1),
                Metric("sockets_left", "sockets left of 100 cancelled", 0),
            ),
            _leaves,
            once=True,
        ),
        Row(
            "fork",
            "a call in the child of a process that has used the client",
            (Metric("outcome", "works", 0),),
            _forks,
            needs_quiet=False,
            needs_sync=True,
            once=True,
        ),
    )
}
