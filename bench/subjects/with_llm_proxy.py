"""Our client, calling the upstream as if that were the service."""

from __future__ import annotations

from contract import MESSAGES, Read, Target
from llm_proxy import AsyncLlmProxy, LlmProxy


class Sync:
    """`LlmProxy`."""

    def __init__(self, client: LlmProxy) -> None:
        """Either home."""
        self._client = client

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
    """`AsyncLlmProxy`."""

    def __init__(self, client: AsyncLlmProxy) -> None:
        """Either home."""
        self._client = client

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
        await self._client.aclose()


def sync_client(target: Target) -> Sync:
    """The service's client, for threads."""
    return Sync(LlmProxy(base_url=target.url, internal_auth=target.key))


async def async_client(target: Target) -> Async:
    """The service's client, for asyncio."""
    return Async(AsyncLlmProxy(base_url=target.url, internal_auth=target.key))
