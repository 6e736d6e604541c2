"""Where requests go, and their bodies: the same of the sync and the async client."""

from __future__ import annotations

from . import _options
from ._options import NOT_GIVEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
MODELS = "/v1/models"
HEALTH = "/v1/llm/health"
EVENTS = "/v1/llm/events"

# Arguments that are no members of a body.
_OURS = frozenset({"self", "extra_headers", "extra_body", "timeout"})


def chat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a chat, from the arguments of `create`."""
    body = _given(arguments)
    for name in ("messages", "tools", "functions"):
        if body.get(name) is not None:
            body[name] = _options.array(name, body[name])
    return _with_extra(body, arguments["extra_body"])


def embeddings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request for embeddings, from the arguments of `create`."""
    body = _given(arguments)
    if not isinstance(body["input"], str):
        body["input"] = _options.array("input", body["input"])
    return _with_extra(body, arguments["extra_body"])


def doctor(endpoint: str, spend: bool) -> str:
    """Where an endpoint's examination is asked for."""
    from urllib.parse import urlencode

    query = {"endpoint": endpoint, "spend": "true"} if spend else {"endpoint": endpoint}
    return f"/v1/llm/doctor?{urlencode(query)}"


def overload(function: Callable[..., Any]) -> Callable[..., Any]:
    """`typing.overload`, which only type checkers need: importing `typing` takes milliseconds."""
    return function


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in arguments.items()
        if value is not NOT_GIVEN and name not in _OURS
    }


def _with_extra(body: dict[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    if extra:
        body.update(_options.extra_body(extra) or {})
    return body
