"""Streams that break: the client is told, and no `[DONE]` claims that all is well."""

import json
import time

import httpx
import openai
import pytest

from clients import CHAT, HI, async_sdk, plain_http, read_until_it_breaks, sdk, streamed, words_of
from servers import Server
from sse import DONE, payloads
from stack import Services
from upstream import FIRST_WORDS, Upstream


def assert_came_in_the_stream(error: openai.APIError) -> None:
    """An event becomes this very class; a cut connection or a refusal would be another."""
    assert type(error) is openai.APIError
    assert error.message


def test_when_the_provider_dies_the_sdk_raises_after_what_was_said(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    stream = litellm_client.chat.completions.create(model="scripted-dies", messages=HI, stream=True)
    said, error = read_until_it_breaks(upstream.release_after_first_words(words_of(stream)))
    assert said == FIRST_WORDS
    assert_came_in_the_stream(error)


async def test_when_the_provider_dies_the_async_client_raises(
    service: Server, upstream: Upstream
) -> None:
    async with async_sdk(f"{service.url}/v1") as client:
        stream = await client.chat.completions.create(
            model="scripted-dies", messages=HI, stream=True
        )
        chunks = aiter(stream)
        await anext(chunks)
        upstream.release()
        with pytest.raises(openai.APIError) as caught:
            [chunk async for chunk in chunks]
    assert_came_in_the_stream(caught.value)


def test_when_the_provider_dies_the_last_event_is_one_error_and_not_done(
    litellm_http: httpx.Client, upstream: Upstream
) -> None:
    with litellm_http.stream("POST", CHAT, json=streamed("scripted-dies")) as answer:
        data = list(payloads(upstream.release_after_first_words(answer.iter_lines())))
    errors = [json.loads(payload).get("error") for payload in data]
    assert errors[:-1] == [None] * (len(errors) - 1)
    assert errors[-1].keys() >= {"message", "type", "param", "code"}
    assert errors[-1]["message"]


@pytest.mark.usefixtures("upstream")
def test_when_litellm_is_killed_the_sdk_raises_and_the_service_goes_on(
    services: Services, doomed_litellm: Server
) -> None:
    server = services.before(doomed_litellm.url, "before_doomed")
    with sdk(f"{server.url}/v1") as client:
        words = words_of(
            client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
        )
        assert [next(words) for _ in FIRST_WORDS] == FIRST_WORDS

        doomed_litellm.kill()
        started = time.monotonic()
        with pytest.raises(openai.APIError) as caught:
            next(words)
        assert_came_in_the_stream(caught.value)

        with pytest.raises(openai.InternalServerError) as refused:
            client.chat.completions.create(model="scripted", messages=HI)
        assert refused.value.status_code == 503
        assert refused.value.code == "backend_unavailable"
        assert time.monotonic() - started < 2
    assert httpx.get(f"{server.url}/health", trust_env=False).status_code == 200


def test_a_silent_provider_is_cut_off_after_the_idle_timeout(
    services: Services, litellm: Server, upstream: Upstream
) -> None:
    server = services.before(litellm.url, "impatient", IDLE_TIMEOUT_S="0.3")
    with sdk(f"{server.url}/v1") as client:
        stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
        said, error = read_until_it_breaks(words_of(stream))
    assert said == FIRST_WORDS
    assert_came_in_the_stream(error)
    assert upstream.caller_left.wait(2)


def test_comments_keep_a_silent_stream_alive(
    services: Services, litellm: Server, upstream: Upstream
) -> None:
    server = services.before(litellm.url, "talkative", KEEPALIVE_INTERVAL_S="0.1")
    with (
        plain_http(server.url) as client,
        client.stream("POST", CHAT, json=streamed("scripted-holds")) as answer,
    ):
        lines = answer.iter_lines()
        comments = (line for line in lines if line.startswith(":"))
        assert [next(comments), next(comments)]
        upstream.release()
        assert f"data: {DONE}" in list(lines)


def test_stopping_the_service_lets_an_open_stream_finish(
    services: Services, litellm: Server, upstream: Upstream
) -> None:
    server = services.before(litellm.url, "draining", DRAIN_TIMEOUT_S="10")
    with sdk(f"{server.url}/v1") as client:
        stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
        chunks = iter(stream)
        next(chunks)
        server.terminate()
        upstream.release()
        finish_reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert finish_reasons[-1] == "stop"
    assert server.process.wait(5) == 0


@pytest.mark.usefixtures("upstream")
def test_a_stream_that_outlives_the_drain_window_ends_in_an_error(
    services: Services, litellm: Server
) -> None:
    server = services.before(litellm.url, "drained", DRAIN_TIMEOUT_S="0.3")
    with sdk(f"{server.url}/v1") as client:
        stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
        next(iter(stream))
        server.terminate()
        _, error = read_until_it_breaks(words_of(stream))
    assert_came_in_the_stream(error)
    assert server.process.wait(5) == 0
