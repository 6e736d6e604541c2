"""llm-proxy: any LLM, in this process or through the service, with OpenAI's names.

    >>> from llm_proxy import LlmProxy
    >>> client = LlmProxy()  # the service on http://127.0.0.1:8002
    >>> client = LlmProxy.embedded("litellm_config.yaml")  # no service: the same engine, here
    >>> stream = client.chat.completions.create(
    ...     model="gpt-4o", messages=[{"role": "user", "content": "Say hello!"}], stream=True
    ... )
    >>> for chunk in stream:
    ...     print(chunk.choices[0].delta.content or "", end="")

`AsyncLlmProxy` is the twin for asyncio, `serve_local` gives a URL to what only takes a URL. What
calls give is in `llm_proxy.types`, what happens meanwhile in `llm_proxy.events`. Nothing runs
before the first call.
"""

from __future__ import annotations

from . import events, types
from ._async_client import AsyncLlmProxy
from ._client import LlmProxy
from ._exceptions import (
    AllEndpointsDownError,
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ForkError,
    InternalServerError,
    LlmProxyError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
    UnprocessableEntityError,
)
from ._llm_proxy import AsyncEventStream, AsyncStream, EventStream, Stream
from ._local import LocalService, serve_local
from ._options import NOT_GIVEN, NotGiven

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str

__all__ = [
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AllEndpointsDownError",
    "AsyncEventStream",
    "AsyncLlmProxy",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "EventStream",
    "ForkError",
    "InternalServerError",
    "LlmProxy",
    "LlmProxyError",
    "LocalService",
    "NotFoundError",
    "NotGiven",
    "PermissionDeniedError",
    "RateLimitError",
    "Stream",
    "StreamInterruptedError",
    "UnprocessableEntityError",
    "events",
    "serve_local",
    "types",
]

# Where they are documented, and what tracebacks and pickles call them by.
for _name in __all__:
    _public = globals()[_name]
    if isinstance(_public, type) and _public.__module__.startswith("llm_proxy._"):
        _public.__module__ = __name__
serve_local.__module__ = __name__


def __getattr__(name: str) -> object:
    if name == "__version__":
        # Not read at import: it takes longer than everything else.
        from importlib.metadata import version

        return version("llm-proxy")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
