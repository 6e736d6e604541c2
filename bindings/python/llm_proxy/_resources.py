"""What an `LlmProxy` can be asked for."""

from __future__ import annotations

from . import _bodies
from ._options import NOT_GIVEN

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from ._bodies import overload
else:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, Unpack, overload

    from ._core import Core
    from ._llm_proxy import Stream
    from ._options import NotGiven
    from ._parameters import ChatParameters, Messages
    from .types import ChatCompletion, EmbeddingResponse, ModelList


class Completions:
    """`client.chat.completions`."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core

    @overload
    def create(
        self,
        *,
        stream: Literal[False] | NotGiven | None = NOT_GIVEN,
        **arguments: Unpack[ChatParameters],
    ) -> ChatCompletion: ...
    @overload
    def create(self, *, stream: Literal[True], **arguments: Unpack[ChatParameters]) -> Stream: ...
    @overload
    def create(
        self, *, stream: bool, **arguments: Unpack[ChatParameters]
    ) -> ChatCompletion | Stream: ...
    def create(
        self,
        *,
        messages: Messages,
        model: str,
        audio: Mapping[str, object] | NotGiven | None = NOT_GIVEN,
        frequency_penalty: float | NotGiven | None = NOT_GIVEN,
        function_call: str | Mapping[str, object] | NotGiven = NOT_GIVEN,
        functions: Iterable[Mapping[str, object]] | NotGiven = NOT_GIVEN,
        logit_bias: Mapping[str, int] | NotGiven | None = NOT_GIVEN,
        logprobs: bool | NotGiven | None = NOT_GIVEN,
        max_completion_tokens: int | NotGiven | None = NOT_GIVEN,
        max_tokens: int | NotGiven | None = NOT_GIVEN,
        metadata: Mapping[str, str] | NotGiven | None = NOT_GIVEN,
        modalities: Sequence[str] | NotGiven | None = NOT_GIVEN,
        moderation: Mapping[str, object] | NotGiven | None = NOT_GIVEN,
        n: int | NotGiven | None = NOT_GIVEN,
        parallel_tool_calls: bool | NotGiven = NOT_GIVEN,
        prediction: Mapping[str, object] | NotGiven | None = NOT_GIVEN,
        presence_penalty: float | NotGiven | None = NOT_GIVEN,
        prompt_cache_key: str | NotGiven | None = NOT_GIVEN,
        prompt_cache_options: Mapping[str, object] | NotGiven = NOT_GIVEN,
        prompt_cache_retention: str | NotGiven | None = NOT_GIVEN,
        reasoning_effort: str | NotGiven | None = NOT_GIVEN,
        response_format: Mapping[str, object] | NotGiven = NOT_GIVEN,
        safety_identifier: str | NotGiven | None = NOT_GIVEN,
        seed: int | NotGiven | None = NOT_GIVEN,
        service_tier: str | NotGiven | None = NOT_GIVEN,
        stop: str | Sequence[str] | NotGiven | None = NOT_GIVEN,
        store: bool | NotGiven | None = NOT_GIVEN,
        stream: bool | NotGiven | None = NOT_GIVEN,
        stream_options: Mapping[str, object] | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        tool_choice: str | Mapping[str, object] | NotGiven = NOT_GIVEN,
        tools: Iterable[Mapping[str, object]] | NotGiven = NOT_GIVEN,
        top_logprobs: int | NotGiven | None = NOT_GIVEN,
        top_p: float | NotGiven | None = NOT_GIVEN,
        user: str | NotGiven = NOT_GIVEN,
        verbosity: str | NotGiven | None = NOT_GIVEN,
        web_search_options: Mapping[str, object] | NotGiven = NOT_GIVEN,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion | Stream:
        """Asks a model for an answer; with `stream=True`, for its pieces as they come.

        The arguments are OpenAI's, and are sent as they are. What a provider cannot do is refused
        by name.

        Args:
            messages: the conversation: dicts, or messages of earlier answers.
            model: a name that the configuration gives, or one that the backend knows.
            stream: whether to give a `Stream` of `ChatCompletionChunk`s instead of the whole.
            extra_headers: for this call, over the client's `default_headers`.
            extra_body: members of the request that have no argument here; they win over arguments.
            timeout: seconds for the whole answer; of a stream until it begins, and then between two
                chunks. `None` is no limit; without it the client's holds.

        Returns:
            A `ChatCompletion`, or a `Stream`. Each has `request_id`, `served_by` and `attempts`.

        Raises:
            APIError: no answer came, or it was an error: see `llm_proxy.APIStatusError`.

        Example:
            >>> answer = client.chat.completions.create(
            ...     model="gpt-4o", messages=[{"role": "user", "content": "Say hello!"}]
            ... )
            >>> print(answer.choices[0].message.content)
        """
        body = _bodies.chat(locals())
        kind = "stream" if stream else "chat"
        call = self._core.call(
            kind, "POST", _bodies.CHAT, body, extra_headers=extra_headers, timeout=timeout
        )
        answer: ChatCompletion | Stream = call.result()
        return answer


class Chat:
    """`client.chat`."""

    __slots__ = ("completions",)

    def __init__(self, core: Core) -> None:
        self.completions = Completions(core)


class Embeddings:
    """`client.embeddings`."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(
        self,
        *,
        input: str | Sequence[str] | Iterable[int] | Iterable[Iterable[int]],
        model: str,
        dimensions: int | NotGiven = NOT_GIVEN,
        encoding_format: Literal["float", "base64"] | NotGiven = NOT_GIVEN,
        user: str | NotGiven = NOT_GIVEN,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> EmbeddingResponse:
        """Turns text into vectors.

        Args:
            input: one text, several, or tokens.
            model: a name that the configuration gives, or one that the backend knows.
            dimensions: how long each vector is to be, where the model leaves the choice.
            encoding_format: `"base64"` gives each vector as text: 32-bit floats, little endian.
            user: who asks, for the provider.
            extra_headers: for this call, over the client's `default_headers`.
            extra_body: members of the request that have no argument here; they win over arguments.
            timeout: seconds for the whole answer; `None` is no limit.

        Returns:
            An `EmbeddingResponse`: `data[0].embedding` is the first text's vector.

        Raises:
            APIError: no answer came, or it was an error.

        Example:
            >>> answer = client.embeddings.create(
            ...     model="text-embedding-3-small", input=["a text", "another"]
            ... )
            >>> len(answer.data[0].embedding)
        """
        body = _bodies.embeddings(locals())
        call = self._core.call(
            "embeddings",
            "POST",
            _bodies.EMBEDDINGS,
            body,
            extra_headers=extra_headers,
            timeout=timeout,
        )
        answer: EmbeddingResponse = call.result()
        return answer


class Models:
    """`client.models`."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core

    def list(
        self,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> ModelList:
        """Which models can be asked.

        Args:
            extra_headers: for this call, over the client's `default_headers`.
            timeout: seconds for the whole answer; `None` is no limit.

        Returns:
            A `ModelList`; its `data` has a `Model` with an `id` for each.

        Raises:
            APIError: no answer came, or it was an error.

        Example:
            >>> [model.id for model in client.models.list().data]
        """
        call = self._core.call(
            "models", "GET", _bodies.MODELS, extra_headers=extra_headers, timeout=timeout
        )
        answer: ModelList = call.result()
        return answer
