"""What is told while calls wait: in order, on the caller's thread or loop, and never in the way."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_proxy
from llm_proxy import AsyncLlmProxy, LlmProxy
from llm_proxy.events import Event, FailoverEvent, OutageEvent, RecoveredEvent, RetryEvent
from stack import INTERNAL_KEY, Services

HI = [{"role": "user", "content": "hi"}]
DEAD = {"model": "openai/dead", "api_base": "http://127.0.0.1:9/v1", "api_key": "a-key"}
CONFIGURATION: dict[str, Any] = {
    "model_list": [
        {"model_name": "shaky", "litellm_params": DEAD | {"order": 1}},
        {
            "model_name": "shaky",
            "litellm_params": {"model": "openai/spare", "mock_response": "Here.", "order": 2},
        },
        {"model_name": "lost", "litellm_params": DEAD | {"model": "openai/lost"}},
    ]
}
SETTINGS = {"RETRY_ATTEMPTS": "2", "RETRY_BASE_MS": "20", "BREAKER_FAILURES": "10000"}
SHAKY = [FailoverEvent, RecoveredEvent]


@pytest.fixture(params=["service", "embedded"])
def url(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> str | None:
    """Of a service with one dead endpoint; `None` is an engine in this process."""
    if request.param == "embedded":
        return None
    config = tmp_path / "shaky.yaml"
    config.write_text(json.dumps(CONFIGURATION))
    settings = SETTINGS | {"LLM_MODE": "native", "CONFIG": str(config)}
    return services.start("shaky", **settings).url  # type: ignore[arg-type]


def sync(url: str | None, **options: Any) -> LlmProxy:
    if url is None:
        return LlmProxy.embedded(CONFIGURATION, settings=SETTINGS, **options)
    return LlmProxy(base_url=url, internal_auth=INTERNAL_KEY, **options)


def asynchronous(url: str | None, **options: Any) -> AsyncLlmProxy:
    if url is None:
        return AsyncLlmProxy.embedded(CONFIGURATION, settings=SETTINGS, **options)
    return AsyncLlmProxy(base_url=url, internal_auth=INTERNAL_KEY, **options)


@pytest.fixture
def told() -> list[tuple[Event, int]]:
    """Events, and the threads that told them."""
    return []


def test_a_stream_tells_of_a_failover_before_it_begins(
    url: str | None, told: list[tuple[Event, int]]
) -> None:
    with sync(url, on_event=lambda event: told.append((event, threading.get_ident()))) as client:
        stream = client.chat.completions.create(model="shaky", messages=HI, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Here."
    assert [type(event) for event, _ in told] == SHAKY
    failover = told[0][0]
    assert isinstance(failover, FailoverEvent)
    assert (failover.from_, failover.to) == ("openai/dead", "mock/spare")
    assert failover.reason == "backend_unavailable"
    assert failover.model == "shaky"
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_a_whole_answer_is_told_of_too(url: str | None) -> None:
    told: list[Event] = []
    with sync(url, on_event=told.append) as client:
        answer = client.chat.completions.create(model="shaky", messages=HI)
    assert [type(event) for event in told] == SHAKY
    assert {event.request_id for event in told} == {answer.request_id}


def test_a_call_without_hope_tells_of_retry_and_outage(url: str | None) -> None:
    told: list[Event] = []
    client = sync(url, on_event=told.append)
    with pytest.raises(llm_proxy.APIError):
        list(client.chat.completions.create(model="lost", messages=HI, stream=True))
    assert [type(event) for event in told] == [RetryEvent, OutageEvent]
    retry = told[0]
    assert isinstance(retry, RetryEvent)
    assert (retry.endpoint, retry.attempt, retry.of) == ("openai/lost", 2, 2)
    assert 0 <= retry.delay < 1


async def test_the_async_twin_tells_on_its_loop(
    url: str | None, told: list[tuple[Event, int]]
) -> None:
    def tell(event: Event) -> None:
        assert asyncio.get_running_loop()
        told.append((event, threading.get_ident()))

    async with asynchronous(url, on_event=tell) as client:
        stream = await client.chat.completions.create(model="shaky", messages=HI, stream=True)
        assert len([chunk async for chunk in stream]) > 1
    assert [type(event) for event, _ in told] == SHAKY
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_a_callback_that_raises_breaks_nothing(
    url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def tell(event: Event) -> None:
        raise RuntimeError(event.model)

    with sync(url, on_event=tell) as client:
        stream = client.chat.completions.create(model="shaky", messages=HI, stream=True)
        assert list(stream)
    assert [str(seen.exc_value) for seen in unraisable] == ["shaky"] * len(SHAKY)


def test_a_callback_may_make_calls_itself(url: str | None) -> None:
    told: list[int] = []
    with sync(url) as client:

        def tell(_: Event) -> None:
            told.append(len(client.models.list().data))

        asking = client.with_options(on_event=tell)
        assert list(asking.chat.completions.create(model="shaky", messages=HI, stream=True))
    assert told == [2] * len(SHAKY)


@pytest.fixture
def everybodys(url: str | None) -> Iterator[tuple[LlmProxy, llm_proxy.EventStream]]:
    with sync(url) as client, client.events() as events:
        yield client, events


def test_events_tells_of_everybodys_calls(
    everybodys: tuple[LlmProxy, llm_proxy.EventStream],
) -> None:
    client, events = everybodys
    answer = client.chat.completions.create(model="shaky", messages=HI)
    seen = [next(events), next(events)]
    assert [type(event) for event in seen] == SHAKY
    assert {event.request_id for event in seen} == {answer.request_id}


async def test_events_of_the_async_twin(url: str | None) -> None:
    async with asynchronous(url) as client:
        events = await client.events()
        await client.chat.completions.create(model="shaky", messages=HI)
        assert [type(await anext(events)) for _ in SHAKY] == SHAKY
        await events.close()
        assert events.closed
