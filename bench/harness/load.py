"""The load generators: wrk, the stream client and the fixed-rate client, all on the load core."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contender import RunningPeer
from harness.settings import BINARIES, LOAD_CORE, PEER_CONFIGS


def _pinned(core: int = LOAD_CORE) -> tuple[str, ...]:
    return ("taskset", "-c", str(core))


class LoadError(Exception):
    """A load generator itself failed."""


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True)
class WrkResult:
    """One run of wrk."""

    requests: int
    duration_s: float
    failures: dict[str, int]
    latency: Percentiles


@dataclass(frozen=True)
class RateResult:
    """One run at a fixed rate."""

    completed: int
    elapsed_s: float
    failures: dict[str, int]
    latency: Percentiles


@dataclass(frozen=True)
class StreamsResult:
    """One run of many streams."""

    completed: int
    elapsed_s: float
    failures: dict[str, int]
    chunks: int
    reads_per_stream: float
    body_bytes: tuple[int, int]
    """Of the shortest and the longest stream."""
    longest_gap: Percentiles
    first_byte: Percentiles


def chat_body(directory: Path, model: str, size: int | None = None, *, stream: bool) -> Path:
    """Writes a chat request; with a `size` the user's message is filled up to it."""

    def rendered(content: str) -> str:
        messages = [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": content},
        ]
        request: dict[str, object] = {"model": model, "messages": messages, "temperature": 0.7}
        if stream:
            request["stream"] = True
        return json.dumps(request)

    empty = len(rendered(""))
    text = "All work and no play makes a dull benchmark. " * (1 + (size or 0) // 45)
    content = text[: size - empty] if size else "Tell me a story."
    path = directory / "body.json"
    path.write_text(rendered(content))
    return path


def wrk(
    target: RunningPeer, body: Path, seconds: float, connections: int, core: int = LOAD_CORE
) -> WrkResult:
    """As many requests as `connections` can have answered, one after another on each.

    wrk knows whole seconds only.
    """
    headers = "\n".join(f"{name}: {value}" for name, value in target.peer.caller_headers.items())
    command = [
        *_pinned(core),
        *(
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "--latency",
        ),
        *("-s", str(PEER_CONFIGS / "post.lua"), f"http://127.0.0.1:{target.port}"),
    ]
    environment = {
        **os.environ,
        "BENCH_BODY": str(body),
        "BENCH_PATH": target.path,
        "BENCH_HEADERS": headers,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("BENCH ")]
    if done.returncode or not lines:
        raise LoadError(f"wrk: {done.stderr or done.stdout}")
    report: dict[str, int] = json.loads(lines[0].removeprefix("BENCH "))
    kinds = ("connect", "read", "write", "status", "timeout")
    return WrkResult(
        requests=report["requests"],
        duration_s=report["duration_us"] / 1e6,
        failures={kind: report[kind] for kind in kinds if report[kind]},
        latency=Percentiles(
            *(report[key] / 1000 for key in ("p50_us", "p99_us", "p999_us", "max_us"))
        ),
    )


def rate(target: RunningPeer, body: Path, per_second: int, seconds: int) -> RateResult:
    """`per_second` requests each second, whether or not earlier ones were answered."""
    options = ("--rate", str(per_second), "--seconds", str(seconds))
    report = _client("bench-rate", target, body, options)
    return RateResult(
        completed=report["completed"],
        elapsed_s=report["elapsed_s"],
        failures=report["failures"],
        latency=_percentiles(report["latency_ms"]),
    )


@dataclass(frozen=True)
class StreamLoad:
    """How many streams, and of what shape."""

    streams: int
    chunks: int
    ramp_ms: int
    rounds: int = 1


def streams(target: RunningPeer, body: Path, load: StreamLoad) -> StreamsResult:
    """Runs all streams to their end."""
    report = _client("bench-streams", target, body, _stream_options(load))
    shortest, longest = report["body_bytes_min"] or 0, report["body_bytes_max"] or 0
    return StreamsResult(
        completed=report["completed"],
        elapsed_s=report["elapsed_s"],
        failures=report["failures"],
        chunks=report["chunks"],
        reads_per_stream=report["reads_per_stream"],
        body_bytes=(shortest, longest),
        longest_gap=_percentiles(report["longest_gap_ms"]),
        first_byte=_percentiles(report["first_byte_ms"]),
    )


def while_open(
    target: RunningPeer, body: Path, load: StreamLoad, look: Callable[[], int]
) -> int | None:
    """Opens the streams, calls `look` once all are open, and drops them.

    None when they were never open all at once.
    """
    command = _command("bench-streams", target, body, _stream_options(load))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        try:
            line = client.stdout.readline() if client.stdout else ""
            event: dict[str, Any] = json.loads(line or "{}")
            return look() if event.get("event") == "all_open" else None
        finally:
            client.terminate()


def _stream_options(load: StreamLoad) -> Sequence[str]:
    return (
        *("--streams", str(load.streams), "--chunks", str(load.chunks)),
        *("--ramp-ms", str(load.ramp_ms), "--rounds", str(load.rounds)),
    )


def _client(name: str, target: RunningPeer, body: Path, options: Sequence[str]) -> dict[str, Any]:
    command = _command(name, target, body, options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{name}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _command(name: str, target: RunningPeer, body: Path, options: Sequence[str]) -> list[str]:
    headers = [
        part
        for name_, value in target.peer.caller_headers.items()
        for part in ("--header", f"{name_}: {value}")
    ]
    address = ("--address", f"127.0.0.1:{target.port}", "--path", target.path)
    return [*_pinned(), str(BINARIES / name), *address, "--body", str(body), *headers, *options]


def _percentiles(report: dict[str, float | None]) -> Percentiles:
    # Without a single sample there is no percentile; the failures say why.
    values = (report[key] for key in ("p50", "p99", "p999", "max"))
    return Percentiles(*(float("nan") if value is None else value for value in values))
