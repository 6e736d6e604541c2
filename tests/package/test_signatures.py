"""The OpenAI SDK's names, and everything public documented: what is called, with an example."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import resources

import llm_proxy
from llm_proxy import AsyncLlmProxy, LlmProxy, _parameters

# Query parameters have no meaning for the routes of the service.
LEFT_OUT = {"extra_query"}
SYNC = LlmProxy(base_url="http://127.0.0.1:1")
ASYNC = AsyncLlmProxy(base_url="http://127.0.0.1:1")

PAIRS = [
    (SYNC.chat.completions.create, resources.chat.Completions.create),
    (ASYNC.chat.completions.create, resources.chat.AsyncCompletions.create),
    (SYNC.embeddings.create, resources.Embeddings.create),
    (ASYNC.embeddings.create, resources.AsyncEmbeddings.create),
]


def name_of(value: object) -> str:
    return str(getattr(value, "__qualname__", ""))


def arguments(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in inspect.signature(method).parameters.items()
        if name != "self"
    }


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=name_of)
def test_create_has_the_arguments_of_the_openai_sdk(
    ours: Callable[..., Any], theirs: Callable[..., Any]
) -> None:
    assert set(arguments(ours)) == set(arguments(theirs)) - LEFT_OUT


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=name_of)
def test_create_needs_what_the_openai_sdk_needs(
    ours: Callable[..., Any], theirs: Callable[..., Any]
) -> None:
    def needed(method: Callable[..., Any]) -> set[str]:
        empty = inspect.Parameter.empty
        return {name for name, found in arguments(method).items() if found.default is empty}

    assert needed(ours) == needed(theirs)


def test_type_checkers_know_every_argument_of_a_chat() -> None:
    tree = ast.parse(Path(_parameters.__file__).read_text())
    (declared,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    members = {
        node.target.id
        for node in declared.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert members == set(arguments(SYNC.chat.completions.create)) - {"stream"}


@pytest.mark.parametrize("name", ["chat.completions.create", "embeddings.create", "models.list"])
def test_the_async_twin_takes_the_same(name: str) -> None:
    def method(client: object) -> Callable[..., Any]:
        found: Any = client
        for part in name.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]

    assert arguments(method(ASYNC)) == arguments(method(SYNC))


def test_the_clients_are_twins() -> None:
    def public(client_type: type) -> set[str]:
        return {name for name in dir(client_type) if not name.startswith("_")}

    assert public(AsyncLlmProxy) - {"aclose"} == public(LlmProxy)


def public_calls() -> Iterator[tuple[str, Callable[..., Any]]]:
    yield "serve_local", llm_proxy.serve_local
    for client in (SYNC, ASYNC):
        kind = type(client)
        yield kind.__name__, kind
        yield f"{kind.__name__}.embedded", kind.embedded
        for owner in (client, client.chat.completions, client.embeddings, client.models):
            for name, method in inspect.getmembers(owner, inspect.ismethod):
                if not name.startswith("_"):
                    yield f"{kind.__name__}: {type(owner).__name__}.{name}", method


CALLS = dict(public_calls())


def test_all_calls_are_looked_at() -> None:
    assert len(CALLS) > 20


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_is_documented_with_an_example(call: Callable[..., Any]) -> None:
    text = inspect.getdoc(call) or ""
    assert ">>> " in text


@pytest.mark.parametrize("client_type", [LlmProxy, AsyncLlmProxy])
def test_every_argument_of_a_client_is_described(client_type: type[LlmProxy]) -> None:
    text = inspect.getdoc(client_type.__init__) or ""
    assert not [name for name in arguments(client_type) if f"\n    {name}: " not in text]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_argument_that_needs_a_word_has_one(call: Callable[..., Any]) -> None:
    text = inspect.getdoc(call) or ""
    names = set(arguments(call))
    if len(names) <= 10 and "Args:" in text:
        assert not [name for name in names if f"\n    {name}: " not in text]


@pytest.mark.parametrize("name", llm_proxy.__all__)
def test_everything_public_is_documented(name: str) -> None:
    if name != "NOT_GIVEN":
        assert inspect.getdoc(getattr(llm_proxy, name))


def test_the_version_is_the_distributions() -> None:
    assert llm_proxy.__version__.count(".") == 2
    assert openai.__version__ != llm_proxy.__version__


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Client'"):
        _ = llm_proxy.Client


def test_a_client_shows_where_it_asks_but_no_key() -> None:
    client = LlmProxy(base_url="https://llm.example/v1/", internal_auth="hidden-key")
    assert repr(client) == "LlmProxy(base_url='https://llm.example')"
