"""The twin for event loops, asyncio's and uvloop's: calls at once, tasks that are cancelled."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import trio
import uvloop

import llm_proxy
from conftest import Home
from faults import PIECES, SILENT, STALLS, TEXT, Faults, at, says
from llm_proxy import AsyncLlmProxy

HI = [{"role": "user", "content": "hi"}]
RUNS: dict[str, Callable[[Coroutine[Any, Any, Any]], Any]] = {
    "asyncio": asyncio.run,
    "uvloop": uvloop.run,
}


def ask(client: AsyncLlmProxy, **options: Any) -> Coroutine[Any, Any, Any]:
    return client.chat.completions.create(model="m", messages=HI, **options)


async def said(client: AsyncLlmProxy) -> tuple[str, str]:
    """A whole answer, and a streamed one."""
    whole = (await ask(client)).choices[0].message.content
    chunks = [chunk async for chunk in await ask(client, stream=True)]
    return whole, "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_everything_that_a_client_can_be_asked_for(
    either: Home, faults: Faults, run: Callable[..., Any]
) -> None:
    faults.on("m", says())

    async def main() -> None:
        async with either.asynchronous() as client:
            assert await said(client) == (TEXT, TEXT)
            assert (await client.embeddings.create(model="e", input="a")).data
            assert (await client.models.list()).object == "list"
            health = await client.health()
            assert [report.endpoint for report in await client.doctor()] == list(health)

    run(main())


@pytest.mark.parametrize("first", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("second", RUNS.values(), ids=RUNS)
def test_one_client_serves_loops_one_after_the_other(
    either: Home, faults: Faults, first: Callable[..., Any], second: Callable[..., Any]
) -> None:
    faults.on("m", says())
    client = either.asynchronous()
    assert first(said(client)) == second(said(client)) == (TEXT, TEXT)


def test_one_client_serves_loops_in_many_threads(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    client = either.asynchronous()
    answers: list[Any] = []

    def work() -> None:
        answers.extend(asyncio.run(said(client)) for _ in range(10))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [(TEXT, TEXT)] * 80


def test_trio_is_told_that_it_is_not_supported(either: Home) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="trio"):
            await either.asynchronous().models.list()

    trio.run(main)


def test_without_a_loop_it_says_what_is_missing(either: Home) -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        either.asynchronous().health().send(None)


async def test_many_calls_at_once(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    async with either.asynchronous() as client:
        answers = await asyncio.gather(*(ask(client) for _ in range(200)))
    assert [answer.choices[0].message.content for answer in answers] == [TEXT] * 200


async def test_many_streams_at_once_lose_nothing(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces=[f"{n} " for n in range(100)]))
    async with either.asynchronous() as client:
        answers = await asyncio.gather(*(said(client) for _ in range(30)))
    expected = "".join(f"{n} " for n in range(100))
    assert answers == [(expected, expected)] * 30


async def test_a_slow_reader_holds_the_upstream_up(either: Home, faults: Faults) -> None:
    faults.on("m", {"body": {"endless": {"text_bytes": 4000}}, "send_buffer_bytes": 8192})
    async with either.asynchronous() as client, await ask(client, stream=True) as stream:
        await anext(stream)
        count = await settled(faults)
        assert count < 16 << 20
        for _ in range(5000):
            await anext(stream)
        assert await settled(faults) > count


async def settled(faults: Faults) -> int:
    """What was sent, once no more is."""
    deadline, before = time.monotonic() + 10, -1
    while (now := faults.bytes_written()) != before:
        assert time.monotonic() < deadline
        before = now
        await asyncio.sleep(0.2)
    return now


async def test_a_timeout_of_the_loop_ends_the_call(either: Home, faults: Faults) -> None:
    faults.on("m", says(SILENT))
    async with either.asynchronous() as client:
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(ask(client), 0.1)
        assert not isinstance(caught.value, llm_proxy.LlmProxyError)
        await asyncio.to_thread(faults.wait_until_left)


async def test_a_timeout_of_the_loop_ends_the_stream(either: Home, faults: Faults) -> None:
    faults.on("m", STALLS)
    async with either.asynchronous() as client:
        stream = await ask(client, stream=True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(all_of(stream), 0.2)
        assert stream.closed
        await asyncio.to_thread(faults.wait_until_left)


async def test_the_clients_own_timeout(either: Home, faults: Faults) -> None:
    faults.on("m", STALLS)
    async with either.asynchronous(timeout=0.2) as client:
        with pytest.raises(llm_proxy.APITimeoutError):
            _ = [chunk async for chunk in await ask(client, stream=True)]


async def test_two_tasks_that_wait_for_one_stream_are_told(either: Home, faults: Faults) -> None:
    faults.on("m", STALLS)
    async with either.asynchronous() as client:
        stream = await ask(client, stream=True)
        pieces = [await anext(stream) for _ in range(1 + len(PIECES[:2]))]
        assert len(pieces) == 3
        waiting = asyncio.create_task(anext_of(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await anext(stream)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def anext_of(stream: Any) -> Any:
    return await anext(stream)


async def test_an_awaited_call_has_no_second_answer(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    async with either.asynchronous() as client:
        task = asyncio.ensure_future(ask(client))
        assert (await task) is (await task)


async def test_an_item_of_a_stream_that_nobody_else_holds(either: Home, faults: Faults) -> None:
    faults.on("m", says(at(0, {"pause_ms": 200})))
    async with either.asynchronous() as client:
        chunk = await asyncio.wait_for(anext(await ask(client, stream=True)), 5)
        assert chunk.choices[0].delta.role == "assistant"


@pytest.mark.parametrize("what", ["close", "aclose"])
async def test_closing_a_stream_ends_the_loop_of_another_task(
    either: Home, faults: Faults, what: str
) -> None:
    faults.on("m", STALLS)
    async with either.asynchronous() as client:
        stream = await ask(client, stream=True)
        reading = asyncio.create_task(all_of(stream))
        await asyncio.to_thread(faults.wait_for_requests)
        await asyncio.sleep(0.05)
        await getattr(stream, what)()
        assert len(await asyncio.wait_for(reading, 5)) <= 3


async def all_of(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]
