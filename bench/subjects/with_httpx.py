"""httpx, with the events parsed by hand."""

from __future__ import annotations

import httpx
from by_hand import PATH, body, headers, text_of_answer, text_of_line
from contract import Read, Target

_NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class Sync:
    """`httpx.Client`."""

    def __init__(self, target: Target) -> None:
        """One pool."""
        self._client = httpx.Client(
            base_url=target.url, headers=headers(target), timeout=None, limits=_NO_LIMITS
        )

    def whole(self) -> str:
        """One answer."""
        answer = self._client.post(PATH, json=body("bench", stream=False))
        answer.raise_for_status()
        return text_of_answer(answer.json())

    def read(self, model: str, read: Read) -> None:
        """One stream."""
        with self._client.stream("POST", PATH, json=body(model, stream=True)) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                text = text_of_line(line)
                if text and read(text):
                    break


class Async:
    """`httpx.AsyncClient`."""

    def __init__(self, target: Target) -> None:
        """One pool."""
        self._client = httpx.AsyncClient(
            base_url=target.url, headers=headers(target), timeout=None, limits=_NO_LIMITS
        )

    async def whole(self) -> str:
        """One answer."""
        answer = await self._client.post(PATH, json=body("bench", stream=False))
        answer.raise_for_status()
        return text_of_answer(answer.json())

    async def read(self, model: str, read: Read) -> None:
        """One stream."""
        async with self._client.stream("POST", PATH, json=body(model, stream=True)) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                text = text_of_line(line)
                if text and read(text):
                    break

    async def close(self) -> None:
        """Closes it."""
        await self._client.aclose()


def sync_client(target: Target) -> Sync:
    """For threads."""
    return Sync(target)


async def async_client(target: Target) -> Async:
    """For asyncio."""
    return Async(target)
