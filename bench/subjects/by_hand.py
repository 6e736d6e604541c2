"""Server-sent events as users of a bare HTTP client read them: line by line."""

from __future__ import annotations

import json
from typing import Any

from contract import MESSAGES, Target

PATH = "/chat/completions"


def headers(target: Target) -> dict[str, str]:
    """The key."""
    return {"authorization": f"Bearer {target.key}"}


def body(model: str, *, stream: bool) -> dict[str, Any]:
    """A request."""
    request: dict[str, Any] = {"model": model, "messages": MESSAGES}
    return {**request, "stream": True} if stream else request


def text_of_answer(answer: dict[str, Any]) -> str:
    """Of a whole answer's JSON."""
    text: str = answer["choices"][0]["message"]["content"] or ""
    return text


def text_of_line(line: str) -> str | None:
    """What a line of a stream says; None where it is no chunk with text."""
    if not line.startswith("data: ") or line.startswith("data: [DONE]"):
        return None
    chunk = json.loads(line[6:])
    text: str | None = chunk["choices"][0]["delta"].get("content")
    return text
