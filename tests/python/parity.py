"""What the same configuration does in LiteLLM and here: the configuration, and the comparison."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import yaml

import vendors
from clients import keywords
from said import Call, Choice, Said
from scenarios import Scenario
from stack import HERE

CONFIG = HERE / "parity_config.yaml"

# LiteLLM's own adapters ask these vendors' fixtures.
TRANSLATED = [
    Scenario(provider, name)
    for provider in ("anthropic", "gemini", "mistral", "cohere", "ollama")
    for name in (
        "plain",
        "unicode",
        "one_tool",
        "parallel_tools",
        "length",
        "stop_sequence",
        "json_schema",
        "reasoning",
        "usage_with_cache",
    )
]


def write_configuration(directory: Path, vendors_url: str) -> Path:
    """The file that starts both."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    config["model_list"] += [vendors.entry(scenario, vendors_url) for scenario in TRANSLATED]
    path = directory / "parity.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def vendors_at(litellm_url: str, key: str) -> dict[str, Any]:
    """A configuration that takes a LiteLLM proxy for vendors whose formats it speaks."""
    models = [
        {
            "model_name": f"{vendor}/*",
            "litellm_params": {
                "model": f"{vendor}/vllm/*",
                "api_base": litellm_url,
                "api_key": key,
            },
        }
        for vendor in ("anthropic", "gemini")
    ]
    return {"model_list": models, "router_settings": {"num_retries": 0}}


@dataclass
class Outcome:
    """What a client got: an answer or an error, or the one after the other."""

    said: Said | None = None
    status: int | None = None
    error: str | None = None
    """The SDK's class."""


def outcome(client: openai.OpenAI, body: dict[str, Any]) -> Outcome:
    """Of a request, by the SDK."""
    create = client.chat.completions.create
    chunks: list[Any] = []
    try:
        if not body.get("stream"):
            return Outcome(Said.whole(create(**keywords(create, body))))
        chunks.extend(create(**keywords(create, body)))
    except openai.APIStatusError as error:
        return Outcome(status=error.status_code, error=type(error).__name__)
    except openai.APIError as error:
        return Outcome(Said.streamed(chunks), error=type(error).__name__)
    return Outcome(Said.streamed(chunks))


def differences(one: Outcome, other: Outcome) -> set[str]:
    """In what of all that a client acts on they differ."""
    found = {name for name in ("status", "error") if getattr(one, name) != getattr(other, name)}
    if one.said is None or other.said is None:
        return found | ({"answer"} if one.said is not other.said else set())
    if _usage(one.said) != _usage(other.said):
        found.add("usage")
    if one.said.choices.keys() != other.said.choices.keys():
        return found | {"choices"}
    for index, choice in one.said.choices.items():
        found |= _of_choices(choice, other.said.choices[index])
    return found


def _usage(said: Said) -> list[Any]:
    """OpenAI's members. LiteLLM adds others: text_tokens, cost."""
    usage = said.usage or {}
    totals = [usage.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    details = [("prompt_tokens_details", "cached_tokens")]
    details += [("completion_tokens_details", "reasoning_tokens")]
    return totals + [usage.get(part, {}).get(name) for part, name in details]


def _of_choices(one: Choice, other: Choice) -> set[str]:
    names = ("text", "reasoning", "refusal", "finish")
    found = {name for name in names if getattr(one, name) != getattr(other, name)}
    if [_called(call) for call in one.calls.values()] != [
        _called(call) for call in other.calls.values()
    ]:
        found.add("calls")
    if [call.id for call in one.calls.values()] != [call.id for call in other.calls.values()]:
        found.add("ids")
    return found


def _called(call: Call) -> tuple[str, Any]:
    """The arguments by what they say: their spaces and escapes are nobody's business."""
    try:
        return call.name, json.loads(call.arguments or "{}")
    except ValueError:
        return call.name, call.arguments
