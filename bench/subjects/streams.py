"""Many streams at once in one event loop: what a chunk costs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from contract import AsyncClient, Target, async_client

_MODEL = "bench-stream-100-20"
_TEXTS = tuple(f"#{number:05}".ljust(31, "x") for number in range(100))
_RAMP_S = 1.0


def measure(contender: str, target: Target, streams: int) -> dict[str, float]:
    """CPU time of every thread, from the first request to the last chunk."""
    return asyncio.run(_measure(contender, target, streams))


async def _measure(contender: str, target: Target, streams: int) -> dict[str, float]:
    client = await async_client(contender, target)
    await _one(client, 0)
    idle_kib = _peak_kib()
    began, used = time.perf_counter(), time.process_time()
    starts = (_RAMP_S * number / streams for number in range(streams))
    async with asyncio.TaskGroup() as group:
        for start in starts:
            group.create_task(_one(client, start))
    used = time.process_time() - used
    elapsed = time.perf_counter() - began
    await client.close()
    return {
        "cpu_us_per_chunk": used / (streams * len(_TEXTS)) * 1e6,
        "core_used": used / elapsed,
        "peak_mib": _peak_kib() / 1024,
        "one_stream_mib": idle_kib / 1024,
    }


async def _one(client: AsyncClient, start: float) -> None:
    """Reads a stream and compares every text with what was sent."""
    await asyncio.sleep(start)
    expected = iter(_TEXTS)

    def read(text: str) -> bool:
        if text != next(expected, None):
            raise ValueError(f"chunk out of place: {text!r}")
        return False

    await client.read(_MODEL, read)
    if (missing := next(expected, None)) is not None:
        raise ValueError(f"the stream ended before {missing!r}")


def _peak_kib() -> int:
    """Not `ru_maxrss`: that begins with the size of who started this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
