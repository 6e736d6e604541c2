"""What can go wrong, with the names of the OpenAI SDK. `LlmProxyError` is the base of everything.

The functions at the end make the errors that calls raise; the engine asks them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .types import CompletionUsage


class LlmProxyError(Exception):
    """The base of every error of this package.

    Example:
        >>> try:
        ...     client.models.list()
        ... except llm_proxy.LlmProxyError as error:
        ...     print(error)
    """

    message: str
    """What happened, in one sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(
    error_type: type[LlmProxyError], arguments: tuple[object, ...], state: dict[str, object]
) -> LlmProxyError:
    """A copy: constructors take keywords, which pickle's own way would not pass."""
    error = error_type.__new__(error_type, *arguments)
    error.args = arguments
    error.__dict__.update(state)
    return error


class ConfigurationError(LlmProxyError, ValueError):
    """An argument, a setting or the configuration file has a value that cannot be used. It is
    named."""


class ForkError(LlmProxyError):
    """A stream that was opened before `fork` was used in the child: its connection is the
    parent's."""


class ClientClosedError(LlmProxyError):
    """The client was closed, before the call or in the middle of it."""


class APIError(LlmProxyError):
    """A request failed: no answer came (`APIConnectionError`), it was an error (`APIStatusError`),
    or it broke off (`StreamInterruptedError`)."""

    body: object | None
    """The member `error` of the answer; the answer, where it has none; its text, where it is no
    JSON."""
    code: str | None
    """What went wrong, for programs: `model_not_found`, `all_endpoints_down`, …"""
    param: str | None
    """The member of the request that is wrong."""
    type: str | None
    """OpenAI's kind of error: `invalid_request_error`, `upstream_error`, …"""

    def __init__(self, message: str, *, body: object | None = None) -> None:
        super().__init__(message)
        self.body = body
        self.code = _text_in(body, "code")
        self.param = _text_in(body, "param")
        self.type = _text_in(body, "type")


class APIConnectionError(APIError):
    """The service could not be reached, or the connection broke before an answer came."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer came within `timeout`, or no chunk of a stream did. Also a `TimeoutError`."""


class APIStatusError(APIError):
    """The answer was an error. Its status decides the class.

    Example:
        >>> try:
        ...     client.chat.completions.create(model="gpt-4o", messages=messages)
        ... except llm_proxy.RateLimitError as error:
        ...     print(error.status_code, error.code, error.headers.get("retry-after"))
    """

    status_code: int
    headers: dict[str, str]
    """The answer's, with their names in small letters."""
    request_id: str | None
    """Under which the service's log has the request."""
    served_by: str | None
    """The endpoint that failed last; `None` where nobody was asked."""
    attempts: int
    """How many calls were made of endpoints."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        headers: Mapping[str, str] | None = None,
        body: object | None = None,
    ) -> None:
        super().__init__(message, body=body)
        self.status_code = status_code
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.request_id = self.headers.get("x-request-id")
        self.served_by = self.headers.get("x-llm-proxy-endpoint")
        attempts = self.headers.get("x-llm-proxy-attempts", "")
        self.attempts = int(attempts) if attempts.isdecimal() else 0

    def __str__(self) -> str:
        told = [f"status {self.status_code}"]
        if self.code:
            told.append(f"code {self.code}")
        if self.request_id:
            told.append(f"request {self.request_id}")
        return f"{self.message} ({', '.join(told)})"


class BadRequestError(APIStatusError):
    """400: the request is wrong; `param` names where."""


class AuthenticationError(APIStatusError):
    """401: `internal_auth` is not the service's key."""


class PermissionDeniedError(APIStatusError):
    """403: not allowed."""


class NotFoundError(APIStatusError):
    """404: there is no such model, endpoint or route."""


class ConflictError(APIStatusError):
    """409: the answer to that `idempotency-key` was not kept."""


class UnprocessableEntityError(APIStatusError):
    """422: understood, and refused."""


class RateLimitError(APIStatusError):
    """429: a limit of the provider was hit; `headers["retry-after"]` may say how long to wait."""


class InternalServerError(APIStatusError):
    """5xx: an endpoint, the way to it, or the service failed."""


class AllEndpointsDownError(InternalServerError):
    """503: every endpoint of the model has failed so often that it is left alone, so nobody was
    asked."""


class StreamInterruptedError(APIError):
    """A stream broke off after it had begun.

    Example:
        >>> try:
        ...     for chunk in stream:
        ...         show(chunk)
        ... except llm_proxy.StreamInterruptedError as error:
        ...     print("so far:", error.partial)
    """

    partial: str
    """The text of the first choice that had come."""
    usage: CompletionUsage | None
    """What it cost, if that was told before the break."""

    def __init__(
        self,
        message: str,
        *,
        partial: str = "",
        usage: CompletionUsage | None = None,
        body: object | None = None,
    ) -> None:
        super().__init__(message, body=body)
        self.partial = partial
        self.usage = usage


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(status: int, headers: dict[str, str], body: bytes) -> APIStatusError:
    """The error for an answer with that status."""
    said = _said(body)
    if status >= 500:
        down = _text_in(said, "code") == "all_endpoints_down"
        error_type: type[APIStatusError] = AllEndpointsDownError if down else InternalServerError
    else:
        error_type = _BY_STATUS.get(status, APIStatusError)
    message = _text_in(said, "message") or f"the answer has status {status}"
    return error_type(message, status_code=status, headers=headers, body=said)


def interrupted(
    message: str, partial: str, usage: CompletionUsage | None, body: bytes | None
) -> StreamInterruptedError:
    """The error for a stream that broke off; `body` is its last event, if that was an error."""
    said = _said(body) if body else None
    return StreamInterruptedError(
        _text_in(said, "message") or message, partial=partial, usage=usage, body=said
    )


def connection_error(message: str) -> APIConnectionError:
    """No answer."""
    return APIConnectionError(message)


def timeout_error(message: str) -> APITimeoutError:
    """No answer in time."""
    return APITimeoutError(message)


def closed_error() -> ClientClosedError:
    """A call of a closed client."""
    return ClientClosedError("the client is closed")


def fork_error(message: str) -> ForkError:
    """A stream from before the fork."""
    return ForkError(message)


def configuration_error(message: str) -> ConfigurationError:
    """A configuration that the engine cannot use."""
    return ConfigurationError(message)


def _said(body: bytes) -> object:
    """What stands in `{"error": …}`; else the body as it is."""
    import json

    try:
        value = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    return value.get("error", value) if isinstance(value, dict) else value


def _text_in(body: object, name: str) -> str | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None
