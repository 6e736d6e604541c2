"""Whole answers, and what every answer carries."""

import json
from typing import Any

import httpx
import openai
import pytest

from clients import HI, Backend, sdk
from servers import Server
from stack import LITELLM_KEY
from upstream import TEXT, USAGE, Upstream


def test_a_chat_is_answered(client: openai.OpenAI, backend: Backend) -> None:
    answer = client.chat.completions.create(model=backend.model, messages=HI)
    assert answer.object == "chat.completion"
    assert answer.model == backend.model
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


async def test_a_chat_is_answered_to_the_async_client(
    async_client: openai.AsyncOpenAI, backend: Backend
) -> None:
    answer = await async_client.chat.completions.create(model=backend.model, messages=HI)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_usage_adds_up(client: openai.OpenAI, backend: Backend) -> None:
    usage = client.chat.completions.create(model=backend.model, messages=HI).usage
    assert usage is not None
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_the_alias_without_v1_answers_too(backend: Backend) -> None:
    with sdk(backend.url) as client:
        answer = client.chat.completions.create(model=backend.model, messages=HI)
    assert answer.choices[0].message.content


def test_every_answer_says_who_served_it_and_after_how_many_attempts(
    client: openai.OpenAI, backend: Backend
) -> None:
    raw = client.chat.completions.with_raw_response.create(model=backend.model, messages=HI)
    assert raw.headers["x-llm-proxy-endpoint"]
    assert raw.headers["x-llm-proxy-attempts"] == "1"


def test_every_answer_has_a_request_id_of_its_own(client: openai.OpenAI, backend: Backend) -> None:
    create = client.chat.completions.with_raw_response.create
    ids = {create(model=backend.model, messages=HI).request_id for _ in range(3)}
    assert None not in ids
    assert len(ids) == 3


def test_the_callers_request_id_comes_back(client: openai.OpenAI, backend: Backend) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=backend.model, messages=HI, extra_headers={"x-request-id": "order-4711.retry_2"}
    )
    assert raw.request_id == "order-4711.retry_2"


def test_the_answer_is_what_the_provider_said(litellm_client: openai.OpenAI) -> None:
    answer = litellm_client.chat.completions.create(model="scripted", messages=HI)
    assert answer.choices[0].message.content == TEXT
    assert answer.usage is not None
    assert answer.usage.to_dict() == USAGE


def test_a_model_that_litellm_mocks_itself_is_answered(litellm_client: openai.OpenAI) -> None:
    answer = litellm_client.chat.completions.create(model="canned", messages=HI)
    assert answer.choices[0].message.content == "The canned answer: one, two, three."


def test_the_body_is_the_one_that_litellm_sends_to_its_own_callers(
    litellm: Server, litellm_http: httpx.Client
) -> None:
    body = {"model": "scripted", "messages": HI}
    direct = httpx.post(
        f"{litellm.url}/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {LITELLM_KEY}"},
        trust_env=False,
    )
    relayed = litellm_http.post("/v1/chat/completions", json=body)
    assert relayed.content == direct.content
    assert relayed.headers["content-type"] == direct.headers["content-type"]


def test_unknown_fields_reach_the_provider_unchanged(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    extra: dict[str, Any] = {"vendor_option": {"deep": [1, {"x": None}]}, "seed": 9007199254740993}
    litellm_client.chat.completions.create(model="scripted", messages=HI, extra_body=extra)
    assert upstream.requests[-1].items() >= extra.items()


def test_unknown_fields_of_the_answer_reach_the_client(litellm_http: httpx.Client) -> None:
    body = {"model": "scripted", "messages": HI}
    answer = litellm_http.post("/v1/chat/completions", json=body).json()
    assert answer["vendor_extra"] == {"kept": True}


def test_a_missing_model_is_filled_in_from_the_default(
    litellm_http: httpx.Client, upstream: Upstream
) -> None:
    answer = litellm_http.post("/v1/chat/completions", json={"messages": HI})
    assert answer.status_code == 200
    assert upstream.requests[-1]["model"] == "scripted"


def test_conversations_of_every_role_are_taken(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Very brief."},
        {"role": "user", "content": [{"type": "text", "text": "Ça va? 🦀"}], "name": "zoë"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"ok": True})},
    ]
    litellm_client.chat.completions.create(model="scripted", messages=messages)
    sent = upstream.requests[-1]["messages"]
    # LiteLLM itself makes a system of the developer.
    assert [m["role"] for m in sent] == ["system", "system", "user", "assistant", "tool"]
    assert sent[2]["content"] == messages[2]["content"]


@pytest.mark.parametrize("header", ["x-litellm-call-id", "x-ratelimit-remaining-requests"])
def test_useful_headers_of_litellm_are_passed_on(litellm_http: httpx.Client, header: str) -> None:
    body = {"model": "scripted", "messages": HI}
    assert litellm_http.post("/v1/chat/completions", json=body).headers[header]
