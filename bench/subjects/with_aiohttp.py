"""aiohttp, with the events parsed by hand. It has no client for threads."""

from __future__ import annotations

import aiohttp
from by_hand import PATH, body, headers, text_of_answer, text_of_line
from contract import Read, Target


class Async:
    """`aiohttp.ClientSession`."""

    def __init__(self, target: Target) -> None:
        """One session, as many connections as there are streams."""
        self._url = target.url + PATH
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers=headers(target),
            timeout=aiohttp.ClientTimeout(total=None),
            raise_for_status=True,
        )

    async def whole(self) -> str:
        """One answer."""
        async with self._session.post(self._url, json=body("bench", stream=False)) as answer:
            return text_of_answer(await answer.json())

    async def read(self, model: str, read: Read) -> None:
        """One stream."""
        async with self._session.post(self._url, json=body(model, stream=True)) as answer:
            async for line in answer.content:
                text = text_of_line(line.decode())
                if text and read(text):
                    break

    async def close(self) -> None:
        """Closes it."""
        await self._session.close()


async def async_client(target: Target) -> Async:
    """For asyncio."""
    return Async(target)
