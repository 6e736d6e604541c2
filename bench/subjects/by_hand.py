"""Server-sent events as users of a bare HTTP client read them: line by line."""

from __future__ import annotations

import json
from typing import Any

from clients import MESSAGES, Target

PATH = "/chat/completions"


def headers(target: Target) -> dict[str, str]:
    """The key."""
    return {"authorization": f"Bearer {target.key}"}


def body(model: str, *, stream: bool) -> dict[str, Any]:
    """A request."""
    request: dict[str, Any] = {"model": model, "messages": MESSAGES}
    return {**request, "stream": True} if stream else request


def text_of_answer(answer: Any) -> str:
    """Of a whole answer's JSON."""
    text: str = answer["choices"][0]["message"]["content"] or ""
    return text


def text_of_line(line: str | bytes) -> str | None:
    """What a line of a stream says; None where it is no chunk with text."""
    if not line.startswith(b"data: " if isinstance(line, bytes) else "data: "):  # type: ignore[arg-type]
        return None
    data = line[6:].strip()
    if data in ("[DONE]", b"[DONE]"):
        return None
    chunk = json.loads(data)
    text: str | None = chunk["choices"][0]["delta"].get("content")
    return text
