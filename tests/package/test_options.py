"""Arguments and variables: what they are without being given, and what is said of wrong ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_proxy import NOT_GIVEN, AsyncLlmProxy, ConfigurationError, LlmProxy, serve_local

CLIENT = LlmProxy(base_url="http://127.0.0.1:1")

WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: LlmProxy(timeout=0), ConfigurationError, "timeout"),
    (lambda: LlmProxy(timeout=float("nan")), ConfigurationError, "timeout"),
    (lambda: LlmProxy(timeout="5"), TypeError, "timeout"),  # type: ignore[arg-type]
    (lambda: LlmProxy(max_retries=-1), ConfigurationError, "max_retries"),
    (lambda: LlmProxy(max_retries=True), TypeError, "max_retries"),
    (lambda: LlmProxy(base_url="llm.example"), ConfigurationError, "base_url"),
    (lambda: LlmProxy(base_url="ftp://llm.example"), ConfigurationError, "base_url"),
    (lambda: LlmProxy(base_url="http://[::1"), ConfigurationError, "base_url"),
    (lambda: LlmProxy(base_url="http://h:99999"), ConfigurationError, "base_url"),
    (lambda: LlmProxy(base_url="http://u:p@127.0.0.1"), ConfigurationError, "base_url"),
    (lambda: LlmProxy(default_headers={"a b": "c"}), ConfigurationError, "default_headers"),
    (lambda: LlmProxy(default_headers={"a": "b\r\nc: d"}), ConfigurationError, "default_headers"),
    (lambda: LlmProxy(default_headers={"a": 1}), TypeError, "default_headers"),  # type: ignore[dict-item]
    (lambda: LlmProxy(default_headers=[("a", "b")]), TypeError, "default_headers"),  # type: ignore[arg-type]
    (lambda: LlmProxy(on_event=3), TypeError, "on_event"),  # type: ignore[arg-type]
    (lambda: LlmProxy(internal_auth=3), TypeError, "internal_auth"),  # type: ignore[arg-type]
    (lambda: LlmProxy.embedded(3), TypeError, "config"),  # type: ignore[arg-type]
    (lambda: LlmProxy.embedded({"a": object()}), TypeError, "config"),
    (lambda: LlmProxy.embedded("/no/such.yaml"), ConfigurationError, "/no/such.yaml"),
    (lambda: LlmProxy.embedded({}, settings={"LLM_PROXY__A": 1}), ConfigurationError, "settings"),
    (lambda: LlmProxy.embedded({}, settings={"A": [1]}), TypeError, r"settings\['A'\]"),
    (
        lambda: LlmProxy.embedded({}, settings={"RETRY_ATTEMPTS": 1}, max_retries=1),
        ConfigurationError,
        "RETRY_ATTEMPTS",
    ),
    (
        lambda: LlmProxy.embedded({"model_list": []}, settings={"RETRY_ATTEMPTS": "many"}),
        ConfigurationError,
        "RETRY_ATTEMPTS",
    ),
    (lambda: serve_local("/no/such.yaml"), ConfigurationError, "/no/such.yaml"),
    (lambda: CLIENT.with_options(timeout=-1), ConfigurationError, "timeout"),
    (lambda: CLIENT.models.list(timeout=-1), ConfigurationError, "timeout"),
    (lambda: CLIENT.models.list(extra_headers={"": "a"}), ConfigurationError, "extra_headers"),
    (
        lambda: CLIENT.chat.completions.create(model="m", messages="hi"),  # type: ignore[arg-type]
        TypeError,
        "messages",
    ),
    (
        lambda: CLIENT.chat.completions.create(model="m", messages=[], extra_body=[1]),  # type: ignore[call-overload]
        TypeError,
        "extra_body",
    ),
]


@pytest.mark.parametrize(("call", "expected", "named"), WRONG)
def test_what_is_wrong_is_named(
    call: Callable[[], object], expected: type[Exception], named: str
) -> None:
    with pytest.raises(expected, match=named):
        call()


def test_what_the_environment_tells_a_service_stops_no_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLM_PROXY__HOST", "0.0.0.0")
    monkeypatch.setenv("LLM_PROXY__RETRY_ATTEMPTS", "many")
    assert "127.0.0.1" in repr(LlmProxy())


def test_a_wrong_variable_of_the_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PROXY__CONNECT_TIMEOUT_S", "soon")
    with pytest.raises(ConfigurationError, match="LLM_PROXY__CONNECT_TIMEOUT_S"):
        LlmProxy()


def test_without_arguments_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(LlmProxy()) == "LlmProxy(base_url='http://127.0.0.1:8002')"
    monkeypatch.setenv("LLM_PROXY__BASE_URL", "https://llm.example/v1")
    monkeypatch.setenv("LLM_PROXY__INTERNAL_API_KEY", "a-key")
    assert repr(AsyncLlmProxy()) == "AsyncLlmProxy(base_url='https://llm.example')"


@pytest.mark.parametrize("url", ["http://llm.example", "http://10.0.0.1:8002"])
def test_elsewhere_than_on_loopback_a_key_is_needed(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"internal_auth.*LLM_PROXY__INTERNAL_API_KEY"):
        LlmProxy(base_url=url)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.8.8.8", "http://[::1]:8002"])
def test_on_loopback_the_default_key_is_taken(url: str) -> None:
    assert url in repr(LlmProxy(base_url=url))


def test_the_retries_of_an_engine_are_fixed() -> None:
    client = LlmProxy.embedded({"model_list": []}, settings={"LLM_MODE": "mock"}, max_retries=0)
    with pytest.raises(ConfigurationError, match="max_retries"):
        client.with_options(max_retries=3)


def test_a_file_can_be_named_by_a_path(tmp_path: Path) -> None:
    config = tmp_path / "llm.yaml"
    config.write_text(
        "model_list:\n- {model_name: m, litellm_params: {model: openai/m, mock_response: Hi.}}\n"
    )
    for name in (config, str(config)):
        with LlmProxy.embedded(name) as client:
            assert [model.id for model in client.models.list().data] == ["m"]


def test_an_argument_that_is_not_given_is_no_argument() -> None:
    assert not NOT_GIVEN
    assert repr(NOT_GIVEN) == "NOT_GIVEN"


def test_a_key_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(**arguments: Any) -> str:
        with pytest.raises(ConfigurationError) as caught:
            LlmProxy(**arguments)
        return str(caught.value)

    assert "hidden" not in shown(base_url="http://user:hidden@127.0.0.1")
    assert "hidden" not in shown(default_headers={"authorization": "hidden\n"})
    assert capsys.readouterr().out == ""
