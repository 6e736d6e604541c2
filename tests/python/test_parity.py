"""One configuration starts the real LiteLLM and llm-proxy: both answer the same.

Compared is what an application acts on: text, reasoning, tool calls, finish reasons, usage, the
SDK's error class and the status. Where the two differ, a table says in what and why, and the test
holds it to that: a difference that is gone fails as well. Different throughout, and therefore not
compared:

- `model` in an answer: LiteLLM writes the name that was asked for, we leave the provider's.
- An error's message: LiteLLM wraps the provider's into its own exceptions' names.
- An error's `code`: LiteLLM's is the status once more, ours is OpenAI's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from clients import HI, sdk
from parity import TRANSLATED, Outcome, differences, outcome
from said import Said
from scenarios import Scenario
from servers import Server
from stack import INTERNAL_KEY, LITELLM_KEY
from test_tools import CLOCK, NAMED, WEATHER
from upstream import RETRY_AFTER_S, TEXT, Upstream

SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}
ASKED: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
CONVERSATION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Ça va? 🦀"},
    {"role": "assistant", "content": None, "tool_calls": [ASKED]},
    {"role": "tool", "tool_call_id": "call_1", "content": "mild"},
    {"role": "user", "content": "Thanks."},
]
PICTURE = [
    {"type": "text", "text": "What is it?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]
SAMPLING = {
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["x"],
    "seed": 7,
    "max_tokens": 9,
    "presence_penalty": 0.1,
    "frequency_penalty": -0.2,
    "logit_bias": {"50256": -100},
    "user": "zoë",
}


def chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": HI} | more


SCRIPTED = "scripted/scripted"
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": chat(SCRIPTED),
    "conversation": chat(SCRIPTED, messages=CONVERSATION),
    "picture": chat(SCRIPTED, messages=[{"role": "user", "content": PICTURE}]),
    "unicode": chat("scripted/scripted-unicode"),
    "length": chat("scripted/scripted-length"),
    "sampling": chat(SCRIPTED, **SAMPLING),
    "max_completion_tokens": chat(SCRIPTED, max_completion_tokens=9),
    "unknown field": chat(SCRIPTED, vendor_option={"deep": [1, {"x": None}]}),
    "two answers": chat(SCRIPTED, n=2),
    "json_schema": chat(SCRIPTED, response_format=SCHEMA),
    "tools": chat(SCRIPTED, tools=[WEATHER, CLOCK]),
    "tools required": chat(SCRIPTED, tools=[WEATHER], tool_choice="required"),
    "tool named": chat(SCRIPTED, tools=[WEATHER, CLOCK], tool_choice=NAMED),
    "tools forbidden": chat(SCRIPTED, tools=[WEATHER], tool_choice="none"),
    "one tool at a time": chat(SCRIPTED, tools=[WEATHER], parallel_tool_calls=False),
    "a group": chat("group"),
    "an alias": chat("gpt-4o"),
    "the operator's parameters": chat("cool", user="dropped"),
    "the caller's parameters": chat("cool", temperature=1.5),
    "mock_response": chat("canned"),
    "fallback after 500": chat("fails"),
    "fallback of a fallback after 429": chat("is-limited"),
    "fallback for a long conversation": chat("is-short"),
    "400": chat("scripted/scripted-400"),
    "401": chat("scripted/scripted-401"),
    "404": chat("scripted/scripted-404"),
    "429": chat("scripted/scripted-429"),
    "500": chat("scripted/scripted-500"),
    "503": chat("scripted/scripted-503"),
    "too long": chat("scripted/scripted-too-long"),
    "unknown model": chat("no-such-model"),
    "no message": chat("group", messages=[]),
    "a wrong type": chat("group", temperature="hot"),
} | {str(scenario): scenario.request for scenario in TRANSLATED}


@dataclass(frozen=True)
class Difference:
    """What is different, and why that is meant so."""

    what: set[str]
    why: str


CHECKED_HERE = Difference(
    {"status", "error", "answer"}, "LiteLLM sends it on; we say what is wrong"
)
KEY_REFUSED = Difference(
    {"status", "error"}, "the key is ours, so the caller has nothing to mend: 502 instead of 401"
)
IDS_MADE = Difference({"ids"}, "the vendor gives no ids: both make them, at random or not")
# LiteLLM's faults. None is hidden: the goldens say what the vendor said, and we agree with them.
IDS_WITH_SIGNATURES = Difference(
    {"ids"}, "LiteLLM hides Gemini's signature in the id; we have it in a member of its own"
)
COHERE_STREAM = Difference(
    {"status", "error", "answer"}, "LiteLLM cannot read the `event:` lines of Cohere's streams"
)
COHERE_FINISH = Difference({"finish"}, "LiteLLM says stop, whatever Cohere says")
COHERE_TOOLS = Difference({"finish", "reasoning"}, "LiteLLM says stop, and loses Cohere's plan")
COHERE_THINKING = Difference({"reasoning"}, "LiteLLM loses Cohere's thinking")
CACHED_LOST = Difference({"usage"}, "LiteLLM loses the cached tokens")
REASONING_GUESSED = Difference(
    {"usage"}, "LiteLLM counts reasoning tokens by itself in streams, where the vendor reports none"
)

DIFFERENCES: dict[tuple[str, bool], Difference] = {
    **{("401", stream): KEY_REFUSED for stream in (False, True)},
    **{("no message", stream): CHECKED_HERE for stream in (False, True)},
    **{("a wrong type", stream): CHECKED_HERE for stream in (False, True)},
    **{
        ("500", stream): Difference({"status"}, "502 says that it was the upstream, not we")
        for stream in (False, True)
    },
    **{
        ("unknown model", stream): Difference(
            {"status", "error"}, "OpenAI says 404 model_not_found, and so do we; LiteLLM says 400"
        )
        for stream in (False, True)
    },
    **{
        ("mock_response", stream): Difference(
            {"usage"}, "nobody counted: the numbers are either's invention"
        )
        for stream in (False, True)
    },
    ("two answers", True): Difference(
        {"finish"}, "LiteLLM loses the second answer's finish reason"
    ),
    **{("gemini-one_tool", stream): IDS_WITH_SIGNATURES for stream in (False, True)},
    **{("gemini-parallel_tools", stream): IDS_MADE for stream in (False, True)},
    ("mistral-parallel_tools", True): Difference(
        {"ids"}, "Mistral's later pieces have the id `null`: LiteLLM appends it"
    ),
    ("mistral-reasoning", True): REASONING_GUESSED,
    **{(str(s), True): COHERE_STREAM for s in TRANSLATED if s.provider == "cohere"},
    ("cohere-one_tool", False): COHERE_TOOLS,
    ("cohere-parallel_tools", False): COHERE_TOOLS,
    ("cohere-length", False): COHERE_FINISH,
    ("cohere-reasoning", False): COHERE_THINKING,
    ("cohere-usage_with_cache", False): CACHED_LOST,
    ("ollama-one_tool", True): Difference({"ids"}, "LiteLLM replaces Ollama's ids in streams"),
    ("ollama-parallel_tools", False): IDS_MADE,
    ("ollama-parallel_tools", True): Difference(
        {"calls", "ids"}, "LiteLLM merges the calls of an Ollama stream into one"
    ),
    ("ollama-reasoning", True): REASONING_GUESSED,
    **{("ollama-usage_with_cache", stream): CACHED_LOST for stream in (False, True)},
}


@pytest.fixture(scope="module")
def theirs(parity_litellm: Server) -> Iterator[openai.OpenAI]:
    with sdk(f"{parity_litellm.url}/v1", api_key=LITELLM_KEY) as opened:
        yield opened


@pytest.fixture(scope="module")
def ours(parity_service: Server) -> Iterator[openai.OpenAI]:
    with sdk(f"{parity_service.url}/v1", api_key=INTERNAL_KEY) as opened:
        yield opened


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_request_has_the_same_answer(
    theirs: openai.OpenAI, ours: openai.OpenAI, name: str, stream: bool
) -> None:
    body = REQUESTS[name]
    if stream:
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
    there, here = outcome(theirs, body), outcome(ours, body)
    difference = DIFFERENCES.get((name, stream), Difference(set(), ""))
    assert differences(there, here) == difference.what, f"{difference.why}\n{there}\n{here}"


def test_every_difference_is_one_of_a_request_that_is_made() -> None:
    assert {name for name, _ in DIFFERENCES} <= REQUESTS.keys()


@pytest.mark.parametrize("scenario", TRANSLATED, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_where_they_differ_about_a_vendor_we_say_what_it_said(
    ours: openai.OpenAI, scenario: Scenario, stream: bool
) -> None:
    body = scenario.request
    if stream:
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
    golden = Outcome(Said.in_json(scenario.golden_answer()))
    # Ids that the vendor does not give are made from the request's.
    assert differences(outcome(ours, body), golden) <= {"ids"}


# What the provider is asked


ASKED_ALIKE = [
    "plain",
    "conversation",
    "picture",
    "sampling",
    "max_completion_tokens",
    "unknown field",
    "two answers",
    "json_schema",
    "tools",
    "tool named",
    "one tool at a time",
    "the operator's parameters",
    "the caller's parameters",
]


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM leaves out the content of a message that has none."""
    messages = [
        {name: value for name, value in message.items() if value is not None}
        for message in body["messages"]
    ]
    return body | {"messages": messages}


@pytest.mark.parametrize("name", ASKED_ALIKE)
def test_the_provider_is_asked_the_same(
    theirs: openai.OpenAI, ours: openai.OpenAI, upstream: Upstream, name: str
) -> None:
    for client in (theirs, ours):
        outcome(client, REQUESTS[name])
    there, here = upstream.requests
    # With drop_params, LiteLLM drops `user` for every model that is not in its list of OpenAI's.
    assert "user" not in there
    here.pop("user", None)
    assert _without_nulls(here) == _without_nulls(there)


def test_the_operators_parameters_give_way_to_the_callers(
    ours: openai.OpenAI, upstream: Upstream
) -> None:
    outcome(ours, REQUESTS["the caller's parameters"])
    asked = upstream.requests[-1]
    assert (asked["temperature"], asked["max_tokens"]) == (1.5, 64)


# Fallbacks


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("fails", ["scripted-500", "scripted"]),
        ("is-limited-for-once", ["scripted-limited", "scripted-500", "scripted"]),
        ("is-short", ["scripted-too-long", "scripted"]),
    ],
)
def test_the_fallbacks_are_asked_in_the_same_order(
    theirs: openai.OpenAI,
    ours: openai.OpenAI,
    upstream: Upstream,
    model: str,
    asked: list[str],
) -> None:
    for client in (theirs, ours):
        upstream.reset()
        said = outcome(client, chat(model)).said
        assert said is not None
        assert said.choices[0].text == TEXT
        assert [request["model"] for request in upstream.requests] == asked


# Streams


def test_usage_comes_only_to_those_who_ask_for_it(
    theirs: openai.OpenAI, ours: openai.OpenAI
) -> None:
    for client in (theirs, ours):
        stream = client.chat.completions.create(model="group", messages=HI, stream=True)
        chunks = list(stream)
        assert all(chunk.choices for chunk in chunks)
        assert not any(chunk.usage for chunk in chunks)


def test_a_truncated_stream_is_no_complete_answer(
    theirs: openai.OpenAI, ours: openai.OpenAI, upstream: Upstream
) -> None:
    """Where we differ most on purpose: LiteLLM makes up a finish reason."""
    upstream.release()
    body = chat("scripted/scripted-cut", stream=True)
    there, here = outcome(theirs, body), outcome(ours, body)
    assert there.error is None
    assert here.error == "APIError"
    assert there.said is not None
    assert here.said is not None
    assert there.said.choices[0].text == here.said.choices[0].text == "Hello from"
    assert (there.said.choices[0].finish, here.said.choices[0].finish) == ("stop", None)


# Embeddings


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=["base64", "float"])
def test_embeddings_are_the_same(
    theirs: openai.OpenAI, ours: openai.OpenAI, encoding: dict[str, Any]
) -> None:
    there, here = (
        client.embeddings.create(model="vectors", input=["a crab", "a lobster"], **encoding)
        for client in (theirs, ours)
    )
    assert [entry.embedding for entry in here.data] == [entry.embedding for entry in there.data]
    assert [entry.index for entry in here.data] == [0, 1]
    assert here.usage.to_dict().items() <= there.usage.to_dict().items()


# What else a client sees


def test_only_we_say_how_long_to_wait(theirs: openai.OpenAI, ours: openai.OpenAI) -> None:
    """LiteLLM renames the provider's header to llm_provider-retry-after."""
    waits = []
    for client in (theirs, ours):
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="scripted/scripted-429", messages=HI)
        waits.append(caught.value.response.headers.get("retry-after"))
    assert waits == [None, str(RETRY_AFTER_S)]


def test_our_list_of_models_is_in_litellms(theirs: openai.OpenAI, ours: openai.OpenAI) -> None:
    there, here = ({model.id for model in client.models.list()} for client in (theirs, ours))
    assert {"group", "cool", "fails", "vectors", "canned", "gpt-4o"} <= here
    # LiteLLM lists patterns as well, which nobody can ask for.
    assert {name for name in there if "*" not in name} >= here
