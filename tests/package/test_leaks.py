"""300 streams that nobody read to the end leave nothing: no socket, no thread, no memory."""

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_proxy import LlmProxy

from conftest import Home
from faults import STALLS, Faults, says, until

HI = [{"role": "user", "content": "hi"}]
STREAMS = 300
AT_ONCE = 25
# A stream that were kept would hold its buffers, of many kilobytes, and its mailbox.
GROWTH_BYTES = 6 << 20


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def memory() -> int:
    """Resident bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def abandon(client: LlmProxy, count: int) -> None:
    """Streams that have begun and are forgotten, as many at once as there may be."""
    for _ in range(count // AT_ONCE):
        streams = [
            client.chat.completions.create(model="m", messages=HI, stream=True)
            for _ in range(AT_ONCE)
        ]
        for stream in streams:
            next(stream)
        del stream, streams
    gc.collect()


async def abandon_async(client: Any, count: int) -> None:
    async def one() -> None:
        async for _ in await client.chat.completions.create(model="m", messages=HI, stream=True):
            return

    for _ in range(count // AT_ONCE):
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    gc.collect()


def sync_streams(home: Home) -> tuple[Any, Callable[[int], None]]:
    client = home.sync()
    return client, lambda count: abandon(client, count)


def async_streams(home: Home) -> tuple[Any, Callable[[int], None]]:
    client = home.asynchronous()
    return client, lambda count: asyncio.run(abandon_async(client, count))


@pytest.mark.parametrize("streams", [sync_streams, async_streams], ids=["sync", "async"])
def test_abandoned_streams_leave_nothing(
    either: Home, faults: Faults, streams: Callable[[Home], Any]
) -> None:
    faults.on("m", STALLS)
    _client, leave = streams(either)
    leave(4 * AT_ONCE)  # warm: pools, arenas, code
    faults.wait_until_left(4 * AT_ONCE)
    before = descriptors(), threads(), memory()
    leave(STREAMS)
    faults.wait_until_left(4 * AT_ONCE + STREAMS)
    until("end of the sockets", lambda: descriptors() <= before[0])
    assert threads() == before[1]
    grown = memory() - before[2]
    print(f"{STREAMS} abandoned streams: {grown / 1024:.0f} KiB more")
    assert grown < GROWTH_BYTES
    assert faults.open() == []


def test_clients_that_are_closed_leave_nothing(either: Home, faults: Faults) -> None:
    faults.on("m", says())

    def once() -> None:
        with either.sync() as client:
            client.chat.completions.create(model="m", messages=HI)

    for _ in range(5):
        once()
    gc.collect()
    before = descriptors(), threads()
    for _ in range(30):
        once()
    until("end of the sockets", lambda: descriptors() <= before[0])
    assert threads() == before[1]
    if either.url is None:
        until("end of the upstream's", lambda: not faults.open())


def test_loops_that_end_leave_nothing(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    client = either.asynchronous()

    async def once() -> None:
        await client.chat.completions.create(model="m", messages=HI)

    asyncio.run(once())
    before = descriptors()
    for _ in range(20):
        asyncio.run(once())
    assert descriptors() <= before + 2


def test_all_calls_share_one_thread(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    for client in (either.sync(), either.sync()):
        client.chat.completions.create(model="m", messages=HI)
    names = [
        Path(f"/proc/self/task/{task}/comm").read_text().strip()
        for task in os.listdir("/proc/self/task")
    ]
    assert names.count("llm-proxy") == 1
    # Python knows nothing of it.
    assert "llm-proxy" not in {thread.name for thread in threading.enumerate()}
