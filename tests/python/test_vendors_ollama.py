"""The `ollama` client asks every vendor through the service, as if it were an Ollama."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import ollama
import pytest
from ollama import ChatResponse

import scenarios
from said import Said, SaidByOllama
from scenarios import PROVIDERS, Scenario
from servers import Server
from stack import INTERNAL_KEY
from vendors import KEY

# What Ollama's format has a place for; the rest of the fixtures is about OpenAI's requests.
NAMES = [
    "plain",
    "unicode",
    "one_tool",
    "parallel_tools",
    "reasoning",
    "length",
    "stop_sequence",
    "json_schema",
    "empty",
    "usage_with_cache",
]
ANSWERS = [s for s in scenarios.those_with("response.json", "stream.[sn][sd]*") if s.name in NAMES]
BROKEN = [
    s
    for s in scenarios.those_with("stream.[sn][sd]*")
    if s.name in {"error_in_the_middle", "truncated", "cut"}
]
REFUSED = [s for s in scenarios.those_with("refusal.json") if not s.is_refused_here]
EMBEDDINGS = [
    s
    for s in scenarios.those_with("response.json", "request.json")
    if s.name == "embeddings" and s.provider in PROVIDERS
]
OPTIONS: dict[str, Any] = {
    "headers": {"authorization": f"Bearer {INTERNAL_KEY}"},
    "timeout": 20,
    "trust_env": False,
}
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def client(native: Server) -> Iterator[ollama.Client]:
    with ollama.Client(native.url, **OPTIONS) as opened:
        yield opened


@pytest.fixture
async def async_client(native: Server) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(native.url, **OPTIONS) as opened:
        yield opened


def request_of(scenario: Scenario) -> dict[str, Any]:
    """What makes the vendor give this answer, in Ollama's terms."""
    asked = scenario.request
    request: dict[str, Any] = {"model": scenario.model, "messages": HI}
    if "tools" in asked:
        request["tools"] = asked["tools"]
    if schema := (asked.get("response_format") or {}).get("json_schema"):
        request["format"] = schema["schema"]
    if scenario.name == "reasoning":
        request["think"] = True
    return request


def expected(scenario: Scenario) -> SaidByOllama:
    return SaidByOllama.translated(Said.in_json(scenario.golden_answer()))


@pytest.mark.parametrize("scenario", ANSWERS, ids=str)
def test_a_whole_answer_says_what_the_golden_one_says(
    client: ollama.Client, scenario: Scenario
) -> None:
    answer = client.chat(**request_of(scenario))
    assert isinstance(answer, ChatResponse)
    assert answer.done
    assert answer.created_at
    assert SaidByOllama.of([answer]) == expected(scenario)


@pytest.mark.parametrize("scenario", ANSWERS, ids=str)
def test_a_stream_says_the_same(client: ollama.Client, scenario: Scenario) -> None:
    parts = list(client.chat(**request_of(scenario), stream=True))
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert SaidByOllama.of(parts) == expected(scenario)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_async_client_gets_the_same(
    async_client: ollama.AsyncClient, provider: str
) -> None:
    scenario = Scenario(provider, "one_tool")
    whole = await async_client.chat(**request_of(scenario))
    stream = await async_client.chat(**request_of(scenario), stream=True)
    parts = [part async for part in stream]
    assert SaidByOllama.of([whole]) == SaidByOllama.of(parts) == expected(scenario)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tools_result_is_taken_back(client: ollama.Client, provider: str) -> None:
    scenario = Scenario(provider, "one_tool")
    request = request_of(scenario)
    asked = client.chat(**request).message
    assert asked.tool_calls
    name = asked.tool_calls[0].function.name
    history = [*HI, asked, {"role": "tool", "tool_name": name, "content": "mild"}]
    answer = client.chat(model=f"{provider}/plain", messages=history, tools=request["tools"])
    assert SaidByOllama.of([answer]) == expected(Scenario(provider, "plain"))


@pytest.mark.parametrize("provider", [p for p in PROVIDERS if p != "ollama"])
def test_a_prompt_is_continued(client: ollama.Client, provider: str) -> None:
    plain = Scenario(provider, "plain")
    said = expected(plain)
    whole = client.generate(plain.model, "hi", system="Be brief.")
    parts = list(client.generate(plain.model, "hi", stream=True))
    assert whole.response == "".join(part.response or "" for part in parts) == said.text
    assert whole.eval_count == parts[-1].eval_count == said.answer_tokens
    assert (whole.done_reason, parts[-1].done_reason) == ("stop", "stop")


@pytest.mark.parametrize("scenario", BROKEN, ids=str)
def test_a_broken_stream_raises(client: ollama.Client, scenario: Scenario) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.chat(**request_of(scenario), stream=True))
    assert caught.value.error


@pytest.mark.parametrize("scenario", REFUSED, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_refusal_raises_with_its_status(
    client: ollama.Client, scenario: Scenario, stream: bool
) -> None:
    refusal = scenario.refusal("refusal.snap")
    assert refusal is not None
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.chat(**request_of(scenario) | {"stream": stream}))
    assert caught.value.status_code == refusal.status
    assert KEY not in caught.value.error
    # The goldens' endpoints are named after their providers.
    assert caught.value.error.endswith(refusal.error["message"].removeprefix(scenario.provider))


@pytest.mark.parametrize("scenario", EMBEDDINGS, ids=str)
def test_texts_become_vectors(client: ollama.Client, scenario: Scenario) -> None:
    answer = client.embed(scenario.model, scenario.request["input"])
    golden = [entry["embedding"] for entry in scenario.golden_answer()["data"]]
    assert len(answer.embeddings) == len(golden)
    for vector, other in zip(answer.embeddings, golden, strict=True):
        assert list(vector) == pytest.approx(other, rel=1e-6)


def test_every_model_is_listed(client: ollama.Client) -> None:
    listed = {model.model for model in client.list().models}
    assert listed == {scenario.model for scenario in scenarios.everything()}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_is_shown(client: ollama.Client, provider: str) -> None:
    shown = client.show(f"{provider}/plain")
    assert shown.capabilities
    assert {"completion", "tools"} <= set(shown.capabilities)
    assert shown.modified_at
    assert shown.details


def test_nothing_is_loaded_here(client: ollama.Client) -> None:
    assert client.ps().models == []


@pytest.mark.parametrize(
    ("ask", "given"),
    [
        ("chat", {"messages": HI}),
        ("generate", {"prompt": "hi"}),
        ("embed", {"input": "hi"}),
        ("show", {}),
    ],
)
def test_an_unknown_model_is_404(client: ollama.Client, ask: str, given: dict[str, Any]) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        getattr(client, ask)("no-such-model", **given)
    assert caught.value.status_code == 404
    assert "no-such-model" in caught.value.error


def test_a_wrong_key_is_401(native: Server) -> None:
    options = OPTIONS | {"headers": {"authorization": "Bearer wrong"}}
    with (
        ollama.Client(native.url, **options) as client,
        pytest.raises(ollama.ResponseError) as caught,
    ):
        client.list()
    assert caught.value.status_code == 401


def test_the_key_is_taken_from_the_header_of_this_service_as_well(native: Server) -> None:
    options = OPTIONS | {"headers": {"x-internal-auth": INTERNAL_KEY}}
    with ollama.Client(native.url, **options) as client:
        assert client.chat("openai/plain", HI).message.content


def test_line_separators_do_not_break_lines(client: ollama.Client) -> None:
    """The client splits a stream at U+2028 too, which is why Ollama escapes it."""
    separated = [s for s in ANSWERS if "\u2028" in expected(s).text]
    assert {s.provider for s in separated} > {"ollama"}
    for scenario in separated:
        parts = list(client.chat(**request_of(scenario), stream=True))
        assert SaidByOllama.of(parts).text == expected(scenario).text
