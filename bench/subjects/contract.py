"""What every contender has to be able to do, so that all of them are measured by the same code."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

MESSAGES = [{"role": "user", "content": "lorem ipsum " * 34}]
"""With the rest of the body about 450 B."""

Read = Callable[[str], bool]
"""Is given each text of a stream, and says whether that was enough."""


@dataclass(frozen=True)
class Target:
    """The upstream that everybody talks to."""

    port: int
    key: str
    config: str
    """TensorZero's configuration, a path."""

    @property
    def url(self) -> str:
        """As OpenAI's SDK takes it."""
        return f"http://127.0.0.1:{self.port}/v1"


class SyncClient(Protocol):
    """One client for threads."""

    def whole(self) -> str:
        """One answer, as a whole; its text."""
        ...

    def read(self, model: str, read: Read) -> None:
        """One stream; its texts go to `read`. It is closed in the way that the library has."""
        ...


class AsyncClient(Protocol):
    """The same for asyncio."""

    async def whole(self) -> str:
        """One answer, as a whole; its text."""
        ...

    async def read(self, model: str, read: Read) -> None:
        """One stream; its texts go to `read`. It is closed in the way that the library has."""
        ...

    async def close(self) -> None:
        """Gives back what it has."""
        ...


def sync_client(contender: str, target: Target) -> SyncClient:
    """The contender's client for threads."""
    client: SyncClient = _module(contender).sync_client(target)
    return client


async def async_client(contender: str, target: Target) -> AsyncClient:
    """The contender's client for asyncio, made in the loop."""
    client: AsyncClient = await _module(contender).async_client(target)
    return client


def _module(contender: str) -> ModuleType:
    """Only this contender's library is imported."""
    return importlib.import_module(f"with_{contender.replace('-', '_')}")
