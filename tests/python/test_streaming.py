"""Streams that go well: order, incremental delivery, usage when asked for, `[DONE]`."""

import asyncio
import re
from typing import Any

import httpx
import openai
import pytest

from clients import CHAT, HI, Backend, async_sdk, plain_http, streamed, words_of
from servers import Server
from sse import DONE, chunks, post
from stack import LITELLM_KEY
from upstream import FIRST_WORDS, TEXT, USAGE, WORDS, Upstream

WITH_USAGE: Any = {"include_usage": True}


def test_the_streamed_text_is_the_text_of_the_whole_answer(
    client: openai.OpenAI, backend: Backend
) -> None:
    whole = client.chat.completions.create(model=backend.model, messages=HI)
    stream = client.chat.completions.create(model=backend.model, messages=HI, stream=True)
    words = list(words_of(stream))
    assert len(words) > 1
    assert "".join(words) == whole.choices[0].message.content


async def test_the_async_client_streams_the_same_text(
    async_client: openai.AsyncOpenAI, backend: Backend
) -> None:
    create = async_client.chat.completions.create
    whole = await create(model=backend.model, messages=HI)
    stream = await create(model=backend.model, messages=HI, stream=True)
    pieces = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content


def test_chunks_come_in_the_order_of_the_provider(litellm_client: openai.OpenAI) -> None:
    stream = litellm_client.chat.completions.create(model="scripted", messages=HI, stream=True)
    assert list(words_of(stream)) == WORDS


def test_a_stream_opens_with_the_role_and_closes_with_the_finish_reason(
    client: openai.OpenAI, backend: Backend
) -> None:
    stream = client.chat.completions.create(model=backend.model, messages=HI, stream=True)
    choices = [choice for chunk in stream for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert [c.finish_reason for c in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_all_chunks_of_a_stream_share_id_and_model(client: openai.OpenAI, backend: Backend) -> None:
    stream = client.chat.completions.create(model=backend.model, messages=HI, stream=True)
    assert len({(chunk.id, chunk.object, chunk.model) for chunk in stream}) == 1


def test_a_stream_says_who_served_it(client: openai.OpenAI, backend: Backend) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(model=backend.model, messages=HI, stream=True) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-llm-proxy-endpoint"]
        assert answer.headers["x-llm-proxy-attempts"] == "1"
        assert answer.request_id


def test_a_complete_stream_ends_with_one_done(http: httpx.Client, backend: Backend) -> None:
    _, data = post(http, CHAT, streamed(backend.model))
    assert data[-1] == DONE
    assert data.count(DONE) == 1


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
def test_usage_is_not_streamed_to_those_who_did_not_ask(
    http: httpx.Client, backend: Backend, options: dict[str, Any]
) -> None:
    _, data = post(http, CHAT, streamed(backend.model, **options))
    assert [chunk for chunk in chunks(data) if chunk.get("usage")] == []
    assert all(chunk["choices"] for chunk in chunks(data))


def test_usage_is_streamed_once_and_last_to_those_who_asked(
    client: openai.OpenAI, backend: Backend
) -> None:
    create = client.chat.completions.create
    whole = create(model=backend.model, messages=HI)
    stream = create(model=backend.model, messages=HI, stream=True, stream_options=WITH_USAGE)
    usages = [chunk.usage for chunk in stream]
    assert usages[:-1] == [None] * (len(usages) - 1)
    assert usages[-1] is not None
    assert whole.usage is not None
    assert usages[-1].total_tokens == whole.usage.total_tokens


def test_asking_for_usage_adds_one_chunk_and_changes_no_other(
    http: httpx.Client, backend: Backend
) -> None:
    _, without = post(http, CHAT, streamed(backend.model))
    _, asked = post(http, CHAT, streamed(backend.model, stream_options=WITH_USAGE))
    choices = [[chunk["choices"] for chunk in chunks(data)] for data in (without, asked)]
    assert choices[1][:-1] == choices[0]


def test_the_streamed_usage_is_the_providers(litellm_http: httpx.Client) -> None:
    _, data = post(litellm_http, CHAT, streamed("scripted", stream_options=WITH_USAGE))
    usage = chunks(data)[-1]["usage"]
    assert {key: usage[key] for key in USAGE} == USAGE


@pytest.mark.parametrize("options", [{}, {"stream_options": WITH_USAGE}])
def test_the_stream_is_the_one_that_litellm_sends_to_its_own_callers(
    litellm: Server, litellm_http: httpx.Client, options: dict[str, Any]
) -> None:
    with plain_http(litellm.url, {"authorization": f"Bearer {LITELLM_KEY}"}) as direct:
        _, expected = post(direct, CHAT, streamed("scripted", **options))
    _, relayed = post(litellm_http, CHAT, streamed("scripted", **options))
    clock = re.compile(r'"created":\d+')
    assert [clock.sub("", data) for data in relayed] == [clock.sub("", data) for data in expected]


def test_a_chunk_is_delivered_while_the_provider_still_holds_the_next(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    words = words_of(
        litellm_client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
    )
    early = [next(words) for _ in FIRST_WORDS]  # times out if the service waits for more
    assert not upstream.released.is_set()
    upstream.release()
    assert "".join(early) + "".join(words) == TEXT


def test_a_client_that_closes_its_stream_closes_the_providers(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    stream = litellm_client.chat.completions.create(
        model="scripted-holds", messages=HI, stream=True
    )
    words = words_of(stream)
    assert [next(words) for _ in FIRST_WORDS] == FIRST_WORDS  # from here on there is silence
    assert not upstream.caller_left.is_set()
    stream.close()
    assert upstream.caller_left.wait(2)


async def test_a_cancelled_task_closes_the_providers_stream(
    service: Server, upstream: Upstream
) -> None:
    silence = asyncio.Event()

    async def read() -> None:
        async with async_sdk(f"{service.url}/v1") as client:
            stream = await client.chat.completions.create(
                model="scripted-holds", messages=HI, stream=True
            )
            async for chunk in stream:
                if chunk.choices[0].delta.content == FIRST_WORDS[-1]:
                    silence.set()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(silence.wait(), 5)
    assert not upstream.caller_left.is_set()
    reading.cancel()
    assert await asyncio.to_thread(upstream.caller_left.wait, 2)


async def test_many_streams_at_once_do_not_mix(mock_service: Server) -> None:
    async with async_sdk(f"{mock_service.url}/v1") as client:

        async def whole(message: Any) -> str:
            answer = await client.chat.completions.create(model="m", messages=[message])
            return answer.choices[0].message.content or ""

        async def stream(message: Any) -> str:
            chunks = await client.chat.completions.create(
                model="m", messages=[message], stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in chunks])

        questions = [{"role": "user", "content": f"question number {n}"} for n in range(50)]
        streams = await asyncio.gather(*map(stream, questions))
        wholes = await asyncio.gather(*map(whole, questions))
    assert streams == wholes
    assert len(set(streams)) == len(questions)
