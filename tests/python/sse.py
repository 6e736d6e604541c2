"""Server-sent events as bytes on the wire, for what the SDK hides: framing, comments, `[DONE]`."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

DONE = "[DONE]"


def payloads(lines: Iterable[str]) -> Iterator[str]:
    """The data of each event. Comments are skipped; any other line is an error of the sender."""
    for line in lines:
        if line.startswith("data:"):
            yield line.removeprefix("data:").removeprefix(" ")
        elif line and not line.startswith(":"):
            raise AssertionError(f"neither data nor a comment: {line!r}")


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> tuple[httpx.Response, list[str]]:
    """Posts and reads the stream to its end: the answer's head, and the data of its events."""
    with client.stream("POST", path, json=body) as answer:
        return answer, list(payloads(answer.iter_lines()))


def chunks(data: list[str]) -> list[dict[str, Any]]:
    """The JSON chunks of a complete stream, which is one that ends in `[DONE]`."""
    assert data[-1] == DONE
    return [json.loads(payload) for payload in data[:-1]]
