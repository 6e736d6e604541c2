"""OpenAI's own SDK."""

from __future__ import annotations

from typing import Any

from contract import MESSAGES, Read, Target
from openai import AsyncOpenAI, OpenAI


class Sync:
    """`OpenAI`."""

    def __init__(self, target: Target) -> None:
        """Without retries: a failure is to be seen."""
        self._client: Any = OpenAI(base_url=target.url, api_key=target.key, max_retries=0)

    def whole(self) -> str:
        """One answer."""
        answer = self._client.chat.completions.create(model="bench", messages=MESSAGES)
        return answer.choices[0].message.content or ""

    def read(self, model: str, read: Read) -> None:
        """One stream."""
        with self._client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True
        ) as stream:
            for chunk in stream:
                text = chunk.choices[0].delta.content
                if text and read(text):
                    break


class Async:
    """`AsyncOpenAI`."""

    def __init__(self, target: Target) -> None:
        """Without retries: a failure is to be seen."""
        self._client: Any = AsyncOpenAI(base_url=target.url, api_key=target.key, max_retries=0)

    async def whole(self) -> str:
        """One answer."""
        answer = await self._client.chat.completions.create(model="bench", messages=MESSAGES)
        return answer.choices[0].message.content or ""

    async def read(self, model: str, read: Read) -> None:
        """One stream."""
        stream = await self._client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True
        )
        async with stream:
            async for chunk in stream:
                text = chunk.choices[0].delta.content
                if text and read(text):
                    break

    async def close(self) -> None:
        """Closes it."""
        await self._client.close()


def sync_client(target: Target) -> Sync:
    """For threads."""
    return Sync(target)


async def async_client(target: Target) -> Async:
    """For asyncio."""
    return Async(target)
