"""Clients of the service, and the requests that most tests make."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from stack import INTERNAL_KEY

CHAT = "/v1/chat/completions"
HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
SDK_OPTIONS: dict[str, Any] = {"api_key": INTERNAL_KEY, "max_retries": 0, "timeout": 20}


def streamed(model: str, **more: Any) -> dict[str, Any]:
    """The body of a streamed chat."""
    return {"model": model, "messages": HI, "stream": True} | more


def sdk(url: str, **options: Any) -> openai.OpenAI:
    """The OpenAI SDK as an application uses it, except that it does not retry."""
    settings: dict[str, Any] = SDK_OPTIONS | options
    return openai.OpenAI(base_url=url, http_client=httpx.Client(trust_env=False), **settings)


def async_sdk(url: str, **options: Any) -> openai.AsyncOpenAI:
    settings: dict[str, Any] = SDK_OPTIONS | options
    http_client = httpx.AsyncClient(trust_env=False)
    return openai.AsyncOpenAI(base_url=url, http_client=http_client, **settings)


def plain_http(url: str, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """For what the SDK does not show; with the internal key unless told otherwise."""
    chosen = {"x-internal-auth": INTERNAL_KEY} if headers is None else dict(headers)
    return httpx.Client(base_url=url, headers=chosen, timeout=20, trust_env=False)


def keywords(method: Callable[..., Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make the SDK send `body`, with what it does not know as extra."""
    known = inspect.signature(method).parameters
    extra = {name: value for name, value in body.items() if name not in known}
    return {name: body[name] for name in body if name in known} | {"extra_body": extra}


@dataclass(frozen=True)
class Backend:
    """A running service and a model that it answers."""

    url: str
    model: str


def words_of(stream: Iterable[ChatCompletionChunk]) -> Iterator[str]:
    """The pieces of text as they come."""
    for chunk in stream:
        yield from (choice.delta.content for choice in chunk.choices if choice.delta.content)


def read_until_it_breaks(words: Iterable[str]) -> tuple[list[str], openai.APIError]:
    """Reads a stream that must break: the words that came, and what the SDK raised."""
    said: list[str] = []
    try:
        said.extend(words)  # keeps what came before the error
    except openai.APIError as error:
        return said, error
    pytest.fail(f"the stream ended as if it were complete, after {said}")
