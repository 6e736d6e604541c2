"""What the service's log holds, and what it never holds."""

import json
import time

import httpx

from clients import CHAT, streamed
from servers import Server
from sse import post
from stack import INTERNAL_KEY, LITELLM_KEY
from upstream import TEXT


def lines_about(server: Server, request_id: str) -> list[str]:
    """The log lines with this request's id, once there are any; none after two seconds."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        if found := [line for line in server.log().splitlines() if request_id in line]:
            return found
        time.sleep(0.01)
    return []


def test_each_line_of_the_log_is_json(service: Server, litellm_http: httpx.Client) -> None:
    answer = litellm_http.post(CHAT, json=streamed("scripted") | {"stream": False})
    lines = lines_about(service, answer.headers["x-request-id"])
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_log_tells_the_usage_of_a_stream_whose_client_did_not_ask_for_it(
    service: Server, litellm_http: httpx.Client
) -> None:
    answer, _ = post(litellm_http, CHAT, streamed("scripted"))
    text = "\n".join(lines_about(service, answer.headers["x-request-id"]))
    assert '"prompt_tokens":11' in text.replace(" ", "")
    assert '"completion_tokens":7' in text.replace(" ", "")


def test_the_log_holds_no_key_no_prompt_and_no_answer(
    service: Server, litellm_http: httpx.Client
) -> None:
    messages = [{"role": "user", "content": "my mother was a Featherstonehaugh"}]
    private = [INTERNAL_KEY, LITELLM_KEY, "Featherstonehaugh", TEXT]
    for more in ({}, {"stream": False}, {"temperature": "Featherstonehaugh"}):
        answer = litellm_http.post(CHAT, json=streamed("scripted", messages=messages, **more))
        assert lines_about(service, answer.headers["x-request-id"])
    assert [text for text in private if text in service.log()] == []
