"""Who is let in. The mock stands for both modes, except where LiteLLM matters."""

from collections.abc import Sequence

import httpx
import openai
import pytest

from clients import HI, plain_http, sdk
from servers import Server
from stack import INTERNAL_KEY, LITELLM_KEY

BEARER = ("authorization", f"Bearer {INTERNAL_KEY}")
INTERNAL = ("x-internal-auth", INTERNAL_KEY)
Headers = Sequence[tuple[str, str]]


def ask(server: Server, headers: Headers, path: str = "/v1/models") -> httpx.Response:
    with httpx.Client(timeout=10, trust_env=False, follow_redirects=True) as client:
        return client.get(server.url + path, headers=list(headers))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([BEARER], id="a bearer token"),
        pytest.param([INTERNAL], id="x-internal-auth"),
        pytest.param([BEARER, INTERNAL], id="both with the same key"),
        pytest.param([("Authorization", f"bearer {INTERNAL_KEY}")], id="a lower-case scheme"),
    ],
)
def test_the_key_opens(mock_service: Server, headers: Headers) -> None:
    assert ask(mock_service, headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="nothing"),
        pytest.param([("authorization", "Bearer wrong")], id="a wrong bearer token"),
        pytest.param([("x-internal-auth", "wrong")], id="a wrong x-internal-auth"),
        pytest.param([("x-internal-auth", "")], id="an empty key"),
        pytest.param([("x-internal-auth", INTERNAL_KEY[:-1])], id="a key cut short"),
        pytest.param([("x-internal-auth", INTERNAL_KEY + "x")], id="a key and more"),
        pytest.param([("authorization", f"Basic {INTERNAL_KEY}")], id="another scheme"),
        pytest.param([("authorization", f"Bearer {LITELLM_KEY}")], id="the key of LiteLLM"),
    ],
)
def test_anything_else_is_401_in_the_envelope(mock_service: Server, headers: Headers) -> None:
    answer = ask(mock_service, headers)
    assert answer.status_code == 401
    assert answer.json()["error"].keys() >= {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([BEARER, ("x-internal-auth", "other")], id="two different keys"),
        pytest.param([("authorization", "Bearer other"), INTERNAL], id="and the other way round"),
        pytest.param([INTERNAL, INTERNAL], id="x-internal-auth twice"),
        pytest.param([BEARER, BEARER], id="authorization twice"),
    ],
)
def test_contradictory_credentials_are_400(mock_service: Server, headers: Headers) -> None:
    answer = ask(mock_service, headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/health", "/health/live", "/openapi.json", "/docs"])
def test_open_routes_need_no_key(mock_service: Server, path: str) -> None:
    assert ask(mock_service, [], path).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/v1/llm/models", "/no/such/path"])
def test_every_other_route_is_closed_first(mock_service: Server, path: str) -> None:
    assert ask(mock_service, [], path).status_code == 401


def test_an_unknown_path_is_404_in_the_envelope_with_the_key(mock_service: Server) -> None:
    answer = ask(mock_service, [INTERNAL], "/no/such/path")
    assert answer.status_code == 404
    assert answer.json()["error"].keys() >= {"message", "type", "param", "code"}


def test_the_sdk_raises_an_authentication_error_for_a_wrong_key(service: Server) -> None:
    with (
        sdk(f"{service.url}/v1", api_key="wrong") as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model="scripted", messages=HI)
    assert caught.value.status_code == 401
    assert caught.value.request_id


def test_a_wrong_key_is_refused_before_a_stream_begins(service: Server) -> None:
    with (
        sdk(f"{service.url}/v1", api_key="wrong") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model="scripted", messages=HI, stream=True)


def test_x_internal_auth_alone_is_enough_before_litellm(service: Server) -> None:
    with plain_http(service.url, {"x-internal-auth": INTERNAL_KEY}) as client:
        answer = client.post("/v1/chat/completions", json={"model": "scripted", "messages": HI})
    assert answer.status_code == 200


def test_credentials_for_litellm_in_the_callers_headers_do_not_reach_it(service: Server) -> None:
    # LiteLLM prefers this header to Authorization, so it would refuse the request.
    headers = {"x-internal-auth": INTERNAL_KEY, "x-litellm-api-key": "sk-not-the-right-one"}
    with plain_http(service.url, headers) as client:
        answer = client.post("/v1/chat/completions", json={"model": "scripted", "messages": HI})
    assert answer.status_code == 200
