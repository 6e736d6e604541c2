"""LiteLLM's SDK."""

from __future__ import annotations

from typing import Any

import litellm
from contract import MESSAGES, Read, Target

litellm.suppress_debug_info = True


def _arguments(target: Target, model: str) -> dict[str, Any]:
    return {
        "model": f"openai/{model}",
        "messages": MESSAGES,
        "api_base": target.url,
        "api_key": target.key,
        "max_retries": 0,
    }


class Sync:
    """`litellm.completion`."""

    def __init__(self, target: Target) -> None:
        """It keeps its connections itself."""
        self._target = target

    def whole(self) -> str:
        """One answer."""
        answer: Any = litellm.completion(**_arguments(self._target, "bench"))
        return answer.choices[0].message.content or ""

    def read(self, model: str, read: Read) -> None:
        """One stream."""
        stream: Any = litellm.completion(**_arguments(self._target, model), stream=True)
        try:
            for chunk in stream:
                text = chunk.choices[0].delta.content
                if text and read(text):
                    break
        finally:
            stream.close()


class Async:
    """`litellm.acompletion`."""

    def __init__(self, target: Target) -> None:
        """It keeps its connections itself."""
        self._target = target

    async def whole(self) -> str:
        """One answer."""
        answer: Any = await litellm.acompletion(**_arguments(self._target, "bench"))
        return answer.choices[0].message.content or ""

    async def read(self, model: str, read: Read) -> None:
        """One stream."""
        stream: Any = await litellm.acompletion(**_arguments(self._target, model), stream=True)
        try:
            async for chunk in stream:
                text = chunk.choices[0].delta.content
                if text and read(text):
                    break
        finally:
            await stream.aclose()

    async def close(self) -> None:
        """Nothing is to be closed."""


def sync_client(target: Target) -> Sync:
    """For threads."""
    return Sync(target)


async def async_client(target: Target) -> Async:
    """For asyncio."""
    return Async(target)
