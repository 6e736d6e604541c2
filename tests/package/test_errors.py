"""The exceptions, without any call: their classes, what they know, that they can be pickled."""

import copy
import json
import pickle

import pytest

import llm_proxy
from llm_proxy import _exceptions
from llm_proxy.types import CompletionUsage

HEADERS = {
    "X-Request-Id": "r-1",
    "x-llm-proxy-endpoint": "eu",
    "x-llm-proxy-attempts": "2",
    "retry-after": "7",
}
ENVELOPE = {"message": "No.", "type": "upstream_error", "param": "model", "code": "not_today"}
BY_STATUS = {
    400: llm_proxy.BadRequestError,
    401: llm_proxy.AuthenticationError,
    403: llm_proxy.PermissionDeniedError,
    404: llm_proxy.NotFoundError,
    405: llm_proxy.APIStatusError,
    409: llm_proxy.ConflictError,
    413: llm_proxy.APIStatusError,
    422: llm_proxy.UnprocessableEntityError,
    429: llm_proxy.RateLimitError,
    500: llm_proxy.InternalServerError,
    502: llm_proxy.InternalServerError,
    503: llm_proxy.InternalServerError,
    504: llm_proxy.InternalServerError,
}


def status_error(status: int, **envelope: object) -> llm_proxy.APIStatusError:
    body = json.dumps({"error": ENVELOPE | envelope}).encode()
    return _exceptions.status_error(status, HEADERS, body)


ERRORS = [
    status_error(429),
    status_error(503, code="all_endpoints_down"),
    _exceptions.connection_error("refused"),
    _exceptions.timeout_error("too slow"),
    _exceptions.interrupted("cut", "Hel", CompletionUsage.from_dict({"total_tokens": 3}), None),
    _exceptions.closed_error(),
    _exceptions.fork_error("another process"),
    _exceptions.configuration_error("no such file"),
]


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_the_status_decides_the_class(
    status: int, expected: type[llm_proxy.APIStatusError]
) -> None:
    error = status_error(status)
    assert type(error) is expected
    assert error.status_code == status


def test_an_error_knows_what_the_answer_said() -> None:
    error = status_error(429)
    assert (error.message, error.code, error.param, error.type) == (
        "No.",
        "not_today",
        "model",
        "upstream_error",
    )
    assert (error.request_id, error.served_by, error.attempts) == ("r-1", "eu", 2)
    assert error.headers["retry-after"] == "7"
    assert error.body == ENVELOPE


def test_an_error_is_told_with_its_status_code_and_request() -> None:
    assert str(status_error(429)) == "No. (status 429, code not_today, request r-1)"


def test_all_endpoints_down_has_a_class_of_its_own() -> None:
    error = status_error(503, code="all_endpoints_down")
    assert type(error) is llm_proxy.AllEndpointsDownError
    assert isinstance(error, llm_proxy.InternalServerError)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", ""),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b"\xff", "\ufffd"),
        (b"[1]", [1]),
        (b'{"detail": "no"}', {"detail": "no"}),
        (b'{"error": "no"}', "no"),
    ],
)
def test_an_answer_that_is_no_envelope_is_kept_as_it_came(body: bytes, kept: object) -> None:
    error = _exceptions.status_error(502, {}, body)
    assert error.body == kept
    assert error.message == "the answer has status 502"
    assert (error.code, error.request_id, error.served_by, error.attempts) == (None, None, None, 0)


def test_an_interrupted_stream_knows_what_had_come() -> None:
    usage = CompletionUsage.from_dict({"total_tokens": 3})
    body = json.dumps({"error": ENVELOPE}).encode()
    error = _exceptions.interrupted("cut", "Hel", usage, body)
    assert (error.partial, error.usage, error.message, error.code) == (
        "Hel",
        usage,
        "No.",
        "not_today",
    )


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_base_catches_every_error(error: Exception) -> None:
    assert isinstance(error, llm_proxy.LlmProxyError)


@pytest.mark.parametrize(
    ("error_type", "builtin"),
    [(llm_proxy.APITimeoutError, TimeoutError), (llm_proxy.ConfigurationError, ValueError)],
)
def test_an_error_is_also_the_builtin_one(
    error_type: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error_type, builtin)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_can_be_copied_and_pickled(error: Exception, again: type) -> None:
    other = again(error)
    assert type(other) is type(error)
    assert other.args == error.args
    assert vars(other) == vars(error)
    assert str(other) == str(error)


def test_an_error_of_ones_own_can_be_made_for_a_test() -> None:
    error = llm_proxy.RateLimitError("slow down", status_code=429, headers={"Retry-After": "1"})
    assert error.headers == {"retry-after": "1"}


def test_errors_are_named_by_the_public_module() -> None:
    names = [name for name in llm_proxy.__all__ if name.endswith("Error")]
    assert len(names) > 10
    assert {getattr(llm_proxy, name).__module__ for name in names} == {"llm_proxy"}
