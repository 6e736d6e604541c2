"""The mock: what it promises beyond the tests that run in both modes."""

import itertools
import json
import time
from typing import Any

import httpx
import openai
import pytest

from clients import CHAT, HI, read_until_it_breaks, sdk, streamed, words_of
from servers import Server
from sse import DONE, post


def say(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_the_same_request_gets_the_same_answer(mock_http: httpx.Client) -> None:
    bodies = [
        mock_http.post(CHAT, json={"model": "m", "messages": say("tell me")}).json()
        for _ in range(2)
    ]
    assert bodies[0]["choices"] == bodies[1]["choices"]
    assert bodies[0]["usage"] == bodies[1]["usage"]


def test_different_requests_get_different_answers(mock_client: openai.OpenAI) -> None:
    create = mock_client.chat.completions.create
    answers = [create(model="m", messages=say(text)) for text in ("one thing", "another thing")]
    assert len({answer.choices[0].message.content for answer in answers}) == 2


def test_longer_requests_count_more_tokens(mock_client: openai.OpenAI) -> None:
    create = mock_client.chat.completions.create
    usages = [create(model="m", messages=say("word " * count)).usage for count in (5, 500)]
    assert usages[0] is not None
    assert usages[1] is not None
    assert usages[0].prompt_tokens < usages[1].prompt_tokens


def test_any_model_name_is_served_under_its_name(mock_client: openai.OpenAI) -> None:
    for name in ("gpt-4o", "vendor/model:tag@2024", "modèle"):
        assert mock_client.chat.completions.create(model=name, messages=HI).model == name


@pytest.mark.parametrize("stream", [False, True])
def test_mock_error_429_is_a_rate_limit_error(mock_client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        mock_client.chat.completions.create(model="mock-error-429", messages=HI, stream=stream)
    assert caught.value.response.headers["retry-after"] == "1"
    assert caught.value.response.json()["error"].keys() >= {"message", "type", "param", "code"}


@pytest.mark.parametrize("stream", [False, True])
def test_mock_error_500_is_an_internal_server_error(
    mock_client: openai.OpenAI, stream: bool
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        mock_client.chat.completions.create(model="mock-error-500", messages=HI, stream=stream)
    assert caught.value.response.json()["error"].keys() >= {"message", "type", "param", "code"}


def test_an_application_that_retries_by_itself_sees_the_error_in_the_end(
    mock_service: Server,
) -> None:
    with (
        sdk(f"{mock_service.url}/v1", max_retries=1) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="mock-error-500", messages=HI)


def test_mock_truncate_raises_while_iterating(mock_client: openai.OpenAI) -> None:
    stream = mock_client.chat.completions.create(model="mock-truncate", messages=HI, stream=True)
    said, error = read_until_it_breaks(words_of(stream))
    assert said, "some of the answer came first"
    assert type(error) is openai.APIError, "which is what an error event in the stream becomes"


def test_mock_truncate_is_never_done(mock_http: httpx.Client) -> None:
    _, data = post(mock_http, CHAT, streamed("mock-truncate"))
    assert DONE not in data
    assert json.loads(data[-1])["error"]["message"]


def test_mock_slow_says_the_same_as_any_model_and_takes_its_time(
    mock_client: openai.OpenAI,
) -> None:
    def timed(model: str) -> tuple[str, list[float]]:
        stream = mock_client.chat.completions.create(model=model, messages=HI, stream=True)
        words = [(word, time.monotonic()) for word in words_of(stream)]
        gaps = [after - before for (_, before), (_, after) in itertools.pairwise(words)]
        return "".join(word for word, _ in words), gaps

    (slow, slow_gaps), (usual, usual_gaps) = timed("mock-slow"), timed("any")
    assert slow == usual
    assert min(slow_gaps) > 2 * max(*usual_gaps, 0.01), "its words come one by one"


def test_a_stalled_mock_is_cut_off_by_the_clients_own_timeout(mock_service: Server) -> None:
    # The SDK wraps a timeout before the first byte, and lets it through as it is after that.
    with (
        sdk(f"{mock_service.url}/v1", timeout=0.5) as client,
        pytest.raises((openai.APITimeoutError, httpx.ReadTimeout)),
    ):
        list(client.chat.completions.create(model="mock-stall", messages=HI, stream=True))
