"""Whoever stops reading is gone: the upstream sees its connection close, however it was left."""

import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from conftest import Home
from faults import SILENT, STALLS, Faults, says
from llm_proxy import AsyncLlmProxy, LlmProxy

HI = [{"role": "user", "content": "hi"}]
# Loose: the machine that runs this may be busy. What it takes is printed.
SOON_S = 2.0
TIMES = 5


def begun(client: LlmProxy) -> Any:
    return client.chat.completions.create(model="m", messages=HI, stream=True)


def closes(client: LlmProxy) -> None:
    stream = begun(client)
    next(stream)
    stream.close()


def breaks(client: LlmProxy) -> None:
    for _ in begun(client):
        break


def breaks_with(client: LlmProxy) -> None:
    with begun(client) as stream:
        for _ in stream:
            break


def raises_with(client: LlmProxy) -> None:
    with suppress(ZeroDivisionError), begun(client) as stream:
        for _ in stream:
            raise ZeroDivisionError


def forgets(client: LlmProxy) -> None:
    next(begun(client))


def forgets_in_a_circle(client: LlmProxy) -> None:
    circle: list[Any] = [begun(client)]
    next(circle[0])
    circle.append(circle)
    del circle
    gc.collect()


def leaves_a_generator(client: LlmProxy) -> None:
    def pieces() -> Any:
        yield from begun(client)

    pieces_of_one = pieces()
    next(pieces_of_one)
    del pieces_of_one


WAYS = [
    closes, breaks, breaks_with, raises_with, forgets, forgets_in_a_circle, leaves_a_generator,
]  # fmt: skip


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
def test_the_upstream_sees_a_caller_leave(
    either: Home, faults: Faults, leave: Callable[[LlmProxy], None]
) -> None:
    faults.on("m", STALLS)
    with either.sync() as client:
        took = []
        for time_of in range(1, TIMES + 1):
            leave(client)
            left_at = time.monotonic()
            took.append(faults.wait_until_left(time_of) - left_at)
    report("left → closed", took)


async def cancel(client: AsyncLlmProxy, faults: Faults, stream: bool) -> float:
    """Cancels a task in the middle; when that was."""
    before = len(faults.requests())
    task = asyncio.create_task(read(client, stream))
    await asyncio.to_thread(faults.wait_for_requests, before + 1)
    await asyncio.sleep(0.02)
    task.cancel()
    cancelled_at = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    return cancelled_at


async def read(client: AsyncLlmProxy, stream: bool) -> None:
    answer: Any = await client.chat.completions.create(model="m", messages=HI, stream=stream)
    async for _ in answer:
        pass


@pytest.mark.parametrize("stream", [False, True], ids=["before the head", "in the middle"])
async def test_the_upstream_sees_a_task_cancelled(
    either: Home, faults: Faults, stream: bool
) -> None:
    faults.on("m", STALLS if stream else says(SILENT))
    async with either.asynchronous() as client:
        took = []
        for time_of in range(1, TIMES + 1):
            cancelled_at = await cancel(client, faults, stream)
            took.append(await asyncio.to_thread(faults.wait_until_left, time_of) - cancelled_at)
    report("cancel → closed", took)


async def async_breaks(client: AsyncLlmProxy) -> None:
    async for _ in await client.chat.completions.create(model="m", messages=HI, stream=True):
        break


async def async_breaks_with(client: AsyncLlmProxy) -> None:
    async with await client.chat.completions.create(model="m", messages=HI, stream=True) as stream:
        async for _ in stream:
            break


async def async_closes(client: AsyncLlmProxy) -> None:
    stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
    await anext(stream)
    await stream.close()


async def async_never_awaits(client: AsyncLlmProxy) -> None:
    """The call has begun when its task first waits."""
    task = asyncio.create_task(read(client, stream=True))
    for _ in range(3):
        await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize(
    "leave",
    [async_breaks, async_breaks_with, async_closes, async_never_awaits],
    ids=lambda way: way.__name__,
)
async def test_the_upstream_sees_an_async_caller_leave(
    either: Home, faults: Faults, leave: Callable[[AsyncLlmProxy], Any]
) -> None:
    faults.on("m", STALLS)
    async with either.asynchronous() as client:
        for time_of in range(1, TIMES + 1):
            await leave(client)
            await asyncio.to_thread(faults.wait_until_left, time_of)


def test_a_client_that_is_let_go_of_closes_its_connections(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    if either.url is not None:
        pytest.skip("the connections are the service's")
    client = either.sync()
    client.chat.completions.create(model="m", messages=HI)
    assert len(faults.open()) == 1
    del client
    gc.collect()
    deadline = time.monotonic() + SOON_S
    while faults.open() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert faults.open() == []


def report(what: str, took: list[float]) -> None:
    middle = statistics.median(took) * 1000
    print(f"{what}: {middle:.0f} ms (middle of {len(took)}), {max(took) * 1000:.0f} ms at most")
    assert max(took) < SOON_S
