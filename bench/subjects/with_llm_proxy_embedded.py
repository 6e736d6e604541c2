"""Our engine in the process, in native mode."""

from __future__ import annotations

from contract import Target
from llm_proxy import AsyncLlmProxy, LlmProxy
from with_llm_proxy import Async, Sync


def _config(target: Target) -> dict[str, object]:
    def entry(model: str) -> dict[str, object]:
        parameters = {
            "model": f"openai/{model}",
            "api_base": target.url,
            "api_key": target.key,
        }
        return {"model_name": model, "litellm_params": parameters}

    return {"model_list": [entry("bench"), entry("bench-stream-100-20")]}


def sync_client(target: Target) -> Sync:
    """The engine, for threads."""
    return Sync(LlmProxy.embedded(_config(target)))


async def async_client(target: Target) -> Async:
    """The engine, for asyncio."""
    return Async(AsyncLlmProxy.embedded(_config(target)))
