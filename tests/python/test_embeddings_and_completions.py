"""The other two endpoints that applications use: embeddings, and the legacy text completion."""

import httpx
import openai
import pytest

from clients import Backend
from sse import chunks, post
from upstream import TEXT, WORDS


@pytest.fixture
def embedding_model(backend: Backend) -> str:
    return "scripted-embedding" if backend.model == "scripted" else "any-embedding-model"


def vector(client: openai.OpenAI, model: str, text: str) -> list[float]:
    return client.embeddings.create(model=model, input=text).data[0].embedding


def test_an_embedding_is_stable(client: openai.OpenAI, embedding_model: str) -> None:
    first = vector(client, embedding_model, "a crab")
    assert first
    assert vector(client, embedding_model, "a crab") == first


def test_different_texts_have_different_embeddings(
    client: openai.OpenAI, embedding_model: str
) -> None:
    crab = vector(client, embedding_model, "a crab")
    assert crab != vector(client, embedding_model, "a lobster")


async def test_the_async_client_gets_the_same_embedding(
    client: openai.OpenAI, async_client: openai.AsyncOpenAI, embedding_model: str
) -> None:
    answer = await async_client.embeddings.create(model=embedding_model, input="a crab")
    assert answer.data[0].embedding == vector(client, embedding_model, "a crab")


def test_a_list_is_embedded_in_its_order(client: openai.OpenAI, embedding_model: str) -> None:
    texts = ["a crab", "a lobster", "a crab"]
    answer = client.embeddings.create(model=embedding_model, input=texts)
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    assert [entry.embedding for entry in answer.data] == [
        vector(client, embedding_model, text) for text in texts
    ]


def test_floats_and_base64_are_the_same_embedding(
    client: openai.OpenAI, embedding_model: str
) -> None:
    answer = client.embeddings.create(
        model=embedding_model, input="a crab", encoding_format="float"
    )
    # Unless told otherwise the SDK asks for base64, which has the precision of 32 bits.
    assert vector(client, embedding_model, "a crab") == pytest.approx(
        answer.data[0].embedding, rel=1e-6
    )


def test_embeddings_report_their_usage(client: openai.OpenAI, embedding_model: str) -> None:
    usage = client.embeddings.create(model=embedding_model, input="a crab").usage
    assert usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens


def test_embeddings_say_who_served_them(client: openai.OpenAI, embedding_model: str) -> None:
    raw = client.embeddings.with_raw_response.create(model=embedding_model, input="a crab")
    assert raw.request_id
    assert raw.headers["x-llm-proxy-endpoint"]
    assert raw.headers["x-llm-proxy-attempts"] == "1"


@pytest.mark.parametrize("body", [{}, {"input": 5}, {"input": None}])
def test_embeddings_of_nothing_are_refused(
    http: httpx.Client, embedding_model: str, body: dict[str, object]
) -> None:
    answer = http.post("/v1/embeddings", json={"model": embedding_model} | body)
    assert answer.status_code == 400
    assert "input" in answer.json()["error"]["message"]


def test_a_text_is_completed(litellm_client: openai.OpenAI) -> None:
    answer = litellm_client.completions.create(model="scripted-text", prompt="Say hello")
    assert answer.object == "text_completion"
    assert answer.choices[0].text == TEXT


def test_a_completion_is_streamed(litellm_client: openai.OpenAI) -> None:
    stream = litellm_client.completions.create(
        model="scripted-text", prompt="Say hello", stream=True
    )
    pieces = [choice.text for chunk in stream for choice in chunk.choices]
    assert [piece for piece in pieces if piece] == WORDS


def test_a_streamed_completion_ends_with_done(litellm_http: httpx.Client) -> None:
    body = {"model": "scripted-text", "prompt": "Say hello", "stream": True}
    _, data = post(litellm_http, "/v1/completions", body)
    assert len(chunks(data)) >= len(WORDS)
