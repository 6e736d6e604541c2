"""What one whole answer takes, beside a bare socket's in the same process."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from contract import Target, async_client, sync_client
from raw import RawClient

_BLOCK = 100
"""Calls in a row before the other one has its turn."""

Times = list[int]


def sync(contender: str, target: Target, calls: int, warm_up: int) -> dict[str, float]:
    """One call after the other."""
    client, raw = sync_client(contender, target), RawClient(target)
    _check(client.whole())
    for _ in range(warm_up):
        client.whole()
        raw.whole()
    times: Times = []
    bare: Times = []
    now = time.perf_counter_ns
    for _ in range(calls // _BLOCK):
        for _ in range(_BLOCK):
            before = now()
            client.whole()
            times.append(now() - before)
        bare.extend(_bare(raw))
    return _figures(times, bare)


def asynchronous(contender: str, target: Target, calls: int, warm_up: int) -> dict[str, float]:
    """One call after the other, in one loop."""
    return asyncio.run(_asynchronous(contender, target, calls, warm_up))


async def _asynchronous(
    contender: str, target: Target, calls: int, warm_up: int
) -> dict[str, float]:
    client, raw = await async_client(contender, target), RawClient(target)
    _check(await client.whole())
    for _ in range(warm_up):
        await client.whole()
        raw.whole()
    times: Times = []
    bare: Times = []
    now = time.perf_counter_ns
    for _ in range(calls // _BLOCK):
        for _ in range(_BLOCK):
            before = now()
            await client.whole()
            times.append(now() - before)
        bare.extend(_bare(raw))
    await client.close()
    return _figures(times, bare)


def _bare(raw: RawClient) -> Times:
    times = []
    now = time.perf_counter_ns
    for _ in range(_BLOCK):
        before = now()
        raw.whole()
        times.append(now() - before)
    return times


def _check(text: str) -> None:
    if not text.startswith("lorem ipsum"):
        raise ValueError(f"another answer was expected than {text!r}")


def _figures(times: Sequence[int], bare: Sequence[int]) -> dict[str, float]:
    """Microseconds that the client adds."""
    (p50, p99), (bare_p50, bare_p99) = _percentiles(times), _percentiles(bare)
    return {
        "overhead_p50_us": p50 - bare_p50,
        "overhead_p99_us": p99 - bare_p99,
        "call_p50_us": p50,
        "raw_p50_us": bare_p50,
    }


def _percentiles(times: Sequence[int]) -> tuple[float, float]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return cuts[49] / 1000, cuts[98] / 1000
