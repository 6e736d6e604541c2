"""`LlmProxy` and `AsyncLlmProxy`: the service's client, or the same engine in this process."""

from __future__ import annotations

import os

from . import _async_resources, _bodies, _options, _process, _resources
from ._configuration import Configuration
from ._core import Core
from ._exceptions import ConfigurationError
from ._llm_proxy import Transport
from ._options import NOT_GIVEN, NotGiven

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from ._bodies import overload
else:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self, overload

    from ._llm_proxy import AsyncEventStream, EventStream
    from .events import Event
    from .types import DoctorReport, Health

_PREFIX = "LLM_PROXY__"
_DEFAULT_URL = "http://127.0.0.1:8002"
# The service's own default, which it takes on loopback only.
_DEFAULT_KEY = "change-me-internal-key"
_TIMEOUT_S = 600.0
_MAX_RETRIES = 2


class _Client:
    """What the two clients have in common."""

    _core: Core

    def __init__(
        self,
        *,
        base_url: str | None = None,
        internal_auth: str | None = None,
        timeout: float | None = _TIMEOUT_S,
        max_retries: int = _MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        """A client of a running service.

        Args:
            base_url: where it is; `LLM_PROXY__BASE_URL`, else `http://127.0.0.1:8002`.
            internal_auth: its key; `LLM_PROXY__INTERNAL_API_KEY`, else on loopback the service's
                default. timeout: seconds for a whole answer; of a stream until it begins, and then
                between two
                chunks. `None` is no limit.
            max_retries: how often a call is made again when the service cannot be reached or says
                that
                it is stopping or overloaded.
            default_headers: sent with every call.
            on_event: called with a `RetryEvent`, `FailoverEvent`, … while a call waits, by the
                thread
                (or on the event loop) that waits.

        Raises:
            ConfigurationError: an argument or variable cannot be used, or there is no key.
        """
        url = _options.base_url(base_url or os.environ.get(f"{_PREFIX}BASE_URL") or _DEFAULT_URL)
        transport = Transport.service(url, _key(internal_auth, url), {}, _settings_in_environment())
        self._adopt(
            Core(
                transport,
                embedded=False,
                timeout=_options.timeout(timeout),
                max_retries=_options.max_retries(max_retries),
                headers=_options.headers("default_headers", default_headers),
                on_event=_options.on_event(on_event),
            )
        )
        self._name = f"{type(self).__name__}(base_url={url!r})"

    @classmethod
    def embedded(
        cls,
        config: str | os.PathLike[str] | Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        timeout: float | None = _TIMEOUT_S,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Self:
        """The engine in this process, with no server: same routes, retries, failover and records.

        Args:
            config: the path of a `litellm_config.yaml` or `.ini`, or a dict of what would stand in
                the
                file. Without it `LLM_PROXY__CONFIG`'s file, else `litellm_config.yaml` if it is
                there.
            settings: the service's settings by their names without `LLM_PROXY__`, like
                `{"FAILOVER": "patient"}`; they win over the environment and `.env`. `LLM_MODE` is
                `native` unless set.
            timeout: as for a client of the service.
            max_retries: one less than `RETRY_ATTEMPTS`, the calls that an endpoint gets.
            default_headers: as for a client of the service.
            on_event: as for a client of the service.

        Raises:
            ConfigurationError: something in `config` or `settings` cannot be used; it is named.

        Example:
            >>> client = LlmProxy.embedded("litellm_config.yaml")
            >>> client = LlmProxy.embedded(
            ...     {
            ...         "model_list": [
            ...             {
            ...                 "model_name": "fast",
            ...                 "litellm_params": {
            ...                     "model": "openai/gpt-4o-mini",
            ...                     "api_key": "os.environ/OPENAI_API_KEY",
            ...                 },
            ...             }
            ...         ]
            ...     }
            ... )
        """
        client = cls.__new__(cls)
        configuration = Configuration(config)
        named = _with_attempts(_options.settings(settings), max_retries)
        client._adopt(
            Core(
                Transport.embedded(configuration.path, configuration.document, named),
                embedded=True,
                timeout=_options.timeout(timeout),
                max_retries=0,  # the engine makes its own
                headers=_options.headers("default_headers", default_headers),
                on_event=_options.on_event(on_event),
            )
        )
        client._name = f"{cls.__name__}.embedded({configuration.path or ''!r})"
        return client

    def _adopt(self, core: Core) -> None:
        _process.prepare()
        self._core = core

    def with_options(
        self,
        *,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str] | None = None,
        on_event: Callable[[Event], object] | NotGiven | None = NOT_GIVEN,
    ) -> Self:
        """A copy with other options over the same connections; closing either closes both.

        Args:
            timeout: instead of this client's.
            max_retries: instead of this client's. An embedded client's are its engine's: fixed.
            default_headers: beside this client's, over those of the same name.
            on_event: instead of this client's.

        Example:
            >>> quick = client.with_options(timeout=5, max_retries=0)
        """
        old = self._core
        if old.embedded and not isinstance(max_retries, NotGiven):
            raise ConfigurationError("max_retries of an embedded client is fixed when it is made")
        copy = type(self).__new__(type(self))
        copy._name = self._name
        copy._adopt(
            Core(
                old.transport,
                embedded=old.embedded,
                timeout=old.timeout if isinstance(timeout, NotGiven) else _options.timeout(timeout),
                max_retries=old.max_retries
                if isinstance(max_retries, NotGiven)
                else _options.max_retries(max_retries),
                headers=old.with_headers("default_headers", default_headers),
                on_event=old.on_event
                if isinstance(on_event, NotGiven)
                else _options.on_event(on_event),
            )
        )
        return copy

    def __repr__(self) -> str:
        return self._name


class LlmProxy(_Client):
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


class AsyncLlmProxy(_Client):
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _key(given: str | None, url: str) -> str:
    if given is not None and not isinstance(given, str):
        raise TypeError(f"internal_auth must be a str, not {type(given).__name__}")
    if key := given or os.environ.get(f"{_PREFIX}INTERNAL_API_KEY"):
        return key
    if not _options.is_loopback(url):
        raise ConfigurationError(
            f"internal_auth is needed for {url}, or the variable {_PREFIX}INTERNAL_API_KEY: "
            "the service's default key is good on loopback only"
        )
    return _DEFAULT_KEY


def _settings_in_environment() -> dict[str, str]:
    """The same variables as the service's: proxies, certificates, timeouts."""
    named = (
        (name.removeprefix(_PREFIX), value)
        for name, value in os.environ.items()
        if name.startswith(_PREFIX)
    )
    return dict(named)


def _with_attempts(settings: dict[str, str], max_retries: int | NotGiven) -> dict[str, str]:
    if isinstance(max_retries, NotGiven):
        return settings
    if "RETRY_ATTEMPTS" in settings:
        raise ConfigurationError(
            "max_retries and settings['RETRY_ATTEMPTS'] are the same: give one"
        )
    return settings | {"RETRY_ATTEMPTS": str(_options.max_retries(max_retries) + 1)}
