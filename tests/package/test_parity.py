"""One table of calls, through the service and in this process: the same answers, errors and events, to the letter."""

from typing import Any

import llm_proxy
import pytest
from llm_proxy import LlmProxy
from llm_proxy.events import Event

from conftest import Home
from faults import PIECES, ROLE_AND_TWO, SILENT, Faults, Json, at, refuses, says

HI = [{"role": "user", "content": "hi"}]
TOOL_CALLS = [{"name": "weather", "arguments": '{"city": "Oslo"}'}]
RESET = {"at": "before_head", "do": "reset"}
LATE_AND_REFUSED = refuses(400) | {"delay_ms": 200}

CASES: dict[str, tuple[str, list[Json], Json]] = {
    # What comes back
    "whole": ("m", [says()], {}),
    "stream": ("m", [says()], {"stream": True}),
    "usage": ("m", [says()], {"stream": True, "stream_options": {"include_usage": True}}),
    "tool calls": ("m", [{"body": {"chat": {"tool_calls": TOOL_CALLS}}}], {}),
    "streamed tool calls": ("m", [{"body": {"chat": {"tool_calls": TOOL_CALLS}}}], {"stream": True}),
    "several choices": ("m", [says()], {"stream": True, "n": 3}),
    "slow stream": ("m", [says(pace={"gap_ms": 80})], {"stream": True}),
    "unicode": ("m", [says(pieces=["東京", "\u2028", "\0", "é", "🦀"])], {"stream": True}),
    "long": ("m", [says(pieces={"count": 2000, "size": 50})], {"stream": True}),
    # What is refused
    "400": ("m", [refuses(400, message="too hot", code="hot")], {}),
    "404": ("m", [refuses(404)], {"stream": True}),
    "422": ("m", [refuses(422)], {}),
    "no messages": ("m", [says()], {"messages": []}),
    "odd member": ("m", [says()], {"extra_body": {"temperature": "hot"}}),
    "late and refused": ("m", [LATE_AND_REFUSED], {"stream": True}),
    "401": ("m", [refuses(401)], {}),
    # What is asked again
    "429 twice": ("m", [refuses(429)], {}),
    "429 once": ("m", [refuses(429), says()], {}),
    "500 once": ("m", [refuses(500), says()], {"stream": True}),
    "reset once": ("m", [says(RESET), says()], {}),
    "broken before the first piece": ("m", [says(at(1, "reset")), says()], {"stream": True}),
    "always broken": ("m", [says(RESET)], {"stream": True}),
    "always 503": ("m", [refuses(503)], {}),
    "failover": ("pair", [refuses(500)], {}),
    "failover of a stream": ("pair", [refuses(500)], {"stream": True}),
    # What breaks off
    "reset in the middle": ("m", [says(at(ROLE_AND_TWO, "reset"))], {"stream": True}),
    "ends early": ("m", [says(at(ROLE_AND_TWO, "clean_end"))], {"stream": True}),
    "error event": ("m", [says(at(ROLE_AND_TWO, {"error_event": {}}))], {"stream": True}),
    "broken JSON": ("m", [says(at(ROLE_AND_TWO, {"garbage": "broken_json"}))], {"stream": True}),
    "silent": ("m", [says(SILENT)], {"timeout": 0.3}),
    # The engine keeps the connection open meanwhile.
    "silent in the middle": ("m", [says(at(2, "stall"))], {"stream": True, "timeout": 0.3}),
    "silent from the beginning": ("m", [says(SILENT)], {"stream": True, "timeout": 0.3}),
}  # fmt: skip


def said(client: LlmProxy, model: str, options: Json) -> tuple[list[Any], Any]:
    """What came, all pieces of a stream, and how it ended."""
    options = {"messages": HI, "extra_headers": {"x-request-id": "one"}} | options
    came: list[Any] = []
    try:
        answer = client.chat.completions.create(model=model, **options)
        if not isinstance(answer, llm_proxy.Stream):
            return [answer, answer.request_id, answer.served_by, answer.attempts], None
        for chunk in answer:
            came.append(chunk)
            came.append((chunk.request_id, chunk.served_by, chunk.attempts))
    except llm_proxy.LlmProxyError as error:
        return came, told_by(error)
    return came, None


def told_by(error: llm_proxy.LlmProxyError) -> Json:
    """All that an error says, but when and over which connection."""
    told = vars(error) | {"class": type(error), "text": str(error)}
    told["headers"] = {
        name: value
        for name, value in told.get("headers", {}).items()
        if name.startswith("x-") or name in {"content-type", "retry-after"}
    }
    return told


def happened(events: list[Event]) -> list[Json]:
    """All that events say, but when."""
    return [
        {"class": type(event)}
        | {name: value for name, value in event.to_dict().items() if name not in {"at", "delay"}}
        for event in events
    ]


def outcome(home: Home, faults: Faults, case: tuple[str, list[Json], Json]) -> Json:
    model, behaviours, options = case
    faults.reset()
    faults.on("first" if model == "pair" else model, *behaviours)
    events: list[Event] = []
    with home.sync(on_event=events.append) as client:
        came, error = said(client, model, options)
    asked = [(request["path"], request["body"]) for request in faults.requests()]
    return {"came": came, "error": error, "events": happened(events), "asked": asked}


@pytest.mark.parametrize("name", CASES)
def test_both_homes_give_the_same(hasty: list[Home], faults: Faults, name: str) -> None:
    distant, near = (outcome(home, faults, CASES[name]) for home in hasty)
    assert distant["came"] or distant["error"]
    assert near == distant


def test_both_homes_leave_alone_what_has_failed(hasty: list[Home], faults: Faults) -> None:
    outcomes = []
    for home in hasty:
        faults.reset()
        faults.on("m", refuses(500))
        with home.sync(on_event=(events := []).append) as client:
            errors = [said(client, "m", {})[1] for _ in range(3)]
            state = [row["state"] for row in client.health().values()]
        # How long it is left alone is drawn by lot.
        assert int(errors[-1]["headers"]["retry-after"]) > 0
        told = [event | {"retry_after_ms": None} for event in happened(events)]
        errors = [(error["class"], error["status_code"], error["code"]) for error in errors]
        outcomes.append((errors, told, state, len(faults.requests())))
    assert outcomes[0][0][-1] == (llm_proxy.AllEndpointsDownError, 503, "all_endpoints_down")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("model", ["m", "pair"])
def test_both_homes_know_the_same(hasty: list[Home], faults: Faults, model: str) -> None:
    faults.on(model, says(pieces=PIECES))
    known = []
    for home in hasty:
        with home.sync() as client:
            vectors = client.embeddings.create(model=model, input=["a", "b"])
            models = client.models.list()
            known.append((vectors, models, list(client.health())))
    assert known[0] == known[1]
