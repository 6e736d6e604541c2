"""The provider behind LiteLLM: speaks OpenAI's format and does what the model's name says.

It runs inside the test process, so a test can hold a stream open and see who hung up.

| model               | does                                                                  |
|---------------------|-----------------------------------------------------------------------|
| scripted            | answers with TEXT, or calls the offered tools                         |
| scripted-holds      | streams FIRST_WORDS and waits for `release()`, then sends the rest    |
| scripted-dies       | streams FIRST_WORDS, waits for `release()` and drops the connection   |
| scripted-one-call   | calls one tool at a time                                              |
| scripted-unicode    | answers with UNICODE                                                  |
| scripted-length     | is stopped by max_tokens                                              |
| scripted-cut        | streams FIRST_WORDS and ends as if that were all, without `[DONE]`    |
| scripted-429        | 429 with Retry-After: 7                                               |
| scripted-limited    | 429 without Retry-After                                               |
| scripted-400 / -404 | that status                                                           |
| scripted-500 / -503 | that status                                                           |
| scripted-401        | 401 that quotes the key, as some providers do                         |
| scripted-too-long   | 400, context length exceeded                                          |
| scripted-embedding  | embeddings that depend on the input                                   |
| scripted-text       | legacy text completion                                                |

Asked for a `json_schema` it answers with JSON_TEXT; asked for `n` answers it gives as many.
"""

import base64
import hashlib
import json
import select
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

WORDS = ["Hello", " from", " the", " upstream", ", é", "🦀", "."]
TEXT = "".join(WORDS)
FIRST_WORDS = WORDS[:2]
UNICODE_WORDS = ["東京", "\u2028", "שלום", " 👩‍👩‍👧", "e\u0301", "\u0000", "\\", '"', "\n", "𝄞"]
JSON_WORDS = ['{"na', 'me": "Zo', 'ë"}']
USAGE: Json = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
RETRY_AFTER_S = 7
HOLD_DEADLINE_S = 20
CITIES = ["Paris", "Oslo"]


class Upstream:
    """The server and what the tests may know and steer."""

    def __init__(self) -> None:
        self.key = "sk-upstream-key-that-nobody-may-see"
        self.requests: list[Json] = []
        self.released = threading.Event()
        self.caller_left = threading.Event()
        self._server = _QuietServer(("127.0.0.1", 0), _handler_for(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self) -> None:
        self.requests.clear()
        self.released.clear()
        self.caller_left.clear()

    def release(self) -> None:
        """Lets a held stream go on."""
        self.released.set()

    def release_after_first_words(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines of a stream; a held one goes on once they hold all FIRST_WORDS."""
        for line in lines:
            if FIRST_WORDS[-1] in line:
                self.release()
            yield line

    def stop(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are part of the script."""


def _handler_for(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        script = upstream

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    script: Upstream

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, the name is http.server's
        """The servers under test keep the logs."""

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        body: Json = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.script.requests.append(body)
        model = body["model"]
        if model in ERRORS:
            self._send(*ERRORS[model])
        elif model == "scripted-401":
            self._send(401, _error(f"Incorrect API key provided: {self.script.key}", "auth"))
        elif self.path.endswith("/embeddings"):
            self._send(200, _embeddings(body))
        elif not body.get("stream"):
            self._send(200, _whole(self.path, body))
        else:
            self._stream(model, list(_events(self.path, body)))

    def _send(self, status: int, body: Json, extra: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self._head(
            status, "application/json", {"content-length": str(len(payload))} | (extra or {})
        )
        self.wfile.write(payload)

    def _head(self, status: int, content_type: str, extra: dict[str, str]) -> None:
        self.send_response(status)
        headers = {"content-type": content_type, "x-ratelimit-remaining-requests": "41"} | extra
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, model: str, events: list[str]) -> None:
        self._head(200, "text/event-stream", {"transfer-encoding": "chunked"})
        first = len(FIRST_WORDS) + 1  # one more for the chunk with the role
        self._say(events[:first])
        # To die at once would take back words that LiteLLM has not read yet.
        if model in {"scripted-holds", "scripted-dies"} and not self._released():
            return
        if model == "scripted-dies":
            self._drop()
            return
        if model != "scripted-cut":
            self._say(events[first:])
        self._chunk(b"")

    def _say(self, events: list[str]) -> None:
        for event in events:
            self._chunk(f"data: {event}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _drop(self) -> None:
        """Resets the connection: lingering for no time at all."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _released(self) -> bool:
        """Waits for the test to let go; false when the caller hung up first."""
        for _ in range(HOLD_DEADLINE_S * 100):
            if self.script.released.is_set():
                return True
            if select.select([self.connection], [], [], 0.01)[0]:
                self.script.caller_left.set()
                self.close_connection = True
                return False
        return False


def _error(message: str, code: str | None) -> Json:
    return {"error": {"message": message, "type": "error", "param": None, "code": code}}


ERRORS: dict[str, tuple[int, Json, dict[str, str]]] = {
    "scripted-400": (400, _error("'temperature' is too hot", "invalid_value"), {}),
    "scripted-404": (404, _error("The model does not exist", "model_not_found"), {}),
    "scripted-429": (429, _error("slow down", None), {"retry-after": str(RETRY_AFTER_S)}),
    "scripted-limited": (429, _error("slow down", None), {}),
    "scripted-500": (500, _error("it broke", None), {}),
    "scripted-503": (503, _error("overloaded", None), {}),
    "scripted-too-long": (
        400,
        _error(
            "This model's maximum context length is 4097 tokens. However, your messages resulted "
            "in 5000 tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
        ),
        {},
    ),
}


def _embeddings(body: Json) -> Json:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vectors = [_vector(str(text)) for text in texts]
    encoded = [_base64(v) if body.get("encoding_format") == "base64" else v for v in vectors]
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(encoded)
    ]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def _vector(text: str) -> list[float]:
    """Eighths, which 32-bit floats hold exactly."""
    return [byte / 8 for byte in hashlib.sha256(text.encode()).digest()[:4]]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _calls(body: Json) -> list[Json]:
    """The tool calls that this request asks for: two side by side unless it forbids that."""
    choice = body.get("tool_choice", "auto")
    if not body.get("tools") or choice == "none":
        return []
    names = [tool["function"]["name"] for tool in body["tools"]]
    name = choice["function"]["name"] if isinstance(choice, dict) else names[0]
    alone = body["model"] == "scripted-one-call" or not body.get("parallel_tool_calls", True)
    cities = CITIES[:1] if alone else CITIES
    return [
        {
            "index": index,
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps({"city": city})},
        }
        for index, city in enumerate(cities)
    ]


def _words(body: Json) -> list[str]:
    if body["model"] == "scripted-unicode":
        return UNICODE_WORDS
    return JSON_WORDS if "response_format" in body else WORDS


def _finish(body: Json) -> str:
    return "length" if body["model"] == "scripted-length" else "stop"


def _whole(path: str, body: Json) -> Json:
    chat = path.endswith("/chat/completions")
    choice: Json = {"index": 0, "logprobs": None, "finish_reason": _finish(body)}
    if not chat:
        choice["text"] = TEXT
    elif calls := _calls(body):
        choice["finish_reason"] = "tool_calls"
        choice["message"] = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{k: v for k, v in call.items() if k != "index"} for call in calls],
        }
    else:
        choice["message"] = {"role": "assistant", "content": "".join(_words(body))}
    choices = [choice | {"index": index} for index in range(body.get("n") or 1)]
    kind = "chat.completion" if chat else "text_completion"
    return _envelope(kind, body, choices) | {"usage": USAGE, "vendor_extra": {"kept": True}}


def _envelope(kind: str, body: Json, choices: list[Json]) -> Json:
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": 1700000000,
        "model": body["model"],
        "choices": choices,
    }


def _events(path: str, body: Json) -> Iterator[str]:
    """The payloads of the SSE events, in order."""
    chat = path.endswith("/chat/completions")
    kind = "chat.completion.chunk" if chat else "text_completion"
    for choice in _chat_choices(body) if chat else _text_choices():
        for index in range(body.get("n") or 1):
            yield json.dumps(_envelope(kind, body, [{"index": index, "logprobs": None} | choice]))
    if body.get("stream_options", {}).get("include_usage"):
        yield json.dumps(_envelope(kind, body, []) | {"usage": USAGE})
    yield "[DONE]"


def _text_choices() -> Iterator[Json]:
    for word in WORDS:
        yield {"text": word, "finish_reason": None}
    yield {"text": "", "finish_reason": "stop"}


def _chat_choices(body: Json) -> Iterator[Json]:
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    if calls := _calls(body):
        for delta in _call_deltas(calls):
            yield {"delta": {"tool_calls": [delta]}, "finish_reason": None}
        yield {"delta": {}, "finish_reason": "tool_calls"}
        return
    for word in _words(body):
        yield {"delta": {"content": word}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": _finish(body)}


def _call_deltas(calls: list[Json]) -> Iterator[Json]:
    """First every call's name, then the arguments in pieces, the calls taking turns."""
    for call in calls:
        yield call | {"function": call["function"] | {"arguments": ""}}
    arguments = [call["function"]["arguments"] for call in calls]
    for start in range(0, max(map(len, arguments)), 5):
        for call, text in zip(calls, arguments, strict=True):
            if piece := text[start : start + 5]:
                yield {"index": call["index"], "function": {"arguments": piece}}
