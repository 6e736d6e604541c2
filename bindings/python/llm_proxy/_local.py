"""The engine of this process, behind a URL on loopback."""

from __future__ import annotations

from . import _options, _process
from ._configuration import Configuration
from ._llm_proxy import LocalServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self


class LocalService:
    """A service inside this process; `serve_local` starts one. It stops at the end of a `with`, or
    by `close()`.

    Example:
        >>> with llm_proxy.serve_local("litellm_config.yaml") as local:
        ...     openai = OpenAI(base_url=local.base_url, api_key=local.api_key)
    """

    def __init__(self, server: LocalServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, where also `/docs` and `/metrics` are."""
        return self._server.url

    @property
    def base_url(self) -> str:
        """The same with `/v1`: what clients of OpenAI's format call their base URL."""
        return f"{self._server.url}/v1"

    @property
    def api_key(self) -> str:
        """The key that it asks for: a new one each time, which only this process knows."""
        return self._server.key

    def close(self) -> None:
        """Stops it; answers that are on their way end first. A second time it does nothing."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LocalService(base_url={self.base_url!r})"


def serve_local(
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    *,
    settings: Mapping[str, object] | None = None,
) -> LocalService:
    """Starts a service in this process, for whatever takes a base URL: LangChain, LlamaIndex, the
    OpenAI SDK.

    Args:
        config: as for `LlmProxy.embedded`.
        settings: as for `LlmProxy.embedded`.

    Returns:
        A `LocalService`, which is a context manager.

    Raises:
        ConfigurationError: something in `config` or `settings` cannot be used; it is named.

    Example:
        >>> with llm_proxy.serve_local("litellm_config.yaml") as local:
        ...     model = ChatOpenAI(base_url=local.base_url, api_key=local.api_key, model="gpt-4o")
        ...     print(model.invoke("Say hello!").content)
    """
    _process.prepare()
    configuration = Configuration(config)
    server = LocalServer.start(
        configuration.path, configuration.document, _options.settings(settings)
    )
    return LocalService(server)
