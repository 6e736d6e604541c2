"""What the two clients have in common: where the engine is, and how calls of it are made."""

from __future__ import annotations

import os

from . import _options, _process
from ._configuration import Configuration
from ._core import Core
from ._exceptions import ConfigurationError
from ._llm_proxy import Transport
from ._options import NOT_GIVEN, NotGiven

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self, TypeVar

    from .events import Event

    _T = TypeVar("_T")

_PREFIX = "LLM_PROXY__"
_DEFAULT_URL = "http://127.0.0.1:8002"
# The service's own default, which it takes on loopback only.
_DEFAULT_KEY = "change-me-internal-key"
_TIMEOUT_S = 600.0
_MAX_RETRIES = 2


class Client:
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
                default.
            timeout: seconds for a whole answer; of a stream until it begins, and then between two
                chunks. `None` is no limit.
            max_retries: how often a call is made again when the service cannot be reached or says
                that it is stopping or overloaded.
            default_headers: sent with every call.
            on_event: called with a `RetryEvent`, `FailoverEvent`, … while a call waits, by the
                thread (or on the event loop) that waits.

        Raises:
            ConfigurationError: an argument or variable cannot be used, or there is no key.
        """
        url = _options.base_url(base_url or os.environ.get(f"{_PREFIX}BASE_URL") or _DEFAULT_URL)
        transport = Transport.service(url, _key(internal_auth, url))
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
                the file. Without it `LLM_PROXY__CONFIG`'s file, else `litellm_config.yaml` if it
                is there.
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
                timeout=_options.timeout(_either(timeout, old.timeout)),
                max_retries=_options.max_retries(_either(max_retries, old.max_retries)),
                headers=old.with_headers("default_headers", default_headers),
                on_event=_options.on_event(_either(on_event, old.on_event)),
            )
        )
        return copy

    def __repr__(self) -> str:
        return self._name


def _either(given: _T | NotGiven, old: _T) -> _T:
    return old if isinstance(given, NotGiven) else given


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


def _with_attempts(settings: dict[str, str], max_retries: int | NotGiven) -> dict[str, str]:
    if isinstance(max_retries, NotGiven):
        return settings
    if "RETRY_ATTEMPTS" in settings:
        raise ConfigurationError(
            "max_retries and settings['RETRY_ATTEMPTS'] are the same: give one"
        )
    return settings | {"RETRY_ATTEMPTS": str(_options.max_retries(max_retries) + 1)}
