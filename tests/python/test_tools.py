"""Tool calls: whole, streamed, parallel, forbidden, required."""

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionToolParam

from clients import HI, Backend
from upstream import CITIES, TEXT

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CLOCK: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}},
}
NAMED: Any = {"type": "function", "function": {"name": "get_time"}}


def streamed_calls(client: openai.OpenAI, **request: Any) -> tuple[list[dict[str, str]], list[str]]:
    """The calls put together from their deltas, as an application does it; the finish reasons."""
    calls: dict[int, dict[str, str]] = {}
    finish_reasons: list[str] = []
    for chunk in client.chat.completions.create(messages=HI, stream=True, **request):
        for choice in chunk.choices:
            finish_reasons += [choice.finish_reason] if choice.finish_reason else []
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += delta.id or ""
                if delta.function is not None:
                    call["name"] += delta.function.name or ""
                    call["arguments"] += delta.function.arguments or ""
    return [calls[index] for index in sorted(calls)], finish_reasons


def whole_calls(client: openai.OpenAI, **request: Any) -> list[dict[str, str]]:
    answer = client.chat.completions.create(messages=HI, **request)
    calls = []
    for call in answer.choices[0].message.tool_calls or []:
        assert call.type == "function"
        function = call.function
        calls.append({"id": call.id, "name": function.name, "arguments": function.arguments})
    return calls


def test_a_required_tool_is_called(client: openai.OpenAI, backend: Backend) -> None:
    answer = client.chat.completions.create(
        model=backend.model, messages=HI, tools=[WEATHER], tool_choice="required"
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert calls[0].id
    assert calls[0].function.name == "get_weather"
    assert isinstance(json.loads(calls[0].function.arguments), dict)


async def test_a_required_tool_is_called_for_the_async_client(
    async_client: openai.AsyncOpenAI, backend: Backend
) -> None:
    answer = await async_client.chat.completions.create(
        model=backend.model, messages=HI, tools=[WEATHER], tool_choice="required"
    )
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert calls[0].function.name == "get_weather"


@pytest.mark.parametrize("choice", ["required", NAMED], ids=["required", "named"])
def test_streamed_tool_calls_are_those_of_the_whole_answer(
    client: openai.OpenAI, backend: Backend, choice: Any
) -> None:
    request = {"model": backend.model, "tools": [WEATHER, CLOCK], "tool_choice": choice}
    calls, finish_reasons = streamed_calls(client, **request)
    assert all(call.pop("id") for call in calls)
    whole = whole_calls(client, **request)
    assert all(call.pop("id") for call in whole)
    assert calls
    assert calls == whole
    assert finish_reasons == ["tool_calls"]


def test_the_named_tool_is_the_one_called(client: openai.OpenAI, backend: Backend) -> None:
    request = {"model": backend.model, "tools": [WEATHER, CLOCK], "tool_choice": NAMED}
    assert {call["name"] for call in whole_calls(client, **request)} == {"get_time"}


def test_a_forbidden_tool_is_not_called(client: openai.OpenAI, backend: Backend) -> None:
    answer = client.chat.completions.create(
        model=backend.model, messages=HI, tools=[WEATHER], tool_choice="none"
    )
    assert not answer.choices[0].message.tool_calls
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_parallel_tool_calls_are_streamed_side_by_side(litellm_client: openai.OpenAI) -> None:
    calls, finish_reasons = streamed_calls(litellm_client, model="scripted", tools=[WEATHER])
    assert [json.loads(call["arguments"]) for call in calls] == [{"city": c} for c in CITIES]
    assert [call["id"] for call in calls] == ["call_0", "call_1"]
    assert finish_reasons == ["tool_calls"]


def test_parallel_tool_calls_can_be_switched_off(litellm_client: openai.OpenAI) -> None:
    request = {"model": "scripted", "tools": [WEATHER], "parallel_tool_calls": False}
    assert len(whole_calls(litellm_client, **request)) == 1


def test_a_tools_result_can_be_sent_back(litellm_client: openai.OpenAI) -> None:
    first = litellm_client.chat.completions.create(model="scripted", messages=HI, tools=[WEATHER])
    calls = first.choices[0].message.tool_calls or []
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": "mild"} for call in calls
    ]
    asked: Any = first.choices[0].message.to_dict()
    second = litellm_client.chat.completions.create(
        model="scripted", messages=[*HI, asked, *results]
    )
    assert len(results) == len(CITIES)
    assert second.choices[0].message.content == TEXT
