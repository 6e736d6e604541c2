"""Repeats with an `Idempotency-Key`: the OpenAI SDK's, and those of a client that reads ids."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from clients import CHAT, HI, Backend, async_sdk, streamed, words_of
from servers import Server
from sse import DONE

REPLAY = "x-llm-proxy-idempotent-replay"


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def events(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """The id and the data of each event."""
    data = ""
    for line in lines:
        if line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif line.startswith("id: "):
            yield int(line.removeprefix("id: ")), data


def test_a_repeated_answer_is_the_first_one(client: openai.OpenAI, backend: Backend) -> None:
    create, key = client.chat.completions.with_raw_response.create, new_key()
    first = create(model=backend.model, messages=HI, extra_headers=key)
    repeat = create(model=backend.model, messages=HI, extra_headers=key)
    assert (REPLAY in first.headers, repeat.headers[REPLAY]) == (False, "true")
    assert repeat.headers["x-llm-proxy-original-request-id"] == first.headers["x-request-id"]
    assert repeat.parse() == first.parse()


def test_the_sdk_reads_a_stream_with_ids_like_any_other(
    client: openai.OpenAI, backend: Backend
) -> None:
    def ask(headers: dict[str, str]) -> list[str]:
        create = client.chat.completions.create
        stream = create(model=backend.model, messages=HI, stream=True, extra_headers=headers)
        return list(words_of(stream))

    key = new_key()
    assert ask({}) == ask(key) == ask(key)


async def test_two_at_once_are_one_request(mock_service: Server) -> None:
    async with async_sdk(f"{mock_service.url}/v1") as client:
        create, key = client.chat.completions.with_raw_response.create, new_key()
        asked: list[Any] = [
            create(model="mock-slow", messages=HI, extra_headers=key) for _ in range(2)
        ]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.headers.get(REPLAY, "") for answer in answers) == ["", "true"]
    assert answers[0].parse() == answers[1].parse()


def test_the_sdk_sends_no_key_of_its_own(mock_client: openai.OpenAI) -> None:
    create = mock_client.chat.completions.with_raw_response.create
    assert not any(REPLAY in create(model="m", messages=HI).headers for _ in range(2))


def test_a_key_of_another_request_raises_what_the_sdk_has_for_it(
    mock_client: openai.OpenAI,
) -> None:
    create, key = mock_client.chat.completions.create, new_key()
    create(model="m", messages=HI, extra_headers=key)
    with pytest.raises(openai.UnprocessableEntityError) as raised:
        create(model="another", messages=HI, extra_headers=key)
    error = raised.value
    assert (error.code, error.param) == ("idempotency_key_reused", "idempotency-key")


def test_a_stream_that_was_left_goes_on_behind_its_last_event(
    http: httpx.Client, backend: Backend
) -> None:
    headers, body = new_key(), streamed(backend.model)
    with http.stream("POST", CHAT, json=body, headers=headers) as answer:
        had = [event for event, _ in zip(events(answer.iter_lines()), range(2), strict=False)]
    headers["Last-Event-ID"] = str(had[-1][0])
    with http.stream("POST", CHAT, json=body, headers=headers) as answer:
        assert answer.headers[REPLAY] == "true"
        had.extend(events(answer.iter_lines()))
    assert [number for number, _ in had] == list(range(1, len(had) + 1))
    assert had[-1][1] == DONE
