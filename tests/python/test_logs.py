"""What the service's log holds, and what it never holds."""

import json
import time
from typing import Any

import httpx
import pytest

from clients import CHAT, streamed
from servers import Server
from sse import post
from stack import INTERNAL_KEY, LITELLM_KEY
from upstream import FIRST_WORDS, TEXT, USAGE, Upstream


def records_of(server: Server, answer: httpx.Response, member: str) -> list[Any]:
    """The log's lines about a request that have this member, once one does; none after 2 s."""
    request_id = answer.headers["x-request-id"]
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        whole = [line for line in server.log().splitlines(keepends=True) if line.endswith("\n")]
        lines = [line for line in whole if request_id in line]
        if found := [record for record in map(json.loads, lines) if member in record]:
            return found
        time.sleep(0.01)
    return []


def test_a_request_leaves_one_access_line(service: Server, litellm_http: httpx.Client) -> None:
    answer = litellm_http.post(CHAT, json=streamed("scripted", stream=False))
    (record,) = records_of(service, answer, "status")
    assert record["status"] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, streamed("scripted")),
        # Where nobody asks, LiteLLM puts a usage of nothing but zeros into each of these chunks.
        ("/v1/completions", {"model": "scripted-text", "prompt": "Say hello", "stream": True}),
    ],
    ids=["chat", "completion"],
)
def test_the_log_tells_the_usage_of_a_stream_whose_client_did_not_ask_for_it(
    service: Server, litellm_http: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    answer, _ = post(litellm_http, path, body)
    (record,) = records_of(service, answer, "provenance")
    assert {key: record[key] for key in USAGE} == USAGE
    assert record["provenance"] == "reported"
    assert record["end"] == "complete"


def test_the_log_counts_what_a_broken_stream_relayed(
    service: Server, litellm_http: httpx.Client, upstream: Upstream
) -> None:
    with litellm_http.stream("POST", CHAT, json=streamed("scripted-dies")) as answer:
        list(upstream.release_after_first_words(answer.iter_lines()))
    (record,) = records_of(service, answer, "provenance")
    assert record["end"] == "failed"
    assert record["provenance"] != "reported"
    assert record["completion_tokens"] > 0


def test_the_log_tells_that_a_client_left(
    service: Server, litellm_http: httpx.Client, upstream: Upstream
) -> None:
    with litellm_http.stream("POST", CHAT, json=streamed("scripted-holds")) as answer:
        next(line for line in answer.iter_lines() if FIRST_WORDS[-1] in line)
        assert not upstream.released.is_set()
    (record,) = records_of(service, answer, "provenance")
    assert record["end"] == "cancelled"
    assert record["completion_tokens"] > 0


def test_the_log_holds_no_key_no_prompt_and_no_answer(
    service: Server, litellm_http: httpx.Client
) -> None:
    messages = [{"role": "user", "content": "my mother was a Featherstonehaugh"}]
    private = [INTERNAL_KEY, LITELLM_KEY, "Featherstonehaugh", TEXT]
    for more in ({}, {"stream": False}, {"temperature": "Featherstonehaugh"}):
        answer = litellm_http.post(CHAT, json=streamed("scripted", messages=messages, **more))
        assert records_of(service, answer, "status")
    assert [text for text in private if text in service.log()] == []
