"""Read by type checkers, never run: what each call gives, and that wrong arguments are seen."""

from typing import assert_type

import llm_proxy
from llm_proxy import AsyncEventStream, AsyncLlmProxy, AsyncStream, EventStream, LlmProxy, Stream
from llm_proxy.events import FailoverEvent, RetryEvent
from llm_proxy.types import (
    ChatCompletion,
    ChatCompletionChunk,
    DoctorReport,
    EmbeddingResponse,
    Health,
    ModelList,
)


def tell(event: llm_proxy.events.Event) -> None:
    match event:
        case RetryEvent():
            assert_type(event.endpoint, str)
        case FailoverEvent():
            assert_type(event.from_, str)
        case _:
            pass


def sync(flag: bool) -> None:
    with LlmProxy(on_event=tell, timeout=None) as client:
        messages = [{"role": "user", "content": "hi"}]
        answer = client.chat.completions.create(model="m", messages=messages)
        assert_type(answer, ChatCompletion)
        assert_type(answer.choices[0].message.content, str | None)
        again = client.chat.completions.create(
            model="m",
            messages=[*messages, answer.choices[0].message],
            stream=False,
            temperature=0,
            stop=["a"],
            tools=({"type": "function"} for _ in range(1)),
        )
        assert_type(again, ChatCompletion)
        stream = client.chat.completions.create(model="m", messages=messages, stream=True)
        assert_type(stream, Stream)
        with stream as entered:
            for chunk in entered:
                assert_type(chunk, ChatCompletionChunk)
        either = client.chat.completions.create(model="m", messages=messages, stream=flag)
        assert_type(either, ChatCompletion | Stream)
        assert_type(client.embeddings.create(model="m", input=["a"]), EmbeddingResponse)
        assert_type(client.models.list(), ModelList)
        assert_type(client.health(), Health)
        assert_type(client.events(), EventStream)
        assert_type(client.doctor(), list[DoctorReport])
        assert_type(client.doctor("eu", spend=True), DoctorReport)
        assert_type(client.with_options(timeout=1), LlmProxy)
    assert_type(LlmProxy.embedded({"model_list": []}), LlmProxy)
    with llm_proxy.serve_local("file.yaml") as local:
        assert_type(local.base_url, str)


async def asynchronous() -> None:
    async with AsyncLlmProxy.embedded("file.yaml") as client:
        messages = [{"role": "user", "content": "hi"}]
        answer = await client.chat.completions.create(model="m", messages=messages)
        assert_type(answer, ChatCompletion)
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        assert_type(stream, AsyncStream)
        async with stream as entered:
            async for chunk in entered:
                assert_type(chunk, ChatCompletionChunk)
        await stream.close()
        assert_type(await client.events(), AsyncEventStream)
        assert_type(await client.doctor(), list[DoctorReport])


def wrong(client: LlmProxy) -> None:
    client.chat.completions.create(model="m")  # type: ignore[call-overload] # pyright: ignore
    client.chat.completions.create(model=1, messages=[])  # type: ignore[call-overload] # pyright: ignore
    client.embeddings.create(model="m", inptu="a")  # type: ignore[call-arg] # pyright: ignore
