"""The OpenAI SDK asks every vendor through the service: it gets what the goldens say."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

import scenarios
from clients import async_sdk, keywords, sdk
from said import Said
from scenarios import RELAYED, REQUEST_ID, Scenario
from servers import Server
from vendors import KEY

ANSWERS = [s for s in scenarios.those_with("response.json") if not s.is_embeddings]
STREAMS = scenarios.those_with("stream.[sn][sd]*")
BOTH = [s for s in ANSWERS if s in STREAMS]
REFUSALS = scenarios.those_with("refusal.json")
EMBEDDINGS = [s for s in scenarios.those_with("response.json") if s.is_embeddings]
HEADERS = {"x-request-id": REQUEST_ID}


@pytest.fixture(scope="module")
def client(native: Server) -> Iterator[openai.OpenAI]:
    with sdk(f"{native.url}/v1") as opened:
        yield opened


@pytest.fixture
async def async_client(native: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with async_sdk(f"{native.url}/v1") as opened:
        yield opened


def ask(client: openai.OpenAI, scenario: Scenario) -> ChatCompletion:
    create = client.chat.completions.create
    answer: ChatCompletion = create(**keywords(create, scenario.request), extra_headers=HEADERS)
    return answer


def for_a_stream(scenario: Scenario) -> dict[str, Any]:
    return scenario.request | {"stream": True, "stream_options": {"include_usage": True}}


def read(
    client: openai.OpenAI, scenario: Scenario
) -> tuple[list[ChatCompletionChunk], openai.APIError | None]:
    """The chunks that came, and what they ended in where that was no good end."""
    create = client.chat.completions.create
    asked = keywords(create, for_a_stream(scenario))
    chunks: list[ChatCompletionChunk] = []
    try:
        chunks.extend(create(**asked, extra_headers=HEADERS))
    except openai.APIError as error:
        return chunks, error
    return chunks, None


@pytest.mark.parametrize("scenario", ANSWERS, ids=str)
def test_a_whole_answer_is_the_golden_one(client: openai.OpenAI, scenario: Scenario) -> None:
    if refusal := scenario.refusal("answer.snap"):
        with pytest.raises(openai.APIStatusError) as caught:
            ask(client, scenario)
        assert caught.value.status_code == refusal.status
        return
    answer = ask(client, scenario)
    if scenario.provider in RELAYED:
        assert answer.to_dict() == scenario.json("response.json")
    else:
        assert Said.whole(answer) == Said.in_json(scenario.golden_answer())


@pytest.mark.parametrize("scenario", STREAMS, ids=str)
def test_a_stream_says_and_ends_as_the_golden_one(
    client: openai.OpenAI, scenario: Scenario
) -> None:
    chunks, error = read(client, scenario)
    *events, end = scenario.golden_events()
    # An event becomes this very class; a refusal before the stream would be another.
    assert type(error) is (type(None) if end == "[DONE]" else openai.APIError)
    if scenario.provider not in RELAYED:
        assert Said.streamed(chunks) == Said.in_chunks(map(json.loads, events))


@pytest.mark.parametrize("scenario", BOTH, ids=str)
async def test_the_async_client_gets_the_same_whole_and_streamed(
    async_client: openai.AsyncOpenAI, scenario: Scenario
) -> None:
    create = async_client.chat.completions.create
    answer = await create(**keywords(create, scenario.request), extra_headers=HEADERS)
    asked = keywords(create, for_a_stream(scenario))
    stream = await create(**asked, extra_headers=HEADERS)
    chunks = [chunk async for chunk in stream]
    assert Said.streamed(chunks) == Said.whole(answer)


@pytest.mark.parametrize("scenario", [s for s in REFUSALS if not s.is_refused_here], ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_refusal_is_the_golden_one(
    client: openai.OpenAI, scenario: Scenario, stream: bool
) -> None:
    refusal = scenario.refusal("refusal.snap")
    assert refusal is not None
    create = client.chat.completions.create
    with pytest.raises(openai.APIStatusError) as caught:
        create(**keywords(create, scenario.request | {"stream": stream}))
    error = caught.value
    assert error.status_code == refusal.status
    # The goldens' endpoints are named after their providers.
    endpoint = error.response.headers["x-llm-proxy-endpoint"]
    assert error.body == refusal.error | {
        "message": refusal.error["message"].replace(f"{scenario.provider} ", f"{endpoint} ", 1)
    }
    assert KEY not in error.response.text
    if refusal.retry_after_s is not None:
        assert error.response.headers["retry-after"] == refusal.retry_after_s


@pytest.mark.parametrize("scenario", EMBEDDINGS, ids=str)
def test_embeddings_come_as_floats_and_as_base64(client: openai.OpenAI, scenario: Scenario) -> None:
    request = {name: value for name, value in scenario.request.items() if name != "encoding_format"}
    create = client.embeddings.create
    golden = scenario.golden_answer()["data"]
    # Unless told otherwise the SDK asks for base64 and decodes it.
    for encoding in ({}, {"encoding_format": "float"}):
        answer = create(**keywords(create, request | encoding))
        assert [entry.index for entry in answer.data] == [entry["index"] for entry in golden]
        for entry, expected in zip(answer.data, golden, strict=True):
            assert entry.embedding == pytest.approx(expected["embedding"], rel=1e-6)
        assert answer.usage.total_tokens == answer.usage.prompt_tokens
