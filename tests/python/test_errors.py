"""What the SDK raises, and what it can read from what it raises."""

import time
from typing import Any

import httpx
import openai
import pytest

from clients import HI, async_sdk, sdk
from servers import Server, reserve_port
from stack import INTERNAL_KEY, LITELLM_KEY, Services
from upstream import RETRY_AFTER_S, Upstream

QUICKLY_S = 1.0
SERVER_ERRORS = {502, 503, 504}


def error_of(client: openai.OpenAI, **request: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(messages=HI, **request)
    return caught.value


def assert_envelope(error: openai.APIStatusError) -> None:
    assert error.response.json()["error"].keys() >= {"message", "type", "param", "code"}
    assert error.request_id


# The caller's mistakes


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_a_client_error_that_names_it(
    litellm_client: openai.OpenAI, stream: bool
) -> None:
    error = error_of(litellm_client, model="no-such-model", stream=stream)
    assert isinstance(error, openai.BadRequestError | openai.NotFoundError)
    assert "no-such-model" in error.message
    assert_envelope(error)


def test_too_long_a_conversation_is_a_bad_request_that_says_so(
    litellm_client: openai.OpenAI,
) -> None:
    error = error_of(litellm_client, model="scripted-too-long")
    assert isinstance(error, openai.BadRequestError)
    assert "maximum context length" in error.message
    assert_envelope(error)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "messages", id="no messages"),
        pytest.param({"messages": []}, "messages", id="empty messages"),
        pytest.param({"messages": "hi"}, "messages", id="messages a string"),
        pytest.param({"messages": HI, "stream": "yes"}, "stream", id="stream a word"),
        pytest.param({"messages": HI, "temperature": "hot"}, "temperature", id="a hot temperature"),
        pytest.param({"messages": [{"role": "alien", "content": "x"}]}, "role", id="unknown role"),
        pytest.param({"messages": HI, "model": 5}, "model", id="model a number"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert field in f"{error['param']} {error['message']}"


@pytest.mark.parametrize("body", [b"{not json", b"[]", b'"text"', b"", b'{"messages":"\xff"}'])
def test_what_is_not_a_json_object_is_a_400(http: httpx.Client, body: bytes) -> None:
    answer = http.post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


# The provider's


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_of_the_provider_keeps_its_retry_after(
    litellm_client: openai.OpenAI, stream: bool
) -> None:
    # LiteLLM renames the provider's header to llm_provider-retry-after.
    error = error_of(litellm_client, model="scripted-429", stream=stream)
    assert isinstance(error, openai.RateLimitError)
    assert error.response.headers["retry-after"] == str(RETRY_AFTER_S)
    assert_envelope(error)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["scripted-500", "scripted-503"])
def test_a_failure_of_the_provider_is_an_internal_server_error(
    litellm_client: openai.OpenAI, model: str, stream: bool
) -> None:
    error = error_of(litellm_client, model=model, stream=stream)
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code in SERVER_ERRORS
    assert_envelope(error)


async def test_the_async_client_raises_the_same_classes(service: Server) -> None:
    async with async_sdk(f"{service.url}/v1") as client:
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model="scripted-429", messages=HI)
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="scripted-500", messages=HI)


def test_a_key_that_the_provider_refuses_is_not_the_callers_fault(
    litellm_client: openai.OpenAI, upstream: Upstream
) -> None:
    error = error_of(litellm_client, model="scripted-401")
    assert error.status_code == 502
    assert upstream.requests, "the provider was asked"
    assert upstream.key not in error.response.text


# LiteLLM's


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key_for_litellm_is_502(services: Services, litellm: Server, stream: bool) -> None:
    # Without a database LiteLLM answers 400 "No connected db." to a key that it does not know.
    server = services.before(litellm.url, "wrong_key", LITELLM_API_KEY="sk-wrong-and-secret")
    with sdk(f"{server.url}/v1") as client:
        error = error_of(client, model="scripted", stream=stream)
    assert error.status_code == 502
    assert_envelope(error)
    for secret in ("sk-wrong-and-secret", LITELLM_KEY, INTERNAL_KEY):
        assert secret not in error.response.text


def test_without_litellm_a_request_fails_within_a_second(services: Services) -> None:
    server = services.before(f"http://127.0.0.1:{reserve_port()}", "no_litellm")
    with sdk(f"{server.url}/v1") as client:
        for stream in (False, True):
            started = time.monotonic()
            error = error_of(client, model="scripted", stream=stream)
            assert time.monotonic() - started < QUICKLY_S
            assert error.status_code == 503
            assert error.code == "backend_unavailable"
            assert_envelope(error)


def test_without_litellm_the_service_lives_but_is_not_ready(services: Services) -> None:
    server = services.before(f"http://127.0.0.1:{reserve_port()}", "no_litellm")
    statuses = {
        path: httpx.get(server.url + path, timeout=5, trust_env=False).status_code
        for path in ("/health", "/health/live", "/health/ready")
    }
    assert statuses == {"/health": 200, "/health/live": 200, "/health/ready": 503}


def test_with_litellm_the_service_is_ready(service: Server) -> None:
    assert httpx.get(f"{service.url}/health/ready", timeout=5, trust_env=False).status_code == 200


# Ours


def test_a_service_that_is_gone_is_a_connection_error(services: Services) -> None:
    server = services.start("stopped", LLM_MODE="mock")
    server.stop()
    with sdk(f"{server.url}/v1") as client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=HI)


def test_the_service_exits_with_0_when_asked_to_stop(services: Services) -> None:
    server = services.start("asked_to_stop", LLM_MODE="mock")
    server.terminate()
    assert server.process.wait(5) == 0
