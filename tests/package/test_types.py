"""The result classes, and what becomes of Python values as JSON."""

from __future__ import annotations

import copy
import doctest
import enum
import json
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from llm_proxy import events, types
from llm_proxy.events import Event, FailoverEvent, OutageEvent, RetryEvent
from llm_proxy.types import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    Choice,
    ChoiceDelta,
    DoctorReport,
    EmbeddingResponse,
    EndpointHealth,
    Health,
    Model,
    ModelList,
    Record,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openai"
ANSWERS = sorted(
    path for path in FIXTURES.glob("*/response.json") if '"choices"' in path.read_text("utf-8")
)
CLASSES: list[Any] = [
    getattr(module, name) for module in (types, events) for name in module.__all__
]

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1741570283,
    "model": "gpt-5.4",
    "provider": {"name": "eu", "tags": [1, 2.5]},
    "choices": [
        {
            "message": {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Hm.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Köln"}'},
                    }
                ],
            },
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": {"content": [{"token": "H", "logprob": -0.1, "top_logprobs": []}]},
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}
HEALTH: dict[str, Any] = {
    "eu": {
        "provider": "openai",
        "in_flight": 2,
        "state": "open",
        "success_rate": 0.25,
        "last_error": {"code": "upstream_failure", "message": "503", "seconds_ago": 7},
        "latency_ms": {"p50": 310.5, "p95": None},
        "models": {"gpt-5.4": {"state": "healthy"}},
    },
    "get": {"provider": "ollama", "state": "healthy", "last_error": None},
}
RETRY = {
    "type": "retry",
    "endpoint": "eu",
    "attempt": 2,
    "of": 3,
    "wait_ms": 700,
    "reason": "upstream_timeout",
    "request_id": "r",
    "model": "m",
    "at": "2026-07-01T12:00:00.250Z",
}


def chat() -> ChatCompletion:
    return ChatCompletion.from_dict(CHAT, "request-1", "eu", 2)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


# What came is what is there.


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.parent.name)
def test_an_answer_comes_back_as_it_came(path: Path) -> None:
    answer = json.loads(path.read_text("utf-8"))
    completion = ChatCompletion.from_dict(answer)
    assert json.dumps(completion.to_dict()) == json.dumps(answer), "also the order"
    assert json.loads(completion.to_json()) == answer
    assert completion.choices[0].message.role == "assistant"


def test_there_are_answers_to_try() -> None:
    assert len(ANSWERS) >= 10


def test_members_are_attributes() -> None:
    completion = chat()
    message = completion.choices[0].message
    assert completion.id == "chatcmpl-1"
    assert completion.created == 1741570283
    assert message.content is None
    assert message.reasoning_content == "Hm."
    assert message.tool_calls is not None
    assert message.tool_calls[0].function is not None
    assert message.tool_calls[0].function.arguments == '{"city":"Köln"}'
    assert completion.usage is not None
    assert completion.usage.prompt_tokens_details is not None
    assert completion.usage.prompt_tokens_details.cached_tokens == 8
    assert completion.choices[0].logprobs is not None
    assert completion.choices[0].logprobs.content is not None
    assert completion.choices[0].logprobs.content[0].top_logprobs == []


def test_each_part_has_its_class() -> None:
    completion = chat()
    choice = completion.choices[0]
    parts = [choice, choice.message, *(choice.message.tool_calls or []), completion.usage]
    names = [type(part).__name__ for part in parts]
    assert names == ["Choice", "ChatCompletionMessage", "ToolCall", "CompletionUsage"]
    assert all(isinstance(part, Record) for part in parts)


def test_an_absent_member_is_none_and_stays_absent() -> None:
    message = ChatCompletionMessage.from_dict({"content": None})
    assert message.refusal is None
    assert message.content is None
    assert "refusal" not in message
    assert "content" in message
    assert message.to_dict() == {"content": None}
    with pytest.raises(KeyError, match="refusal"):
        message["refusal"]


def test_unknown_members_are_kept() -> None:
    completion: Any = chat()
    assert completion.provider == {"name": "eu", "tags": [1, 2.5]}
    assert completion["provider"]["name"] == "eu"
    assert completion.extra == {"provider": {"name": "eu", "tags": [1, 2.5]}}
    assert completion.choices[0].extra == {}


def test_what_no_member_is_called_is_no_attribute() -> None:
    completion: Any = chat()
    with pytest.raises(AttributeError, match="'ChatCompletion' object has no attribute 'contents'"):
        completion.contents  # noqa: B018
    assert getattr(completion, "contents", 1) == 1


def test_it_reads_like_a_dict() -> None:
    completion = chat()
    assert list(completion) == list(CHAT) == list(completion.keys())
    assert len(completion) == len(CHAT)
    assert completion.get("id") == "chatcmpl-1"
    assert completion.get("none") is None
    assert completion.get("none", 3) == 3
    assert dict(completion)["choices"][0]["message"]["role"] == "assistant"
    assert {**completion.choices[0]}["index"] == 0
    assert next(iter(completion.values())) == "chatcmpl-1"
    assert dict(completion.items())["model"] == "gpt-5.4"
    assert isinstance(completion, Mapping)


def test_an_empty_record_is_true() -> None:
    assert ChoiceDelta.from_dict({})
    assert len(ChoiceDelta.from_dict({})) == 0


def test_members_of_another_kind_stay_as_they_are() -> None:
    odd: dict[str, Any] = {"choices": {"0": []}, "usage": [1], "id": 7, "model": None}
    completion: Any = ChatCompletion.from_dict(odd)
    assert (completion.choices, completion.usage, completion.id) == ({"0": []}, [1], 7)
    assert completion.to_dict() == odd
    assert (
        ChatCompletion.from_dict({"choices": [None, 1, {}]}).to_json() == '{"choices":[null,1,{}]}'
    )


def test_to_dict_is_a_copy() -> None:
    completion = chat()
    plain = completion.to_dict()
    assert type(plain["choices"][0]["message"]) is dict
    plain["choices"][0]["message"]["role"] = "user"
    plain["provider"]["tags"].append(3)
    assert completion == chat()


def test_a_dump_may_leave_out_what_is_none() -> None:
    members = {"role": "assistant", "content": None, "kept": {"none": None}}
    message = ChatCompletionMessage.from_dict(members)
    assert message.model_dump() == members
    assert message.model_dump(exclude_none=True) == {"role": "assistant", "kept": {"none": None}}


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_it_is_written_as_json_with_and_without_lines(indent: int | None) -> None:
    members: dict[str, Any] = {"a": [], "b": {}, "c": [1, {"d": "é\n"}], "id": None}
    separators = (",", ":") if indent is None else None
    expected = json.dumps(members, indent=indent, ensure_ascii=False, separators=separators)
    assert Model.from_dict(members).to_json(indent) == expected


# Frozen, compared, shown, taken apart, carried around.


@pytest.mark.parametrize("name", ["id", "request_id", "extra", "new"])
def test_nothing_is_assigned(name: str) -> None:
    completion = chat()
    with pytest.raises(AttributeError):
        setattr(completion, name, 1)
    with pytest.raises(AttributeError):
        delattr(completion, name)
    with pytest.raises(TypeError):
        completion["id"] = "2"  # type: ignore[index]
    assert completion == chat()


def test_the_dict_that_it_is_made_of_may_change_later() -> None:
    members: dict[str, Any] = {"id": "a", "tags": [1]}
    model = Model.from_dict(members)
    members["tags"].append(2)
    assert model["tags"] == [1]


def test_equality_is_of_class_and_members() -> None:
    assert chat() == chat()
    assert chat() == ChatCompletion.from_dict(CHAT, "another request", "us", 1)
    assert chat() != ChatCompletion.from_dict({**CHAT, "id": "2"})
    assert Model.from_dict({"id": "a"}) != Model.from_dict({"id": "a", "created": None})
    assert Choice.from_dict({"index": 0}) != ChoiceDelta.from_dict({"index": 0})
    assert Model.from_dict({"id": "a"}) != {"id": "a"}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_no_record_is_hashable(cls: Any) -> None:
    assert cls.__hash__ is None


def test_it_shows_what_came_and_is_not_none() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": None}}
    completion = ChatCompletion.from_dict({"id": "1", "choices": [choice], "x": {"y": 1}})
    message = "ChatCompletionMessage(role='assistant', content='Hi')"
    expected = f"ChatCompletion(id='1', choices=[Choice(index=0, message={message})], x={{'y': 1}})"
    assert repr(completion) == str(completion) == expected


def test_match_takes_it_as_a_class() -> None:
    match chat():
        case ChatCompletion(id=name, choices=[Choice(finish_reason="tool_calls", message=message)]):
            assert name == "chatcmpl-1"
            assert message.reasoning_content == "Hm."
        case _:
            pytest.fail("no match")
    match Choice.from_dict({"index": 3, "message": {}}):
        case Choice(3, message):
            assert message == ChatCompletionMessage.from_dict({})
        case _:
            pytest.fail("no match by place")


def test_match_takes_it_as_a_mapping() -> None:
    match chat():
        case {"id": "chatcmpl-1", "usage": {"total_tokens": total}}:
            assert total == 13
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_pickles(protocol: int) -> None:
    again = pickle.loads(pickle.dumps(chat(), protocol))
    assert again == chat()
    assert (again.request_id, again.served_by, again.attempts) == ("request-1", "eu", 2)
    event = RetryEvent.from_dict(RETRY)
    assert pickle.loads(pickle.dumps(event, protocol)) == event


def test_a_copy_is_itself_and_a_deep_copy_shares_nothing() -> None:
    completion = chat()
    assert copy.copy(completion) is completion
    deep: Any = copy.deepcopy(completion)
    assert deep == completion
    assert deep.request_id == "request-1"
    deep.choices.clear()
    deep.provider["tags"].clear()
    assert completion == chat()


def test_an_answer_says_whose_it_is_beside_its_json() -> None:
    completion = chat()
    assert (completion.request_id, completion.served_by, completion.attempts) == (
        "request-1",
        "eu",
        2,
    )
    assert "request_id" not in completion.to_dict()
    assert "request-1" not in repr(completion)
    plain = ChatCompletion.from_dict(CHAT)
    assert (plain.request_id, plain.served_by, plain.attempts) == (None, None, 0)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not Record])
def test_classes_are_made_by_from_dict_only(cls: Any) -> None:
    with pytest.raises(TypeError):
        cls()
    with pytest.raises(ValueError, match="expected object"):
        cls.from_dict([1])
    assert cls.from_dict({"x": None}).to_dict() == {"x": None}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_classes_say_where_they_are_and_what_they_are_for(cls: Any) -> None:
    module = events if issubclass(cls, Event) else types
    assert cls.__module__ == module.__name__
    assert getattr(module, cls.__qualname__) is cls
    found = doctest.DocTestFinder(recurse=False).find(cls, globs={**vars(types), **vars(events)})
    assert found[0].examples, "an example each"
    results = doctest.DocTestRunner().run(found[0])
    assert results.failed == 0


# The other answers.


def test_a_chunk() -> None:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}
    members = {"id": "1", "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    chunk = ChatCompletionChunk.from_dict(members, "r", "eu", 1)
    assert chunk.choices[0].delta.content == "Hel"
    assert chunk.choices[0].finish_reason is None
    assert chunk.request_id == "r"
    assert chunk.to_dict() == members


def test_a_chunk_with_a_piece_of_a_tool_call() -> None:
    call = {"index": 1, "function": {"arguments": '{"ci'}}
    chunk = ChatCompletionChunk.from_dict(
        {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    )
    calls = chunk.choices[0].delta.tool_calls
    assert calls is not None
    assert calls[0].function is not None
    assert (calls[0].index, calls[0].id, calls[0].function.arguments) == (1, None, '{"ci')


def test_what_repeats_is_the_same_object() -> None:
    listed = [{"id": name, "object": "model", "created": 1741570283} for name in ("a", "b", "c")]
    listed[2]["created"] = 1741570284
    first, second, third = ModelList.from_dict({"data": listed}).data
    assert first.object is second.object is third.object
    assert first.created is second.created
    assert [first.created, third.created] == [1741570283, 1741570284]


def test_what_is_only_equal_is_not_taken_for_the_same() -> None:
    values: list[Any] = [1, 1.0, True, [], [], None, "1", 1]
    listed = [{"created": value} for value in values]
    models = ModelList.from_dict({"data": listed})
    assert repr(models.to_dict()) == repr({"data": listed})
    assert models.data[3].created is not models.data[4].created


def test_embeddings() -> None:
    vector = [0.1, -2.5e-8, 1.0]
    members = {"object": "list", "data": [{"index": 0, "embedding": vector}], "model": "e"}
    answer = EmbeddingResponse.from_dict(members)
    assert answer.data[0].embedding == vector
    assert answer.to_dict() == members
    text: Any = EmbeddingResponse.from_dict({"data": [{"embedding": "AACAPw=="}]})
    assert text.data[0].embedding == "AACAPw=="


def test_health_is_by_name() -> None:
    health = Health.from_dict(HEALTH)
    assert list(health) == ["eu", "get"]
    assert health["get"].provider == "ollama"
    assert health["eu"].latency_ms is not None
    assert health["eu"].latency_ms.p50 == 310.5
    assert health["eu"].last_error is not None
    assert health["eu"].last_error.code == "upstream_failure"
    assert health["eu"].models == {"gpt-5.4": EndpointHealth.from_dict({"state": "healthy"})}
    assert [name for name, endpoint in health.items() if endpoint.state == "open"] == ["eu"]
    assert health.extra == {}
    assert health.to_dict() == HEALTH


def test_health_of_a_proxy() -> None:
    row = {"proxy": "proxy:3128", "scheme": "http", "endpoints": ["eu"], "state": "failing"}
    health = Health.from_dict({"eu": {"ssl_verify": False}, "http://proxy:3128": row})
    assert health["eu"].ssl_verify is False
    proxy = health["http://proxy:3128"]
    assert (proxy.proxy, proxy.scheme, proxy.endpoints) == ("proxy:3128", "http", ["eu"])
    assert (proxy.state, proxy.provider, proxy.last_success_at) == ("failing", None, None)
    assert (proxy.success_rate, proxy.requests, proxy.latency_ms) == (None, None, None)


def test_a_doctor_s_report() -> None:
    step = {"step": "dns", "verdict": "failed", "ms": 12.3, "detail": "d", "advice": None}
    members = {"endpoint": "eu", "about": "openai", "verdict": "failed", "steps": [step]}
    report = DoctorReport.from_dict(members)
    assert (report.steps[0].step, report.steps[0].ms, report.steps[0].advice) == ("dns", 12.3, None)
    assert report.to_dict() == members


# Events.


def test_a_wait_is_in_seconds() -> None:
    event = RetryEvent.from_dict(RETRY)
    assert (event.endpoint, event.attempt, event.of, event.delay) == ("eu", 2, 3, 0.7)
    assert (event.reason, event.request_id, event.model) == ("upstream_timeout", "r", "m")
    assert event.at == "2026-07-01T12:00:00.250Z"
    assert event["wait_ms"] == 700
    assert event.to_dict() == RETRY
    assert "delay=0.7" in repr(event)
    outage = OutageEvent.from_dict({"endpoint": None, "retry_after_ms": None})
    assert (outage.endpoint, outage.retry_after) == (None, None)
    assert OutageEvent.from_dict({"retry_after_ms": 1500}).retry_after == 1.5
    assert type(OutageEvent.from_dict({"retry_after_ms": 2000}).retry_after) is float


def test_from_has_a_name_that_python_takes() -> None:
    event = FailoverEvent.from_dict({"type": "failover", "from": "eu", "to": "us"})
    assert (event.from_, event["from"], event.to) == ("eu", "eu", "us")
    match event:
        case FailoverEvent(source, target):
            assert (source, target) == ("eu", "us")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("retry", "RetryEvent"),
        ("failover", "FailoverEvent"),
        ("recovered", "RecoveredEvent"),
        ("continued", "ContinuedEvent"),
        ("outage", "OutageEvent"),
        ("hedged", "Event"),
        ("re\\try", "Event"),
        (None, "Event"),
        (3, "Event"),
    ],
)
def test_an_event_is_of_the_class_that_its_type_names(kind: Any, name: str) -> None:
    event = Event.from_dict({"request_id": "r", "type": kind, "x": 1})
    assert type(event).__name__ == name
    assert isinstance(event, Event)
    assert (event.type, event.request_id, event["x"], event.extra) == (kind, "r", 1, {"x": 1})


def test_an_event_without_a_type_is_kept_too() -> None:
    assert Event.from_dict({"missed": 3}).extra == {"missed": 3}


# Numbers and texts.


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        2**31,
        2**63 - 1,
        -(2**63),
        2**63,
        2**64,
        -(10**40),
        10**4000,
        0.0,
        -0.0,
        0.1,
        1.0,
        1e300,
        5e-324,
        1.7976931348623157e308,
        0.1 + 0.2,
        2.2250738585072011e-308,
        9007199254740993.0,
        True,
        False,
        None,
        "",
        'é\u2028😀\x00"\\/\b\f\n\r\t\x7f',
        "\ufffe",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_is_what_it_was(value: Any) -> None:
    model = Model.from_dict({"value": value})
    assert model["value"] == value
    assert repr(model["value"]) == repr(value), "also the sign of zero"
    assert json.loads(model.to_json()) == {"value": value}


# Values to JSON: requests are written by the same code.


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2**70


class Dumped:
    """Like pydantic's models, and so OpenAI's messages."""

    def model_dump(self, *, mode: str, exclude_unset: bool) -> dict[str, Any]:
        return {"mode": mode, "exclude_unset": exclude_unset}


class Listed:
    def to_dict(self) -> list[int]:
        return [1]


class Endless:
    def to_dict(self) -> Endless:
        return self


class Broken:
    def to_dict(self) -> Any:
        raise ZeroDivisionError("their own")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Colour.RED, "red"),
        (Level.HIGH, 2**70),
        (Dumped(), {"mode": "json", "exclude_unset": True}),
        (Listed(), [1]),
        (ChatCompletionMessage.from_dict({"b": None, "a": 1}), {"b": None, "a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_takes(value: Any, expected: Any) -> None:
    model = Model.from_dict({"value": [value]})
    assert model["value"] == [expected]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({1, 2}, TypeError, "set is no JSON value"),
        (b"x", TypeError, "bytes is no JSON value"),
        (iter([1]), TypeError, "list_iterator is no JSON value"),
        (object(), TypeError, "object is no JSON value"),
        (1j, TypeError, "complex is no JSON value"),
        (Dumped, TypeError, "type is no JSON value"),
        (math.nan, ValueError, "JSON has no NaN"),
        (math.inf, ValueError, "JSON has no inf"),
        (-math.inf, ValueError, "JSON has no -inf"),
        ({1: 2}, TypeError, "a key must be str, not int"),
        ({None: 2}, TypeError, "a key must be str, not NoneType"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_it_refuses_with_the_place(value: Any, error: type[Exception], message: str) -> None:
    messages = [{"content": "a"}, {}, {"content": value}]
    with pytest.raises(error) as refused:
        ChatCompletion.from_dict({"messages": messages})
    assert str(refused.value) == f"messages[2].content: {message}"
    assert type(refused.value) is error


def test_a_lone_surrogate_is_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match=r"^messages\[0\]: no Unicode text: .*surrogates"):
        Model.from_dict({"messages": ["\ud83d"]})
    with pytest.raises(ValueError, match="no Unicode text"):
        Model.from_dict({"\ud83d": 1})


def test_what_is_wrong_at_the_top_has_no_place() -> None:
    with pytest.raises(TypeError, match=r"^object is no JSON value$"):
        Model.from_dict(object())  # type: ignore[arg-type]


def test_what_a_value_s_own_code_raises_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError, match=r"^their own$"):
        Model.from_dict({"value": Broken()})


def test_depth_has_a_bound() -> None:
    deep = Model.from_dict({"value": nested(127)})
    assert deep.to_json() == '{"value":' + "[" * 127 + "]" * 127 + "}"
    assert copy.deepcopy(deep) == deep
    assert pickle.loads(pickle.dumps(deep)) == deep
    for value in (nested(128), Endless()):
        with pytest.raises(ValueError, match="nested deeper than 128 levels"):
            Model.from_dict({"value": value})


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="nested deeper than 128 levels"):
        Model.from_dict({"value": circle})
