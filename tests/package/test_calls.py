"""Calls through both homes: what comes back, what the upstream was asked, what goes wrong."""

import asyncio
from typing import Any

import pytest

import llm_proxy
from conftest import Home
from llm_proxy import AsyncLlmProxy, LlmProxy
from llm_proxy.types import ChatCompletion
from upstream import FIRST_WORDS, TEXT, UNICODE_WORDS, USAGE, Upstream

HI = [{"role": "user", "content": "hi"}]
WEATHER = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def text_of(stream: llm_proxy.Stream) -> str:
    return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)


# What comes back


def test_a_whole_answer(client: LlmProxy) -> None:
    answer = client.chat.completions.create(model="scripted", messages=HI)
    assert isinstance(answer, ChatCompletion)
    assert answer.choices[0].message.content == TEXT
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer.usage is not None
    assert answer.usage.to_dict() == USAGE
    assert answer["vendor_extra"] == {"kept": True}
    assert (answer.served_by, answer.attempts) == ("openai/scripted", 1)
    assert answer.request_id


def test_a_stream(client: LlmProxy) -> None:
    with client.chat.completions.create(model="scripted", messages=HI, stream=True) as stream:
        assert (stream.served_by, stream.attempts) == ("openai/scripted", 1)
        assert text_of(stream) == TEXT
        assert stream.closed


def test_characters_of_all_kinds_survive(client: LlmProxy) -> None:
    stream = client.chat.completions.create(model="scripted-unicode", messages=HI, stream=True)
    assert text_of(stream) == "".join(UNICODE_WORDS)


def test_a_stream_comes_piece_by_piece(client: LlmProxy, upstream: Upstream) -> None:
    stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
    said = ""
    for chunk in stream:
        said += chunk.choices[0].delta.content or ""
        if said == "".join(FIRST_WORDS):
            assert not upstream.released.is_set()
            upstream.release()
    assert said == TEXT


async def test_the_async_twin_gives_the_same(async_client: AsyncLlmProxy) -> None:
    completions = async_client.chat.completions
    answer = await completions.create(model="scripted", messages=HI)
    assert answer.choices[0].message.content == TEXT
    said = ""
    async with await completions.create(model="scripted", messages=HI, stream=True) as stream:
        async for chunk in stream:
            said += chunk.choices[0].delta.content or ""
    assert said == TEXT
    assert (await async_client.models.list()).data
    assert (await async_client.embeddings.create(model="scripted-embedding", input="a")).data


async def test_async_calls_run_side_by_side(
    async_client: AsyncLlmProxy, upstream: Upstream
) -> None:
    completions = async_client.chat.completions
    held = await completions.create(model="scripted-holds", messages=HI, stream=True)
    answers = await asyncio.gather(
        *(completions.create(model="scripted", messages=HI) for _ in range(10))
    )
    assert {answer.choices[0].message.content for answer in answers} == {TEXT}
    upstream.release()
    assert len([chunk async for chunk in held]) > len(FIRST_WORDS)


def test_tool_calls(client: LlmProxy) -> None:
    answer = client.chat.completions.create(model="scripted", messages=HI, tools=iter(WEATHER))
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert [call.function and call.function.name for call in calls] == ["weather"] * 2


def test_embeddings(client: LlmProxy) -> None:
    answer = client.embeddings.create(model="scripted-embedding", input=("a", "b"))
    assert [len(item.embedding) for item in answer.data] == [4, 4]
    again = client.embeddings.create(
        model="scripted-embedding", input="a", encoding_format="base64"
    )
    assert isinstance(again.data[0].embedding, str)


def test_the_models_are_those_of_the_configuration(client: LlmProxy) -> None:
    assert "scripted-embedding" in [model.id for model in client.models.list().data]


def test_health_and_doctor_know_every_endpoint(client: LlmProxy) -> None:
    health = client.health()
    assert health["openai/scripted"].state == "healthy"
    report = client.doctor("openai/scripted")
    assert report.endpoint == "openai/scripted"
    assert [report.endpoint for report in client.doctor()] == list(health)


# What is sent


def test_only_what_was_given_is_sent(client: LlmProxy, upstream: Upstream) -> None:
    client.chat.completions.create(
        model="scripted",
        messages=HI,
        temperature=0.5,
        stop=None,
        seed=7,
        extra_body={"seed": 8, "top_k": 3},
    )
    assert upstream.requests == [
        {
            "model": "scripted",
            "messages": HI,
            "temperature": 0.5,
            "stop": None,
            "seed": 8,
            "top_k": 3,
        }
    ]


def test_a_message_of_an_answer_can_be_sent_back(client: LlmProxy, upstream: Upstream) -> None:
    answer = client.chat.completions.create(model="scripted", messages=HI)
    messages = [*HI, answer.choices[0].message]
    client.chat.completions.create(model="scripted", messages=messages)
    assert upstream.requests[-1]["messages"] == [*HI, {"role": "assistant", "content": TEXT}]


def test_a_streamed_request_names_itself_so(client: LlmProxy, upstream: Upstream) -> None:
    text_of(client.chat.completions.create(model="scripted", messages=HI, stream=True))
    assert upstream.requests[0]["stream"] is True


def test_a_header_of_a_call_replaces_the_clients(home: Home) -> None:
    with home.sync(default_headers={"X-Request-ID": "always"}) as client:
        assert client.models.list().request_id == "always"
        assert client.models.list(extra_headers={"x-request-id": "once"}).request_id == "once"
        other = client.with_options(default_headers={"x-request-id": "other"})
        assert other.models.list().request_id == "other"
        assert client.models.list().request_id == "always"


def test_what_json_cannot_hold_is_named_by_its_place(client: LlmProxy) -> None:
    with pytest.raises(TypeError, match=r"messages\[0\]\.content"):
        client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": object()}]
        )


# What goes wrong

FAILURES = [
    ("scripted-400", llm_proxy.BadRequestError, 400, "invalid_value"),
    ("scripted-404", llm_proxy.NotFoundError, 404, "model_not_found"),
    ("scripted-429", llm_proxy.RateLimitError, 429, None),
    ("scripted-500", llm_proxy.InternalServerError, 502, None),
    ("scripted-401", llm_proxy.InternalServerError, 502, None),
    ("scripted-too-long", llm_proxy.BadRequestError, 400, "context_length_exceeded"),
    ("nowhere", llm_proxy.NotFoundError, 404, "model_not_found"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "expected", "status", "code"), FAILURES)
def test_a_failure_has_its_class(
    client: LlmProxy,
    model: str,
    expected: type[llm_proxy.APIStatusError],
    status: int,
    code: str | None,
    stream: bool,
) -> None:
    with pytest.raises(expected) as caught:
        client.chat.completions.create(model=model, messages=HI, stream=stream)
    assert type(caught.value) is expected
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert code is None or caught.value.code == code


def test_a_limited_rate_says_how_long_to_wait(client: LlmProxy) -> None:
    with pytest.raises(llm_proxy.RateLimitError) as caught:
        client.chat.completions.create(model="scripted-429", messages=HI)
    assert caught.value.headers["retry-after"] == "7"
    assert (caught.value.served_by, caught.value.attempts) == ("openai/scripted-429", 1)


@pytest.mark.parametrize("model", ["scripted-dies", "scripted-cut"])
def test_a_stream_that_breaks_off_says_so_with_what_came(
    client: LlmProxy, upstream: Upstream, model: str
) -> None:
    stream = client.chat.completions.create(model=model, messages=HI, stream=True)
    said = ""
    with pytest.raises(llm_proxy.StreamInterruptedError) as caught:  # noqa: PT012
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            upstream.release()
    assert caught.value.partial == said == "".join(FIRST_WORDS)
    assert caught.value.code == "stream_truncated"


async def test_the_async_twin_raises_the_same(
    async_client: AsyncLlmProxy, upstream: Upstream
) -> None:
    completions = async_client.chat.completions
    with pytest.raises(llm_proxy.RateLimitError):
        await completions.create(model="scripted-429", messages=HI)
    stream = await completions.create(model="scripted-cut", messages=HI, stream=True)
    with pytest.raises(llm_proxy.StreamInterruptedError) as caught:  # noqa: PT012
        async for _ in stream:
            upstream.release()
    assert caught.value.partial == "".join(FIRST_WORDS)


def test_what_takes_too_long_is_a_timeout(home: Home) -> None:
    client = home.sync(timeout=0.3)
    stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
    with pytest.raises(TimeoutError) as caught:
        text_of(stream)
    assert isinstance(caught.value, llm_proxy.APITimeoutError)


def test_a_closed_client_says_so(client: LlmProxy) -> None:
    client.close()
    client.close()
    with pytest.raises(llm_proxy.ClientClosedError):
        client.models.list()


def test_a_service_that_is_not_there_is_a_connection_error() -> None:
    client = LlmProxy(base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(llm_proxy.APIConnectionError, match=r"127\.0\.0\.1:9"):
        client.models.list()


def test_a_wrong_key_is_an_authentication_error(mock_service: Any) -> None:
    client = LlmProxy(base_url=f"{mock_service.url}/v1", internal_auth="wrong")
    with pytest.raises(llm_proxy.AuthenticationError):
        client.models.list()


# The same through both


def test_both_homes_give_the_same(
    configuration: dict[str, Any], service: Any, upstream: Upstream
) -> None:
    homes = [Home(configuration, service.url), Home(configuration, None)]
    upstream.release()
    with homes[0].sync() as distant, homes[1].sync() as near:
        for model in ("scripted", "scripted-unicode", "scripted-length"):
            answers = [
                client.chat.completions.create(model=model, messages=HI)
                for client in (distant, near)
            ]
            assert answers[0] == answers[1]
            streams = [
                list(client.chat.completions.create(model=model, messages=HI, stream=True))
                for client in (distant, near)
            ]
            assert streams[0] == streams[1]
