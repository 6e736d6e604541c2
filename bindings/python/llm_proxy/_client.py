"""`LlmProxy`: the client that waits."""

from __future__ import annotations

from . import _bodies, _resources
from ._base import Client
from ._options import NOT_GIVEN

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from ._bodies import overload
else:
    from types import TracebackType
    from typing import Self, overload

    from ._core import Core
    from ._llm_proxy import EventStream
    from ._options import NotGiven
    from .types import DoctorReport, Health


class LlmProxy(Client):
    """A client that waits for its answers. Threads may share one.

    `LlmProxy(...)` asks a running service, `LlmProxy.embedded(...)` the same engine in this
    process. Nothing is connected before the first call. `close()`, the end of a `with`, or letting
    go of it closes it.

    Example:
        >>> client = LlmProxy(base_url="http://127.0.0.1:8002", internal_auth="the key")
        >>> answer = client.chat.completions.create(
        ...     model="gpt-4o", messages=[{"role": "user", "content": "Say hello!"}]
        ... )
        >>> print(answer.choices[0].message.content)
    """

    chat: _resources.Chat
    """`client.chat.completions.create(...)`"""
    embeddings: _resources.Embeddings
    """`client.embeddings.create(...)`"""
    models: _resources.Models
    """`client.models.list()`"""

    def _adopt(self, core: Core) -> None:
        super()._adopt(core)
        self.chat = _resources.Chat(core)
        self.embeddings = _resources.Embeddings(core)
        self.models = _resources.Models(core)

    def health(self, *, timeout: float | NotGiven | None = NOT_GIVEN) -> Health:
        """How each configured endpoint is doing, by its name; none is asked for it.

        Example:
            >>> {name: endpoint.state for name, endpoint in client.health().items()}
        """
        call = self._core.call("health", "GET", _bodies.HEALTH, timeout=timeout)
        health: Health = call.result()
        return health

    def events(self) -> EventStream:
        """What happens to everybody's requests from now on: an iterator that ends when it is
        closed.

        Example:
            >>> with client.events() as events:
            ...     for event in events:
            ...         print(event)
        """
        # Nothing may happen for hours.
        call = self._core.call("events", "GET", _bodies.EVENTS, timeout=None)
        events: EventStream = call.result()
        return events

    @overload
    def doctor(self, endpoint: str, *, spend: bool = False) -> DoctorReport: ...
    @overload
    def doctor(self, endpoint: None = None, *, spend: bool = False) -> list[DoctorReport]: ...
    def doctor(
        self, endpoint: str | None = None, *, spend: bool = False
    ) -> DoctorReport | list[DoctorReport]:
        """Examines an endpoint step by step, the way to it included, and says what to change.

        Args:
            endpoint: its name, as in `health()`; without one all are examined, one after the other.
            spend: whether to ask for a short answer and a stream too, which costs a few tokens.

        Returns:
            A `DoctorReport`, or a list of them.

        Raises:
            NotFoundError: there is no such endpoint.

        Example:
            >>> for step in client.doctor("eu").steps:
            ...     print(step)
        """
        if endpoint is None:
            rows = self.health().items()
            return [self.doctor(name, spend=spend) for name, row in rows if row.proxy is None]
        call = self._core.call("doctor", "GET", _bodies.doctor(endpoint, spend))
        report: DoctorReport = call.result()
        return report

    def close(self) -> None:
        """Closes every connection; calls in flight raise `ClientClosedError`. A second time it does
        nothing.

        Example:
            >>> client.close()
        """
        self._core.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
