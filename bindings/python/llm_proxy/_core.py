"""What a client and its resources share: the way to the engine, and how calls are made."""

from __future__ import annotations

from . import _options
from ._options import NOT_GIVEN, NotGiven

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._llm_proxy import Call, Transport
    from .events import Event


class Core:
    """Resources hold this and not the client, so that a client is freed with its last reference."""

    __slots__ = ("embedded", "headers", "max_retries", "on_event", "timeout", "transport")

    def __init__(
        self,
        transport: Transport,
        *,
        embedded: bool,
        timeout: float | None,
        max_retries: int,
        headers: dict[str, str] | None,
        on_event: Callable[[Event], object] | None,
    ) -> None:
        self.transport = transport
        self.embedded = embedded
        self.timeout = timeout
        self.max_retries = max_retries
        self.headers = headers
        self.on_event = on_event

    def call(
        self,
        kind: str,
        method: str,
        path: str,
        body: object | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Call:
        """Starts a call; `extra_headers` replace the client's of the same name."""
        headers = self.headers
        if extra_headers:
            headers = self.with_headers("extra_headers", extra_headers)
        seconds = self.timeout if isinstance(timeout, NotGiven) else _options.timeout(timeout)
        return self.transport.call(
            kind, method, path, body, headers, seconds, self.max_retries, self.on_event
        )

    def with_headers(self, argument: str, more: Mapping[str, str] | None) -> dict[str, str] | None:
        """The headers of calls, and more."""
        return {**(self.headers or {}), **(_options.headers(argument, more) or {})} or None
