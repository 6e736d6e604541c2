"""One client, many threads; and callbacks that come back to the client that called them."""

import asyncio
import sys
import threading
from typing import Any

import llm_proxy
import pytest
from llm_proxy import LlmProxy
from llm_proxy.events import Event, RecoveredEvent, RetryEvent

from conftest import Home
from faults import SILENT, TEXT, Faults, at, refuses, says

HI = [{"role": "user", "content": "hi"}]
THREADS, CALLS = 8, 50


def ask(client: LlmProxy, **options: Any) -> Any:
    return client.chat.completions.create(model="m", messages=HI, **options)


def one_of_many(client: LlmProxy, number: int) -> str:
    """Calls of all kinds, taking turns."""
    match number % 5:
        case 0:
            return str(ask(client).choices[0].message.content)
        case 1:
            chunks = list(ask(client, stream=True))
            return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
        case 2:
            for _ in ask(client, stream=True):
                break
            return TEXT
        case 3:
            with pytest.raises(llm_proxy.RateLimitError):
                client.chat.completions.create(model="limited", messages=HI)
            return TEXT
        case _:
            assert client.embeddings.create(model="e", input="a").data
            return TEXT


def test_threads_share_a_client(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    faults.on("limited", refuses(429))
    answers: list[str] = []
    with either.sync() as client:

        def work(first: int) -> None:
            answers.extend(one_of_many(client, first + number) for number in range(CALLS))

        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert answers == [TEXT] * THREADS * CALLS


def test_threads_that_read_one_stream_share_its_chunks(either: Home, faults: Faults) -> None:
    words = [f"{number} " for number in range(500)]
    faults.on("m", says(pieces=words))
    said: list[str] = []
    with either.sync() as client:
        stream = ask(client, stream=True)

        def read() -> None:
            for chunk in stream:
                said.extend(c.delta.content for c in chunk.choices if c.delta.content)

        threads = [threading.Thread(target=read, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
    assert sorted(said) == sorted(words)


def test_a_thread_that_waits_does_not_hold_the_others_up(either: Home, faults: Faults) -> None:
    faults.on("silent", says(SILENT))
    faults.on("m", says())
    with either.sync() as client:
        waiting = threading.Thread(target=outlive, args=(client,), daemon=True)
        waiting.start()
        faults.wait_for_requests()
        assert ask(client).choices[0].message.content == TEXT
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()


def outlive(client: LlmProxy) -> None:
    with pytest.raises(llm_proxy.ClientClosedError):
        client.chat.completions.create(model="silent", messages=HI)


def test_a_callback_may_close_its_client(hasty: list[Home], faults: Faults) -> None:
    for home in hasty:
        faults.on("m", refuses(500), says(SILENT))
        told: list[Event] = []

        def tell(event: Event) -> None:
            told.append(event)
            client.close()  # noqa: B023, it is called in this turn

        client = home.sync(on_event=tell)
        with pytest.raises(llm_proxy.ClientClosedError):
            ask(client)
        assert [type(event) for event in told] == [RetryEvent]


def test_a_callback_may_ask_what_it_is_told_of(hasty: list[Home], faults: Faults) -> None:
    for home in hasty:
        faults.on("m", refuses(500), says())
        told: list[Any] = []

        def tell(event: Event) -> None:
            told.append((type(event), ask(client).choices[0].message.content))  # noqa: B023

        with home.sync(on_event=tell) as client:
            assert ask(client).choices[0].message.content == TEXT
        assert told == [(RetryEvent, TEXT), (RecoveredEvent, TEXT)]


async def test_an_async_callback_that_raises_breaks_nothing(
    hasty: list[Home], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in hasty:
        unraisable: list[Any] = []
        monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
        faults.on("m", refuses(500), says())
        async with home.asynchronous(on_event=int) as client:
            answer = await client.chat.completions.create(model="m", messages=HI)
        assert answer.choices[0].message.content == TEXT
        assert [seen.exc_type for seen in unraisable] == [TypeError, TypeError]


async def test_an_async_callback_is_on_the_loop_of_its_call(
    hasty: list[Home], faults: Faults
) -> None:
    for home in hasty:
        faults.on("m", says(at(1, "reset")), says())
        loops: list[Any] = []
        async with home.asynchronous(
            on_event=lambda _: loops.append(asyncio.get_running_loop())  # noqa: B023
        ) as client:
            stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
            chunks = [chunk async for chunk in stream]
        assert chunks
        assert loops == [asyncio.get_running_loop()] * 2
