"""`AsyncLlmProxy`: the twin of `LlmProxy`."""

from __future__ import annotations

from . import _async_resources, _bodies
from ._base import Client
from ._options import NOT_GIVEN

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from ._bodies import overload
else:
    from types import TracebackType
    from typing import Self, overload

    from ._core import Core
    from ._llm_proxy import AsyncEventStream
    from ._options import NotGiven
    from .types import DoctorReport, Health


class AsyncLlmProxy(Client):
    """The twin of `LlmProxy` for asyncio and uvloop. It belongs to no event loop: several may use
    it.

    Example:
        >>> async with AsyncLlmProxy(base_url="http://127.0.0.1:8002") as client:
        ...     answer = await client.chat.completions.create(
        ...         model="gpt-4o", messages=[{"role": "user", "content": "Say hello!"}]
        ...     )
        ...     print(answer.choices[0].message.content)
    """

    chat: _async_resources.AsyncChat
    """`await client.chat.completions.create(...)`"""
    embeddings: _async_resources.AsyncEmbeddings
    """`await client.embeddings.create(...)`"""
    models: _async_resources.AsyncModels
    """`await client.models.list()`"""

    def _adopt(self, core: Core) -> None:
        super()._adopt(core)
        self.chat = _async_resources.AsyncChat(core)
        self.embeddings = _async_resources.AsyncEmbeddings(core)
        self.models = _async_resources.AsyncModels(core)

    async def health(self, *, timeout: float | NotGiven | None = NOT_GIVEN) -> Health:
        """How each configured endpoint is doing, by its name; none is asked for it.

        Example:
            >>> {name: endpoint.state for name, endpoint in (await client.health()).items()}
        """
        health: Health = await self._core.call("health", "GET", _bodies.HEALTH, timeout=timeout)
        return health

    async def events(self) -> AsyncEventStream:
        """What happens to everybody's requests from now on: an iterator that ends when it is
        closed.

        Example:
            >>> async with await client.events() as events:
            ...     async for event in events:
            ...         print(event)
        """
        # Nothing may happen for hours.
        call = self._core.call("async_events", "GET", _bodies.EVENTS, timeout=None)
        events: AsyncEventStream = await call
        return events

    @overload
    async def doctor(self, endpoint: str, *, spend: bool = False) -> DoctorReport: ...
    @overload
    async def doctor(self, endpoint: None = None, *, spend: bool = False) -> list[DoctorReport]: ...
    async def doctor(
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
            >>> for step in (await client.doctor("eu")).steps:
            ...     print(step)
        """
        if endpoint is None:
            rows = (await self.health()).items()
            return [await self.doctor(name, spend=spend) for name, row in rows if row.proxy is None]
        call = self._core.call("doctor", "GET", _bodies.doctor(endpoint, spend))
        report: DoctorReport = await call
        return report

    async def aclose(self) -> None:
        """Closes every connection; calls in flight raise `ClientClosedError`. A second time it does
        nothing.

        Example:
            >>> await client.aclose()
        """
        self._core.transport.close()

    async def close(self) -> None:
        """The same as `aclose()`, under the name that the OpenAI SDK has for it.

        Example:
            >>> await client.close()
        """
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
