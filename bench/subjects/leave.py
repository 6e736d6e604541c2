"""Callers who leave a stream: when they did, and what they leave behind."""

from __future__ import annotations

import asyncio
import time

from contract import AsyncClient, Target, async_client, sync_client
from tell import established, heard, tell

_MODEL = "bench-stream-100-20"
_ENOUGH = 3
"""Chunks that are read before leaving."""
_SETTLING_S = 1.0


def sync(contender: str, target: Target, trials: int) -> None:
    """`break`, and `close` where there is one."""
    client = sync_client(contender, target)
    for _ in range(trials):
        seen = 0

        def read(_text: str) -> bool:
            nonlocal seen
            seen += 1
            if seen == _ENOUGH:
                tell(at=time.monotonic())
            return seen == _ENOUGH

        client.read(_MODEL, read)
        heard()


def asynchronous(contender: str, target: Target, trials: int, many: int) -> None:
    """The task that reads is cancelled."""
    asyncio.run(_asynchronous(contender, target, trials, many))


async def _asynchronous(contender: str, target: Target, trials: int, many: int) -> None:
    client = await async_client(contender, target)
    for _ in range(trials):
        tasks = await _reading(client, 1)
        tell(at=time.monotonic())
        await _cancelled(tasks)
        await asyncio.to_thread(heard)
    await _cancelled(await _reading(client, many))
    await asyncio.sleep(_SETTLING_S)
    tell(sockets_left=established(target.port))


async def _reading(client: AsyncClient, count: int) -> list[asyncio.Task[None]]:
    """Tasks that all have had something to read."""
    begun = [asyncio.Event() for _ in range(count)]

    tasks = [asyncio.create_task(_reads(client, event)) for event in begun]
    for event in begun:
        await event.wait()
    return tasks


async def _reads(client: AsyncClient, begun: asyncio.Event) -> None:
    def read(_text: str) -> bool:
        begun.set()
        return False

    await client.read(_MODEL, read)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
