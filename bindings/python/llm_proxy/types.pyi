from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any, ClassVar, Literal, Self, final

from typing_extensions import disjoint_base

__all__ = [
    "Annotation",
    "AnnotationURLCitation",
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "ChatCompletionTokenLogprob",
    "Choice",
    "ChoiceDelta",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChoiceLogprobs",
    "ChunkChoice",
    "CompletionTokensDetails",
    "CompletionUsage",
    "CustomTool",
    "DoctorReport",
    "DoctorStep",
    "Embedding",
    "EmbeddingResponse",
    "EmbeddingUsage",
    "EndpointHealth",
    "Function",
    "FunctionCall",
    "Health",
    "LastError",
    "Latency",
    "Model",
    "ModelList",
    "PromptTokensDetails",
    "Record",
    "ToolCall",
    "TopLogprob",
]

@disjoint_base
class Record(Mapping[str, Any]):
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def extra(self) -> dict[str, Any]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]: ...
    def to_json(self, indent: int | None = None) -> str: ...
    def get(self, key: str, default: Any = None, /) -> Any: ...
    def __getitem__(self, key: str, /) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> Literal[True]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any, /) -> Self: ...

@final
class ChatCompletion(Record):
    __match_args__ = (
        "id",
        "choices",
        "created",
        "model",
        "object",
        "usage",
        "service_tier",
        "system_fingerprint",
    )
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def choices(self) -> list[Choice]: ...
    @property
    def created(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def usage(self) -> CompletionUsage | None: ...
    @property
    def service_tier(self) -> str | None: ...
    @property
    def system_fingerprint(self) -> str | None: ...

@final
class Choice(Record):
    __match_args__ = ("index", "message", "finish_reason", "logprobs")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def index(self) -> int: ...
    @property
    def message(self) -> ChatCompletionMessage: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def logprobs(self) -> ChoiceLogprobs | None: ...

@final
class ChatCompletionMessage(Record):
    __match_args__ = (
        "role",
        "content",
        "reasoning_content",
        "refusal",
        "tool_calls",
        "function_call",
        "annotations",
        "audio",
    )
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str | None: ...
    @property
    def reasoning_content(self) -> str | None: ...
    @property
    def refusal(self) -> str | None: ...
    @property
    def tool_calls(self) -> list[ToolCall] | None: ...
    @property
    def function_call(self) -> FunctionCall | None: ...
    @property
    def annotations(self) -> list[Annotation] | None: ...
    @property
    def audio(self) -> ChatCompletionAudio | None: ...

@final
class ToolCall(Record):
    __match_args__ = ("id", "type", "function", "custom")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def function(self) -> Function | None: ...
    @property
    def custom(self) -> CustomTool | None: ...

@final
class Function(Record):
    __match_args__ = ("name", "arguments")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...

@final
class CustomTool(Record):
    __match_args__ = ("name", "input")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def input(self) -> str: ...

@final
class FunctionCall(Record):
    __match_args__ = ("name", "arguments")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...

@final
class ChatCompletionAudio(Record):
    __match_args__ = ("id", "data", "transcript", "expires_at")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def id(self) -> str: ...
    @property
    def data(self) -> str | None: ...
    @property
    def transcript(self) -> str | None: ...
    @property
    def expires_at(self) -> int | None: ...

@final
class ChatCompletionChunk(Record):
    __match_args__ = (
        "id",
        "choices",
        "created",
        "model",
        "object",
        "usage",
        "service_tier",
        "system_fingerprint",
    )
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def choices(self) -> list[ChunkChoice]: ...
    @property
    def created(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def usage(self) -> CompletionUsage | None: ...
    @property
    def service_tier(self) -> str | None: ...
    @property
    def system_fingerprint(self) -> str | None: ...

@final
class ChunkChoice(Record):
    __match_args__ = ("index", "delta", "finish_reason", "logprobs")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def index(self) -> int: ...
    @property
    def delta(self) -> ChoiceDelta: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def logprobs(self) -> ChoiceLogprobs | None: ...

@final
class ChoiceDelta(Record):
    __match_args__ = (
        "role",
        "content",
        "reasoning_content",
        "refusal",
        "tool_calls",
        "function_call",
        "annotations",
        "audio",
    )
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def role(self) -> str | None: ...
    @property
    def content(self) -> str | None: ...
    @property
    def reasoning_content(self) -> str | None: ...
    @property
    def refusal(self) -> str | None: ...
    @property
    def tool_calls(self) -> list[ChoiceDeltaToolCall] | None: ...
    @property
    def function_call(self) -> ChoiceDeltaFunctionCall | None: ...
    @property
    def annotations(self) -> list[Annotation] | None: ...
    @property
    def audio(self) -> dict[str, Any] | None: ...

@final
class ChoiceDeltaToolCall(Record):
    __match_args__ = ("index", "id", "type", "function", "custom")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def index(self) -> int: ...
    @property
    def id(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...
    @property
    def function(self) -> ChoiceDeltaToolCallFunction | None: ...
    @property
    def custom(self) -> ChoiceDeltaToolCallCustom | None: ...

@final
class ChoiceDeltaToolCallFunction(Record):
    __match_args__ = ("name", "arguments")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str | None: ...
    @property
    def arguments(self) -> str | None: ...

@final
class ChoiceDeltaToolCallCustom(Record):
    __match_args__ = ("name", "input")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str | None: ...
    @property
    def input(self) -> str | None: ...

@final
class ChoiceDeltaFunctionCall(Record):
    __match_args__ = ("name", "arguments")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def name(self) -> str | None: ...
    @property
    def arguments(self) -> str | None: ...

@final
class ChoiceLogprobs(Record):
    __match_args__ = ("content", "refusal")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def content(self) -> list[ChatCompletionTokenLogprob] | None: ...
    @property
    def refusal(self) -> list[ChatCompletionTokenLogprob] | None: ...

@final
class ChatCompletionTokenLogprob(Record):
    __match_args__ = ("token", "logprob", "bytes", "top_logprobs")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def token(self) -> str: ...
    @property
    def logprob(self) -> float: ...
    @property
    def bytes(self) -> list[int] | None: ...
    @property
    def top_logprobs(self) -> list[TopLogprob]: ...

@final
class TopLogprob(Record):
    __match_args__ = ("token", "logprob", "bytes")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def token(self) -> str: ...
    @property
    def logprob(self) -> float: ...
    @property
    def bytes(self) -> list[int] | None: ...

@final
class CompletionUsage(Record):
    __match_args__ = (
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    )
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def total_tokens(self) -> int: ...
    @property
    def prompt_tokens_details(self) -> PromptTokensDetails | None: ...
    @property
    def completion_tokens_details(self) -> CompletionTokensDetails | None: ...

@final
class PromptTokensDetails(Record):
    __match_args__ = ("cached_tokens", "audio_tokens")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def cached_tokens(self) -> int | None: ...
    @property
    def audio_tokens(self) -> int | None: ...

@final
class CompletionTokensDetails(Record):
    __match_args__ = (
        "reasoning_tokens",
        "audio_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    )
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def reasoning_tokens(self) -> int | None: ...
    @property
    def audio_tokens(self) -> int | None: ...
    @property
    def accepted_prediction_tokens(self) -> int | None: ...
    @property
    def rejected_prediction_tokens(self) -> int | None: ...

@final
class Annotation(Record):
    __match_args__ = ("type", "url_citation")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def type(self) -> str: ...
    @property
    def url_citation(self) -> AnnotationURLCitation: ...

@final
class AnnotationURLCitation(Record):
    __match_args__ = ("url", "title", "start_index", "end_index")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def start_index(self) -> int: ...
    @property
    def end_index(self) -> int: ...

@final
class EmbeddingResponse(Record):
    __match_args__ = ("data", "model", "object", "usage")
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def data(self) -> list[Embedding]: ...
    @property
    def model(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def usage(self) -> EmbeddingUsage: ...

@final
class Embedding(Record):
    __match_args__ = ("embedding", "index", "object")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def embedding(self) -> list[float]: ...
    @property
    def index(self) -> int: ...
    @property
    def object(self) -> str: ...

@final
class EmbeddingUsage(Record):
    __match_args__ = ("prompt_tokens", "total_tokens")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def total_tokens(self) -> int: ...

@final
class ModelList(Record):
    __match_args__ = ("data", "object")
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def data(self) -> list[Model]: ...
    @property
    def object(self) -> str: ...

@final
class Model(Record):
    __match_args__ = ("id", "created", "object", "owned_by")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def id(self) -> str: ...
    @property
    def created(self) -> int: ...
    @property
    def object(self) -> str: ...
    @property
    def owned_by(self) -> str: ...

@final
class Health(Record):
    __match_args__ = ()
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    def __getitem__(self, key: str, /) -> EndpointHealth: ...
    def items(self) -> ItemsView[str, EndpointHealth]: ...
    def values(self) -> ValuesView[EndpointHealth]: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...

@final
class EndpointHealth(Record):
    __match_args__ = (
        "provider",
        "in_flight",
        "state",
        "success_rate",
        "requests",
        "consecutive_failures",
        "last_error",
        "latency_ms",
        "opened_at",
        "probes_at",
        "rests_until",
        "models",
        "ssl_verify",
        "proxy",
        "scheme",
        "endpoints",
        "last_success_at",
    )
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def in_flight(self) -> int | None: ...
    @property
    def state(self) -> str: ...
    @property
    def success_rate(self) -> float | None: ...
    @property
    def requests(self) -> int | None: ...
    @property
    def consecutive_failures(self) -> int: ...
    @property
    def last_error(self) -> LastError | None: ...
    @property
    def latency_ms(self) -> Latency | None: ...
    @property
    def opened_at(self) -> str | None: ...
    @property
    def probes_at(self) -> str | None: ...
    @property
    def rests_until(self) -> str | None: ...
    @property
    def models(self) -> dict[str, EndpointHealth] | None: ...
    @property
    def ssl_verify(self) -> bool | None: ...
    @property
    def proxy(self) -> str | None: ...
    @property
    def scheme(self) -> str | None: ...
    @property
    def endpoints(self) -> list[str] | None: ...
    @property
    def last_success_at(self) -> str | None: ...

@final
class LastError(Record):
    __match_args__ = ("code", "message", "seconds_ago")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def seconds_ago(self) -> int: ...

@final
class Latency(Record):
    __match_args__ = ("p50", "p95")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def p50(self) -> float | None: ...
    @property
    def p95(self) -> float | None: ...

@final
class DoctorReport(Record):
    __match_args__ = ("endpoint", "about", "verdict", "steps")
    @classmethod
    def from_dict(
        cls,
        members: Mapping[str, Any],
        /,
        request_id: str | None = None,
        served_by: str | None = None,
        attempts: int = 0,
    ) -> Self: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def served_by(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def steps(self) -> list[DoctorStep]: ...

@final
class DoctorStep(Record):
    __match_args__ = ("step", "verdict", "ms", "detail", "advice")
    @classmethod
    def from_dict(cls, members: Mapping[str, Any], /) -> Self: ...
    @property
    def step(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def ms(self) -> float: ...
    @property
    def detail(self) -> str: ...
    @property
    def advice(self) -> str | None: ...
