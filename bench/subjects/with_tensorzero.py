"""TensorZero's gateway in the process."""

from __future__ import annotations

from typing import Any

from contract import MESSAGES, Read, Target
from tensorzero import AsyncTensorZeroGateway, TensorZeroGateway

_INPUT = {"messages": MESSAGES}


class Sync:
    """`TensorZeroGateway`."""

    def __init__(self, target: Target) -> None:
        """Without a database."""
        self._gateway: Any = TensorZeroGateway.build_embedded(config_file=target.config)

    def whole(self) -> str:
        """One answer."""
        answer = self._gateway.inference(model_name="bench", input=_INPUT)
        text: str = answer.content[0].text
        return text

    def read(self, model: str, read: Read) -> None:
        """One stream. It has nothing to close it by: it is let go of."""
        for chunk in self._gateway.inference(model_name=model, input=_INPUT, stream=True):
            if chunk.content and read(chunk.content[0].text):
                break


class Async:
    """`AsyncTensorZeroGateway`."""

    def __init__(self, gateway: AsyncTensorZeroGateway) -> None:
        """Takes over what was built."""
        self._gateway: Any = gateway

    async def whole(self) -> str:
        """One answer."""
        answer = await self._gateway.inference(model_name="bench", input=_INPUT)
        text: str = answer.content[0].text
        return text

    async def read(self, model: str, read: Read) -> None:
        """One stream. It has nothing to close it by: it is let go of."""
        stream = await self._gateway.inference(model_name=model, input=_INPUT, stream=True)
        async for chunk in stream:
            if chunk.content and read(chunk.content[0].text):
                break

    async def close(self) -> None:
        """Closes it."""
        await self._gateway.close()


def sync_client(target: Target) -> Sync:
    """For threads."""
    return Sync(target)


async def async_client(target: Target) -> Async:
    """For asyncio."""
    building: Any = AsyncTensorZeroGateway.build_embedded(config_file=target.config)
    return Async(await building)
