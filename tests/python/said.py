"""What an answer says, however it came: whole or in chunks, to whichever client."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ollama import ChatResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

Json = dict[str, Any]


@dataclass
class Call:
    """A tool call; its arguments are the text that came."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Choice:
    """One of the answers."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: dict[int, Call] = field(default_factory=dict)
    finish: str | None = None


def counted(usage: Any) -> Any:
    """Without zeros and what has no number: what was not counted and what is not there are one."""
    if not isinstance(usage, dict):
        return usage
    rest = {name: counted(value) for name, value in usage.items()}
    return {name: value for name, value in rest.items() if value}


@dataclass
class Said:
    """All that a client acts on. Ids of answers and times are not part of it."""

    choices: dict[int, Choice] = field(default_factory=dict)
    usage: Json | None = None

    @classmethod
    def whole(cls, answer: ChatCompletion) -> "Said":
        return cls.in_json(answer.to_dict())

    @classmethod
    def streamed(cls, chunks: Iterable[ChatCompletionChunk]) -> "Said":
        return cls.in_chunks(chunk.to_dict() for chunk in chunks)

    @classmethod
    def in_json(cls, answer: Mapping[str, Any]) -> "Said":
        said = cls(usage=counted(answer.get("usage")))
        for choice in answer["choices"]:
            message = dict(choice["message"])
            # LiteLLM numbers the calls of whole answers too, at times by what stands before them.
            calls = enumerate(message.get("tool_calls") or [])
            message["tool_calls"] = [call | {"index": index} for index, call in calls]
            said._add(choice["index"], message, choice["finish_reason"])
        return said

    @classmethod
    def in_chunks(cls, chunks: Iterable[Mapping[str, Any]]) -> "Said":
        said = cls()
        for chunk in chunks:
            said.usage = counted(chunk.get("usage")) or said.usage
            for choice in chunk["choices"]:
                said._add(choice["index"], choice["delta"], choice.get("finish_reason"))
        return said

    def _add(self, index: int, message: Mapping[str, Any], finish: str | None) -> None:
        """A whole message, or what a delta adds to it."""
        choice = self.choices.setdefault(index, Choice())
        choice.text += message.get("content") or ""
        choice.reasoning += message.get("reasoning_content") or message.get("reasoning") or ""
        choice.refusal += message.get("refusal") or ""
        choice.finish = finish or choice.finish
        for delta in message.get("tool_calls") or []:
            call = choice.calls.setdefault(delta["index"], Call())
            call.id += delta.get("id") or ""
            function = delta.get("function") or {}
            call.name += function.get("name") or ""
            call.arguments += function.get("arguments") or ""


@dataclass
class SaidByOllama:
    """What an answer in Ollama's form says."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    done_reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None

    @classmethod
    def of(cls, parts: Iterable[ChatResponse]) -> "SaidByOllama":
        """Of the parts of a stream, or of one that is the whole answer."""
        said = cls()
        for part in parts:
            message = part.message
            said.text += message.content or ""
            said.thinking += message.thinking or ""
            for call in message.tool_calls or []:
                said.calls.append((call.function.name, dict(call.function.arguments)))
            said.done_reason = part.done_reason or said.done_reason
            said.prompt_tokens = part.prompt_eval_count or said.prompt_tokens
            said.answer_tokens = part.eval_count or said.answer_tokens
        return said

    @classmethod
    def translated(cls, said: Said) -> "SaidByOllama":
        """What an answer in OpenAI's form has to become: its first choice."""
        choice, usage = said.choices[0], said.usage or {}
        return cls(
            choice.text,
            choice.reasoning,
            [(call.name, json.loads(call.arguments or "{}")) for call in choice.calls.values()],
            "length" if choice.finish == "length" else "stop",
            usage.get("prompt_tokens") or None,
            usage.get("completion_tokens") or None,
        )
