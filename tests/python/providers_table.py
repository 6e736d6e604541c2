"""What each provider supports, asked of the running service.

client -> service in native mode -> a server that answers with the fixtures

What goes out: a request with the feature is sent beside the same one without it. "yes" is a call
upstream that the feature changed. A refusal is `drop` if the service leaves the feature out, and
names it, where the operator says `drop_params`; else it is `no`. `left out` is named in any case.

What comes back: the server answers with `tests/fixtures/<provider>/<scenario>`, whole and streamed.
"yes" means that both had it in OpenAI's form.

    python tests/python/providers_table.py    prints the table of the README
"""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

import sse
from clients import CHAT, plain_http
from stack import REPOSITORY, Services

Json = dict[str, Any]
Check = Callable[[Json], bool]

FIXTURES = REPOSITORY / "tests/fixtures"


@dataclass(frozen=True)
class Provider:
    """A column: an entry of `model_list`, and whose fixtures its server answers with."""

    name: str
    model: str
    fixtures: str
    reasoning: str = "reasoning"


# OpenAI itself hides its reasoning; those who speak its format show it as DeepSeek does.
PROVIDERS = [
    Provider("openai", "openai/gpt-5.4-mini", "openai", "deepseek_reasoning"),
    Provider("azure", "azure/gpt-5.4-mini", "openai", "deepseek_reasoning"),
    Provider("litellm_proxy", "litellm_proxy/gpt-5.4-mini", "openai", "deepseek_reasoning"),
    Provider("anthropic", "anthropic/claude-sonnet-4-6", "anthropic"),
    Provider("gemini", "gemini/gemini-2.5-flash", "gemini"),
    Provider("mistral", "mistral/mistral-medium-latest", "mistral"),
    Provider("cohere", "cohere/command-a-reasoning-08-2025", "cohere"),
    Provider("ollama", "ollama_chat/qwen3", "ollama"),
]


@dataclass(frozen=True)
class Asked:
    """A row about what goes out: members of the request, and those that it is compared with."""

    title: str
    members: Json
    without: Json


@dataclass(frozen=True)
class Answered:
    """A row about what comes back."""

    title: str
    scenario: str
    members: Json
    is_in: Check


HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("a", "b")
]
FUNCTION = {"type": "function", "function": {"name": "a"}}
ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {"mode": "required", "tools": [FUNCTION]},
}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQ="
JSON_SCHEMA = {"name": "place", "schema": SCHEMA, "strict": True}


def parts(*more: Json, **members: Any) -> Json:
    """A message of a text part, which gets `members`, and of more parts."""
    text = {"type": "text", "text": "Hello"} | members
    return {"messages": [{"role": "user", "content": [text, *more]}]}


def image(url: str) -> Json:
    return parts({"type": "image_url", "image_url": {"url": url}})


def asked(title: str, **members: Any) -> Asked:
    return Asked(title, HELLO | members, HELLO)


def with_tools(title: str, **members: Any) -> Asked:
    return Asked(title, HELLO | {"tools": TOOLS} | members, HELLO | {"tools": TOOLS})


def called(answer: Json) -> int:
    return len(answer["message"].get("tool_calls") or [])


def cached(answer: Json) -> bool:
    details = answer["usage"].get("prompt_tokens_details") or {}
    return (details.get("cached_tokens") or 0) > 0


ROWS: list[Asked | Answered] = [
    Answered("chat, whole and streamed", "plain", {}, lambda a: bool(a["message"]["content"])),
    Answered("tool calls", "one_tool", {"tools": TOOLS}, lambda a: called(a) > 0),
    Answered(
        "several calls in one answer", "parallel_tools", {"tools": TOOLS}, lambda a: called(a) > 1
    ),
    with_tools("`parallel_tool_calls: false`", parallel_tool_calls=False),
    with_tools("`tool_choice`: `none`", tool_choice="none"),
    with_tools("`tool_choice`: `required`", tool_choice="required"),
    with_tools("`tool_choice`: one function", tool_choice=FUNCTION),
    with_tools("`tool_choice`: `allowed_tools`", tool_choice=ALLOWED),
    Asked("images as `data:` URLs", image(PNG), parts()),
    Asked("images by URL", image("https://images.example/cat.png"), parts()),
    Asked(
        "files (PDF as a `data:` URL)",
        parts({"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}),
        parts(),
    ),
    asked("`response_format`: `json_object`", response_format={"type": "json_object"}),
    asked(
        "`response_format`: `json_schema`",
        response_format={"type": "json_schema", "json_schema": JSON_SCHEMA},
    ),
    asked("`reasoning_effort`", reasoning_effort="low", max_completion_tokens=4096),
    Answered(
        "`reasoning_content`",
        "reasoning",
        {},
        lambda a: bool(a["message"].get("reasoning_content")),
    ),
    asked("`max_tokens`", max_tokens=100),
    asked("`temperature`", temperature=0.5),
    asked("`top_p`", top_p=0.5),
    asked("`stop`", stop=["END"]),
    asked("`seed`", seed=7),
    asked("`presence_penalty`, `frequency_penalty`", presence_penalty=0.5, frequency_penalty=0.5),
    asked("`logprobs`, `top_logprobs`", logprobs=True, top_logprobs=2),
    asked("`n`: 2", n=2),
    asked("`user`", user="u-1"),
    Asked("`cache_control`", parts(cache_control={"type": "ephemeral"}), parts()),
    Answered("cached tokens in `usage`", "usage_with_cache", {}, cached),
]


class Upstream:
    """Answers as the provider at the head of the path does, with the scenario that was set."""

    def __init__(self) -> None:
        self.folder = Path()
        self.calls: list[Json] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler_for(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, http.server's name
            """Nobody reads it."""

        def do_POST(self) -> None:
            body: Json = json.loads(self.rfile.read(int(self.headers["content-length"])))
            upstream.calls.append({"path": self.path, "body": body})
            # Ollama streams unless it is told not to, Gemini where the path says so.
            streams = body.get("stream") or "streamGenerateContent" in self.path
            names = ["stream.sse", "stream.ndjson"] if streams else ["response.json"]
            file = next(path for name in names if (path := upstream.folder / name).exists())
            kinds = {".sse": "text/event-stream", ".ndjson": "application/x-ndjson"}
            payload = file.read_bytes()
            self.send_response(200)
            self.send_header("content-type", kinds.get(file.suffix, "application/json"))
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    return Handler


def configuration(upstream_url: str) -> Json:
    """Every provider twice: as it is, and with `drop_params`."""
    entries = []
    for provider in PROVIDERS:
        params = {
            "model": provider.model,
            "api_base": f"{upstream_url}/{provider.name}",
            "api_key": "sk-test",
        }
        entries.append({"model_name": provider.name, "litellm_params": params})
        dropping = params | {"drop_params": True}
        entries.append({"model_name": f"{provider.name}-drops", "litellm_params": dropping})
    return {"model_list": entries, "router_settings": {"num_retries": 0}}


class Probe:
    """Asks the service for one cell after the other."""

    def __init__(self, client: httpx.Client, upstream: Upstream) -> None:
        self.client = client
        self.upstream = upstream

    def cell(self, row: Asked | Answered, provider: Provider) -> str:
        if isinstance(row, Asked):
            self.upstream.folder = FIXTURES / provider.fixtures / "plain"
            return self.asked(row, provider)
        scenario = provider.reasoning if row.scenario == "reasoning" else row.scenario
        self.upstream.folder = FIXTURES / provider.fixtures / scenario
        return self.answered(row, provider)

    def asked(self, row: Asked, provider: Provider) -> str:
        answer = self.post(CHAT, {"model": provider.name} | row.members)
        if answer.status_code == httpx.codes.OK:
            if "x-llm-proxy-dropped-params" in answer.headers:
                return "left out"
            assert self.call(provider.name, row.members) != self.call(provider.name, row.without)
            return "yes"
        assert_unsupported(answer)
        answer = self.post(CHAT, {"model": f"{provider.name}-drops"} | row.members)
        if answer.status_code == httpx.codes.OK:
            assert answer.headers["x-llm-proxy-dropped-params"]
            return "drop"
        assert_unsupported(answer)
        return "no"

    def call(self, model: str, members: Json) -> Json:
        self.upstream.calls.clear()
        answer = self.post(CHAT, {"model": model} | members)
        assert answer.status_code == httpx.codes.OK, answer.text
        [call] = self.upstream.calls
        return call

    def answered(self, row: Answered, provider: Provider) -> str:
        body = {"model": provider.name} | HELLO | row.members
        whole = self.post(CHAT, body)
        assert whole.status_code == httpx.codes.OK, whole.text
        with_usage = body | {"stream": True, "stream_options": {"include_usage": True}}
        streamed, data = sse.post(self.client, CHAT, with_usage)
        assert streamed.status_code == httpx.codes.OK, data
        of_whole = whole.json()
        answers = [
            {"message": of_whole["choices"][0]["message"], "usage": of_whole["usage"]},
            put_together(sse.chunks(data)),
        ]
        found = [row.is_in(answer) for answer in answers]
        assert len(set(found)) == 1, f"{provider.name}, {row.title}: {answers}"
        return "yes" if found[0] else "no"

    def embeddings(self, provider: Provider) -> str:
        self.upstream.folder = FIXTURES / provider.fixtures / "embeddings"
        given = json.loads((self.upstream.folder / "request.json").read_text())["input"]
        answer = self.post("/v1/embeddings", {"model": provider.name, "input": given})
        if answer.status_code == httpx.codes.OK:
            assert answer.json()["data"][0]["embedding"]
            return "yes"
        assert answer.json()["error"]["code"] == "unsupported_operation", answer.text
        return "no"

    def completions(self, provider: Provider) -> str:
        """The older form: its answer is not looked at, only whether the upstream is asked."""
        self.upstream.folder = FIXTURES / provider.fixtures / "plain"
        answer = self.post("/v1/completions", {"model": provider.name, "prompt": "Hello"})
        if answer.status_code == httpx.codes.OK:
            return "yes"
        assert answer.json()["error"]["code"] == "unsupported_operation", answer.text
        return "no"

    def way(self, provider: Provider) -> str:
        """Whether the upstream's answer goes on as it came."""
        self.upstream.folder = FIXTURES / provider.fixtures / "plain"
        native = json.loads((self.upstream.folder / "response.json").read_text())
        answer = self.post(CHAT, {"model": provider.name} | HELLO).json()
        return "relayed" if answer == native else "translated"

    def post(self, path: str, body: Json) -> httpx.Response:
        return self.client.post(path, json=body)


def assert_unsupported(answer: httpx.Response) -> None:
    assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
    assert answer.json()["error"]["code"] == "unsupported_parameter", answer.text


def put_together(chunks: list[Json]) -> Json:
    """The message that a stream's chunks make, as far as the rows look at it."""
    message: Json = {"content": "", "reasoning_content": "", "tool_calls": []}
    usage: Json = {}
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for delta in (choice["delta"] for choice in chunk["choices"]):
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            opened = [call for call in delta.get("tool_calls") or [] if call.get("id")]
            message["tool_calls"] += opened
    return {"message": message, "usage": usage}


@contextmanager
def probing(services: Services, directory: Path) -> Iterator[Probe]:
    upstream = Upstream()
    try:
        config = directory / "providers.yaml"
        config.write_text(yaml.safe_dump(configuration(upstream.url)))
        service = services.start("providers", LLM_MODE="native", CONFIG=str(config))
        with plain_http(service.url) as client:
            yield Probe(client, upstream)
    finally:
        upstream.stop()


def table(probe: Probe) -> list[str]:
    """The lines of the README's table."""
    lines = [row("", [f"`{provider.name}`" for provider in PROVIDERS])]
    lines.append("|---" * (len(PROVIDERS) + 1) + "|")
    lines.append(row("answers are", [probe.way(provider) for provider in PROVIDERS]))
    lines += [
        row(feature.title, [probe.cell(feature, provider) for provider in PROVIDERS])
        for feature in ROWS
    ]
    lines.append(row("embeddings", [probe.embeddings(provider) for provider in PROVIDERS]))
    lines.append(row("`/v1/completions`", [probe.completions(provider) for provider in PROVIDERS]))
    return lines


def row(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        services = Services(Path(name))
        try:
            with probing(services, Path(name)) as probe:
                print("\n".join(table(probe)))
        finally:
            services.stop()


if __name__ == "__main__":
    main()
