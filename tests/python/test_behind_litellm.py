"""LiteLLM as a vendor: its own Anthropic and Google endpoints, which nobody here wrote.

The service takes a real LiteLLM proxy for Anthropic (`/v1/messages`) and for Google
(`:generateContent`, `:streamGenerateContent`). LiteLLM translates these formats for the scripted
upstream, which speaks OpenAI's; so what the OpenAI SDK gets has been translated there and back.
What LiteLLM itself breaks on the way has a test that says so.
"""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from clients import HI, async_sdk, read_until_it_breaks, sdk, words_of
from parity import outcome
from said import Call, Choice, Said
from servers import Server
from stack import LITELLM_KEY
from test_parity import CONVERSATION, PICTURE, SCHEMA
from test_tools import CLOCK, NAMED, WEATHER
from upstream import CITIES, FIRST_WORDS, JSON_WORDS, TEXT, UNICODE_WORDS, USAGE, WORDS, Upstream

VENDORS = ["anthropic", "gemini"]
pytestmark = pytest.mark.usefixtures("upstream")


@pytest.fixture
def client(behind_litellm: Server) -> Iterator[openai.OpenAI]:
    with sdk(f"{behind_litellm.url}/v1") as opened:
        yield opened


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def chat(model: str, stream: bool = False, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": HI} | more
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def usage_of(vendor: str, stream: bool) -> dict[str, Any] | None:
    """LiteLLM ends Google's streams with a usage of zeros, which we take for no count."""
    return None if stream and vendor == "gemini" else USAGE


whole_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
SAYS: dict[str, tuple[dict[str, Any], Choice]] = {
    "plain": ({}, Choice(TEXT, finish="stop")),
    "unicode": ({"model": "scripted-unicode"}, Choice("".join(UNICODE_WORDS), finish="stop")),
    "length": ({"model": "scripted-length"}, Choice(TEXT, finish="length")),
    "conversation": ({"messages": CONVERSATION}, Choice(TEXT, finish="stop")),
    "picture": ({"messages": [{"role": "user", "content": PICTURE}]}, Choice(TEXT, finish="stop")),
    "tools forbidden": (
        {"tools": [WEATHER], "tool_choice": "none"},
        Choice(TEXT, finish="stop"),
    ),
}


@whole_and_streamed
@pytest.mark.parametrize("name", SAYS)
def test_the_answer_is_what_the_provider_said(
    client: openai.OpenAI, vendor: str, name: str, stream: bool
) -> None:
    more, choice = SAYS[name]
    model = f"{vendor}/{more.get('model', 'scripted')}"
    said = outcome(client, chat(model, stream) | more | {"model": model}).said
    assert said == Said({0: choice}, usage_of(vendor, stream))


@whole_and_streamed
def test_a_schema_is_answered_with_json(
    client: openai.OpenAI, upstream: Upstream, vendor: str, stream: bool
) -> None:
    said = outcome(client, chat(f"{vendor}/scripted", stream, response_format=SCHEMA)).said
    assert said == Said({0: Choice("".join(JSON_WORDS), finish="stop")}, usage_of(vendor, stream))
    asked = upstream.requests[-1]["response_format"]["json_schema"]["schema"]
    assert asked["properties"] == {"name": {"type": "string"}}


async def test_the_words_come_one_by_one(behind_litellm: Server, vendor: str) -> None:
    async with async_sdk(f"{behind_litellm.url}/v1") as client:
        stream = await client.chat.completions.create(
            model=f"{vendor}/scripted", messages=HI, stream=True
        )
        words = [c.delta.content async for chunk in stream for c in chunk.choices]
    assert [word for word in words if word] == WORDS


# Tools


@whole_and_streamed
def test_a_tool_is_called(client: openai.OpenAI, vendor: str, stream: bool) -> None:
    request = chat(f"{vendor}/scripted-one-call", stream, tools=[WEATHER], tool_choice="required")
    said = outcome(client, request).said
    assert said is not None
    assert said.choices[0].finish == "tool_calls"
    [call] = said.choices[0].calls.values()
    assert call.name == "get_weather"
    assert json.loads(call.arguments) == {"city": CITIES[0]}
    assert call.id == "call_0" if vendor == "anthropic" else call.id


@pytest.mark.parametrize(
    ("vendor", "choice"),
    [
        ("anthropic", NAMED),
        # LiteLLM does not read Google's allowedFunctionNames: any tool will do.
        ("gemini", "required"),
    ],
)
def test_the_wish_for_a_tool_reaches_the_provider(
    client: openai.OpenAI, upstream: Upstream, vendor: str, choice: Any
) -> None:
    model = f"{vendor}/scripted-one-call"
    outcome(client, chat(model, tools=[WEATHER, CLOCK], tool_choice=NAMED))
    asked = upstream.requests[-1]
    assert asked["tool_choice"] == choice
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["get_weather", "get_time"]


def calls_of(client: openai.OpenAI, model: str, stream: bool) -> list[Call]:
    said = outcome(client, chat(model, stream, tools=[WEATHER])).said
    assert said is not None
    assert said.choices[0].finish == "tool_calls"
    return list(said.choices[0].calls.values())


@pytest.mark.parametrize(
    ("model", "stream"),
    [("anthropic/scripted", False), ("gemini/scripted", False), ("gemini/scripted", True)],
)
def test_two_tools_are_called_side_by_side(client: openai.OpenAI, model: str, stream: bool) -> None:
    calls = calls_of(client, model, stream)
    assert [json.loads(call.arguments) for call in calls] == [{"city": city} for city in CITIES]
    assert len({call.id for call in calls}) == len(CITIES)


def test_litellm_mixes_up_calls_that_take_turns_in_a_stream_of_anthropics(
    client: openai.OpenAI,
) -> None:
    """It closes the first call's block at once and gives both calls' arguments to the second."""
    first, second = calls_of(client, "anthropic/scripted", stream=True)
    assert (first.id, second.id) == ("call_0", "call_1")
    assert first.arguments == "{}"
    assert second.arguments.startswith('{"cit{"cit')


def test_a_tools_result_reaches_the_provider_with_its_call(
    client: openai.OpenAI, upstream: Upstream, vendor: str
) -> None:
    model = f"{vendor}/scripted-one-call"
    first = client.chat.completions.create(model=model, messages=HI, tools=[WEATHER])
    asked: Any = first.choices[0].message.to_dict()
    result: Any = {
        "role": "tool",
        "tool_call_id": asked["tool_calls"][0]["id"],
        "content": "mild",
    }
    second = client.chat.completions.create(model=model, messages=[*HI, asked, result])
    assert second.choices[0].message.content == TEXT

    _, call, answer = upstream.requests[-1]["messages"]
    assert call["tool_calls"][0]["function"]["name"] == "get_weather"
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"city": CITIES[0]}
    assert answer["role"] == "tool"
    assert answer["tool_call_id"] == call["tool_calls"][0]["id"]
    assert "mild" in answer["content"]


def test_a_conversation_reaches_the_provider_whole(
    client: openai.OpenAI, upstream: Upstream, vendor: str
) -> None:
    client.chat.completions.create(model=f"{vendor}/scripted", messages=CONVERSATION)
    asked = upstream.requests[-1]["messages"]
    assert [message["role"] for message in asked] == [m["role"] for m in CONVERSATION]
    texts = json.dumps(asked, ensure_ascii=False)
    for text in ("Be brief.", "Ça va? 🦀", "mild", "Thanks.", "get_weather"):
        assert text in texts


def test_sampling_reaches_the_provider(
    client: openai.OpenAI, upstream: Upstream, vendor: str
) -> None:
    client.chat.completions.create(
        model=f"{vendor}/scripted",
        messages=HI,
        temperature=0.5,
        top_p=0.9,
        max_tokens=9,
        stop=["x"],
    )
    wanted = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "stop": ["x"]}
    assert upstream.requests[-1].items() >= wanted.items()


# Failures

ERRORS: dict[str, tuple[int, type[openai.APIStatusError], str]] = {
    "400": (400, openai.BadRequestError, "refused_by_upstream"),
    "404": (404, openai.NotFoundError, "refused_by_upstream"),
    "429": (429, openai.RateLimitError, "rate_limit_exceeded"),
    "500": (502, openai.InternalServerError, "upstream_failure"),
    "503": (503, openai.InternalServerError, "upstream_failure"),
    "401": (502, openai.InternalServerError, "backend_authentication"),
    "too-long": (400, openai.BadRequestError, "context_length_exceeded"),
}
# LiteLLM's Google endpoint answers 500 to these, whatever the provider's status was.
LOST_STATUS = {("gemini", "400"), ("gemini", "401"), ("gemini", "404"), ("gemini", "503")}


@whole_and_streamed
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_keeps_its_class(
    client: openai.OpenAI, upstream: Upstream, vendor: str, kind: str, stream: bool
) -> None:
    status, error_class, code = ERRORS[kind]
    if (vendor, kind) in LOST_STATUS:
        status, error_class, code = 502, openai.InternalServerError, "upstream_failure"
    with pytest.raises(error_class) as caught:
        client.chat.completions.create(
            model=f"{vendor}/scripted-{kind}", messages=HI, stream=stream
        )
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert upstream.key not in caught.value.response.text
    assert LITELLM_KEY not in caught.value.response.text


def test_when_the_provider_dies_the_sdk_raises_after_what_was_said(
    client: openai.OpenAI, upstream: Upstream, vendor: str
) -> None:
    model = f"{vendor}/scripted-dies"
    stream = client.chat.completions.create(model=model, messages=HI, stream=True)
    said, error = read_until_it_breaks(upstream.release_after_first_words(words_of(stream)))
    assert said == FIRST_WORDS
    assert type(error) is openai.APIError


def test_litellm_completes_what_was_cut(
    client: openai.OpenAI, upstream: Upstream, vendor: str
) -> None:
    """A stream without `[DONE]` or a finish reason leaves LiteLLM as a complete one: nobody behind
    it can tell."""
    upstream.release()
    got = outcome(client, chat(f"{vendor}/scripted-cut", stream=True))
    assert got.error is None
    assert got.said is not None
    assert got.said.choices[0] == Choice("".join(FIRST_WORDS), finish="stop")
