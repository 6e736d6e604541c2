"""LiteLLM dies; the endpoints of its own configuration file stand behind it."""

import time

import ollama
import openai
import pytest

from clients import HI, read_until_it_breaks, sdk, words_of
from servers import Server, reserve_port
from stack import INTERNAL_KEY, LITELLM_CONFIG, Services, upstream_variables
from upstream import FIRST_WORDS, TEXT, WORDS, Upstream

QUICKLY_S = 1.0


@pytest.fixture
def killed_in_between(
    services: Services, second_doomed_litellm: Server, upstream: Upstream
) -> Server:
    """The service before a LiteLLM proxy that the test kills, with the same file for itself."""
    return services.before(
        second_doomed_litellm.url,
        "with_fallback",
        upstream_variables(upstream),
        CONFIG=str(LITELLM_CONFIG),
    )


def test_when_litellm_is_killed_the_same_client_goes_on(
    killed_in_between: Server, second_doomed_litellm: Server, upstream: Upstream
) -> None:
    with sdk(f"{killed_in_between.url}/v1") as client:
        create = client.chat.completions.with_raw_response.create
        before = create(model="scripted", messages=HI)
        assert before.headers["x-llm-proxy-endpoint"] == "litellm"

        stream = client.chat.completions.create(model="scripted-holds", messages=HI, stream=True)
        words = words_of(stream)
        assert [next(words) for _ in FIRST_WORDS] == FIRST_WORDS
        second_doomed_litellm.kill()
        # What was begun is never continued by somebody else.
        said, error = read_until_it_breaks(words)
        assert (said, type(error)) == ([], openai.APIError)
        upstream.release()

        started = time.monotonic()
        after = create(model="scripted", messages=HI)
        assert time.monotonic() - started < QUICKLY_S
        assert after.headers["x-llm-proxy-endpoint"] == "openai/scripted"
        assert after.headers["x-llm-proxy-attempts"] == "2"
        assert after.parse().choices[0].message.content == TEXT
        assert upstream.requests[-1] == upstream.requests[0]

        streamed = client.chat.completions.create(model="scripted", messages=HI, stream=True)
        assert list(words_of(streamed)) == WORDS
        vector = client.embeddings.create(model="scripted-embedding", input="a crab").data[0]
        assert vector.embedding
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="scripted-429", messages=HI)

    options = {"headers": {"authorization": f"Bearer {INTERNAL_KEY}"}}
    with ollama.Client(killed_in_between.url, trust_env=False, **options) as other:
        assert other.chat("scripted", HI).message.content == TEXT


def test_without_the_fallback_nobody_goes_on(services: Services, upstream: Upstream) -> None:
    server = services.before(
        f"http://127.0.0.1:{reserve_port()}",
        "without_fallback",
        upstream_variables(upstream),
        CONFIG=str(LITELLM_CONFIG),
        NATIVE_FALLBACK="false",
    )
    with sdk(f"{server.url}/v1") as client, pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="scripted", messages=HI)
    assert caught.value.code == "backend_unavailable"
    assert upstream.requests == []
