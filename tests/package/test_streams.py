"""Streams that fail: whoever reads one is told, with what there was. None ends by itself."""

from typing import Any

import pytest

import llm_proxy
from conftest import Home
from faults import PIECES, ROLE_AND_TWO, TEXT, Faults, at, refuses, says
from llm_proxy import APIStatusError, StreamInterruptedError

HI = [{"role": "user", "content": "hi"}]
TWO_PIECES = "".join(PIECES[:2])

BEFORE = {
    "400": (refuses(400), llm_proxy.BadRequestError, 400),
    "401": (refuses(401), llm_proxy.InternalServerError, 502),
    "403": (refuses(403), llm_proxy.InternalServerError, 502),
    "404": (refuses(404), llm_proxy.NotFoundError, 404),
    "422": (refuses(422), llm_proxy.UnprocessableEntityError, 422),
    "429": (refuses(429), llm_proxy.RateLimitError, 429),
    "500": (refuses(500), llm_proxy.InternalServerError, 502),
    "503": (refuses(503), llm_proxy.InternalServerError, 503),
    "reset": (says({"at": "before_head", "do": "reset"}), llm_proxy.InternalServerError, 502),
    "head and reset": (says(at(0, "reset")), llm_proxy.InternalServerError, 502),
    "head and end": (says(at(0, "clean_end")), llm_proxy.InternalServerError, 502),
    "error event first": (
        says(at(0, {"error_event": {}}), at(0, "clean_end")),
        llm_proxy.InternalServerError,
        502,
    ),
}
BREAKS = {
    "reset": [at(ROLE_AND_TWO, "reset")],
    "closed": [at(ROLE_AND_TWO, "close")],
    "ends early": [at(ROLE_AND_TWO, "clean_end")],
    "error event": [at(ROLE_AND_TWO, {"error_event": {"message": "it broke"}})],
    "broken JSON": [at(ROLE_AND_TWO, {"garbage": "broken_json"})],
    "no UTF-8": [at(ROLE_AND_TWO, {"garbage": "invalid_utf8"})],
    "bad chunk size": [at(ROLE_AND_TWO, "bad_chunk_size")],
}


def begun(client: llm_proxy.LlmProxy, **options: Any) -> llm_proxy.Stream:
    stream: llm_proxy.Stream = client.chat.completions.create(
        model="m", messages=HI, stream=True, **options
    )
    return stream


@pytest.mark.parametrize("name", BEFORE)
def test_a_failure_before_the_first_piece_has_the_class_of_its_status(
    either: Home, faults: Faults, name: str
) -> None:
    behaviour, expected, status = BEFORE[name]
    faults.on("m", behaviour)
    with either.sync() as client, pytest.raises(APIStatusError) as caught:
        list(begun(client))
    assert (type(caught.value), caught.value.status_code) == (expected, status)
    assert caught.value.message
    assert caught.value.request_id


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_in_the_middle_tells_what_there_was(
    either: Home, faults: Faults, name: str
) -> None:
    faults.on("m", says(*BREAKS[name]))
    with either.sync() as client:
        stream, said = begun(client), ""
        caught = None
        try:
            for chunk in stream:
                said += "".join(choice.delta.content or "" for choice in chunk.choices)
        except StreamInterruptedError as error:
            caught = error
    assert caught is not None
    assert caught.partial == said == TWO_PIECES
    assert caught.message
    assert stream.closed
    assert list(stream) == []


async def test_the_async_twin_is_told_the_same(either: Home, faults: Faults) -> None:
    faults.on("m", says(at(ROLE_AND_TWO, "reset")))
    async with either.asynchronous() as client:
        stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
        with pytest.raises(StreamInterruptedError) as caught:
            async for _ in stream:
                pass
        assert caught.value.partial == TWO_PIECES
        assert [chunk async for chunk in stream] == []


def test_what_it_cost_is_told_where_it_is_known(either: Home, faults: Faults) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said = chunk | {"choices": [{"index": 0, "delta": {"content": "so far"}}], "usage": usage}
    behaviour = {"body": {"sse": {"events": [said]}}, "sse": {"done": False}}
    faults.on("m", behaviour)
    with either.sync() as client, pytest.raises(StreamInterruptedError) as caught:
        list(begun(client))
    assert caught.value.partial == "so far"
    assert caught.value.usage is not None
    assert caught.value.usage.to_dict() == usage


def test_a_complete_stream_ends_once_and_for_all(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    with either.sync() as client, begun(client) as stream:
        said = "".join(c.delta.content or "" for chunk in stream for c in chunk.choices)
        assert said == TEXT
        assert stream.closed
        with pytest.raises(StopIteration):
            next(stream)


def test_one_connection_serves_many_streams(distant: Home, near: Home, faults: Faults) -> None:
    faults.on("m", says())
    for home in (distant, near):
        faults.reset()
        faults.on("m", says())
        with home.sync() as client:
            for _ in range(5):
                list(begun(client))
        assert len({request["connection_id"] for request in faults.requests()}) == 1


def test_a_closed_stream_gives_nothing_more(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    with either.sync() as client:
        stream = begun(client)
        next(stream)
        stream.close()
        stream.close()
        assert list(stream) == []
