"""The vendors: each in its own format, saying what the fixtures say.

An endpoint's base URL is `{url}/{provider}/{scenario}`. What comes after it has to be the path
that the vendor documents, with the key in the vendor's own header; anything else is refused, as the
vendor does.

| file of the scenario | is the answer to |
|---|---|
| `refusal.json` | everything |
| `response.json` | a request for a whole answer, or for embeddings |
| `stream.sse`, `stream.ndjson` | a request for a stream |
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import scenarios
from scenarios import Scenario

KEY = "sk-secret-key"
"""The key of the goldens: some refusals quote it."""
STREAM_CHUNK_BYTES = 37  # lines and characters are cut in the middle


@dataclass(frozen=True)
class Vendor:
    """What is asked of a caller."""

    base: str
    """The end of the base URL as LiteLLM wants it."""
    paths: str
    """A pattern for the rest of the path and the query."""
    key_header: str
    key: str
    content_type: str = "text/event-stream"
    other_headers: tuple[str, ...] = ()


OF_OPENAI = r"/v1/(chat/completions|embeddings)"
VENDORS = {
    "openai": Vendor("/v1", OF_OPENAI, "authorization", f"Bearer {KEY}"),
    "azure": Vendor(
        "",
        r"/openai/(v1|deployments/[^/]+)/(chat/completions|embeddings)\?api-version=[\w-]+",
        "api-key",
        KEY,
    ),
    "anthropic": Vendor(
        "", r"/v1/messages", "x-api-key", KEY, other_headers=("anthropic-version",)
    ),
    "gemini": Vendor(
        "/v1beta",
        r"/v1(beta)?/(models|tunedModels)/[^/]+"
        r":(generateContent|streamGenerateContent\?alt=sse|batchEmbedContents)",
        "x-goog-api-key",
        KEY,
    ),
    "mistral": Vendor("/v1", OF_OPENAI, "authorization", f"Bearer {KEY}"),
    "cohere": Vendor("/v2/chat", r"/v2/(chat|embed)", "authorization", f"Bearer {KEY}"),
    "ollama": Vendor(
        "",
        r"/api/(chat|generate|embed)",
        "authorization",
        f"Bearer {KEY}",
        content_type="application/x-ndjson",
    ),
}


def configuration(url: str) -> dict[str, Any]:
    """A `litellm_config.yaml` with a model for every scenario, named `{provider}/{scenario}`."""
    models = [entry(scenario, url) for scenario in scenarios.everything()]
    return {"model_list": models, "router_settings": {"num_retries": 0}}


def entry(scenario: Scenario, url: str) -> dict[str, Any]:
    # What is unusual about the endpoint, apart from its host.
    unusual = scenario.json("endpoint.json") or {}
    passed_on = {name: unusual[name] for name in ("api_version", "drop_params") if name in unusual}
    vendor = VENDORS[scenario.provider]
    prefix = "ollama_chat" if scenario.provider == "ollama" else scenario.provider
    params = {
        "model": f"{prefix}/{unusual.get('model', 'upstream-model')}",
        "api_base": f"{url}/{scenario.provider}/{scenario.name}{vendor.base}",
        "api_key": KEY,
    }
    return {"model_name": scenario.model, "litellm_params": params | passed_on}


class Vendors:
    """The server."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it waits 40 ms between an answer's head and its body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, the name is http.server's
        """The service under test keeps the log."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        _, provider, name, path = [*self.path.split("/", 3), ""][:4]
        scenario, vendor = Scenario(provider, name), VENDORS[provider]
        if not re.fullmatch(vendor.paths, f"/{path}"):
            self._refuse(404, f"no such path: /{path}")
        elif self.headers[vendor.key_header] != vendor.key:
            self._refuse(401, f"the key has to be in {vendor.key_header}")
        elif missing := [name for name in vendor.other_headers if name not in self.headers]:
            self._refuse(400, f"missing: {missing}")
        else:
            self._play(scenario, body.get("stream") is True or "streamGenerateContent" in path)

    def _refuse(self, status: int, message: str) -> None:
        """In a form that every adapter reads somehow; no scenario ends here."""
        self._send(status, {}, json.dumps({"error": {"message": message}}).encode())

    def _play(self, scenario: Scenario, is_streamed: bool) -> None:
        refusal, stream = scenario.json("refusal.json"), scenario.stream
        response = scenario.folder / "response.json"
        if refusal:
            body = refusal["body"]
            payload = body if isinstance(body, str) else json.dumps(body)
            self._send(refusal["status"], refusal.get("headers", {}), payload.encode())
        elif is_streamed and stream:
            self._stream(VENDORS[scenario.provider].content_type, stream.read_bytes())
        elif not is_streamed and response.exists():
            self._send(200, {}, response.read_bytes())
        else:
            self._refuse(404, f"{scenario} has no such answer")

    def _send(self, status: int, headers: Mapping[str, str], payload: bytes) -> None:
        self.send_response(status)
        standard = {"content-type": "application/json", "content-length": str(len(payload))}
        for name, value in (standard | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, content_type: str, payload: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for start in range(0, len(payload), STREAM_CHUNK_BYTES):
            piece = payload[start : start + STREAM_CHUNK_BYTES]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")
