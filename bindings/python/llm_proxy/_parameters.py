"""The arguments of `chat.completions.create`, for type checkers: OpenAI's names, and what they
hold.

Where OpenAI lists the words that an argument may be, other vendors have others: those are any `str`
here. Reference: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Required, TypeAlias, TypedDict

    from ._options import NotGiven
    from .types import ChatCompletionMessage

    Messages: TypeAlias = Iterable[Mapping[str, object] | ChatCompletionMessage]
    """A conversation; the message of an answer can be put back into it as it is."""

    class ChatParameters(TypedDict, total=False):
        """Everything but `stream`, which decides what comes back."""

        messages: Required[Messages]
        model: Required[str]
        audio: Mapping[str, object] | NotGiven | None
        frequency_penalty: float | NotGiven | None
        function_call: str | Mapping[str, object] | NotGiven
        functions: Iterable[Mapping[str, object]] | NotGiven
        logit_bias: Mapping[str, int] | NotGiven | None
        logprobs: bool | NotGiven | None
        max_completion_tokens: int | NotGiven | None
        max_tokens: int | NotGiven | None
        metadata: Mapping[str, str] | NotGiven | None
        modalities: Sequence[str] | NotGiven | None
        moderation: Mapping[str, object] | NotGiven | None
        n: int | NotGiven | None
        parallel_tool_calls: bool | NotGiven
        prediction: Mapping[str, object] | NotGiven | None
        presence_penalty: float | NotGiven | None
        prompt_cache_key: str | NotGiven | None
        prompt_cache_options: Mapping[str, object] | NotGiven
        prompt_cache_retention: str | NotGiven | None
        reasoning_effort: str | NotGiven | None
        response_format: Mapping[str, object] | NotGiven
        safety_identifier: str | NotGiven | None
        seed: int | NotGiven | None
        service_tier: str | NotGiven | None
        stop: str | Sequence[str] | NotGiven | None
        store: bool | NotGiven | None
        stream_options: Mapping[str, object] | NotGiven | None
        temperature: float | NotGiven | None
        tool_choice: str | Mapping[str, object] | NotGiven
        tools: Iterable[Mapping[str, object]] | NotGiven
        top_logprobs: int | NotGiven | None
        top_p: float | NotGiven | None
        user: str | NotGiven
        verbosity: str | NotGiven | None
        web_search_options: Mapping[str, object] | NotGiven
        extra_headers: Mapping[str, str] | None
        extra_body: Mapping[str, object] | None
        timeout: float | NotGiven | None
