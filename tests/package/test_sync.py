"""The client that waits: what it gives, how long it waits, how often it asks, how it is closed."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import llm_proxy
from conftest import Home
from faults import ROLE_AND_TWO, SILENT, STALLS, TEXT, Faults, at, says, until
from llm_proxy import LlmProxy
from servers import reserve_port
from stack import INTERNAL_KEY

HI = [{"role": "user", "content": "hi"}]
# Much shorter than what they are waited for with, much longer than a call takes.
SHORT_S = 0.25


def ask(client: LlmProxy, **options: Any) -> Any:
    return client.chat.completions.create(model="m", messages=HI, **options)


def test_everything_that_a_client_can_be_asked_for(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    with either.sync() as client:
        assert ask(client).choices[0].message.content == TEXT
        chunks = list(ask(client, stream=True))
        assert "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) == TEXT
        assert client.embeddings.create(model="e", input="a").data[0].embedding
        assert client.models.list().object == "list"
        assert client.health()
        assert [report.endpoint for report in client.doctor()] == list(client.health())


def test_an_answer_knows_who_gave_it_and_after_how_many_calls(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    with either.sync() as client:
        answer = ask(client, extra_headers={"x-request-id": "given"})
        with ask(client, stream=True) as stream:
            chunk = next(stream)
    assert (answer.request_id, answer.attempts) == ("given", 1)
    assert (chunk.request_id, chunk.served_by, chunk.attempts) == (
        stream.request_id,
        stream.served_by,
        stream.attempts,
    )
    assert answer.served_by == stream.served_by


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_silent_upstream_is_a_timeout(either: Home, faults: Faults, stream: bool) -> None:
    faults.on("m", says(SILENT))
    with either.sync() as client:
        began = time.monotonic()
        with pytest.raises(llm_proxy.APITimeoutError, match=r"0\.25 s") as caught:
            ask(client, stream=stream, timeout=SHORT_S)
        assert SHORT_S <= time.monotonic() - began < 5
        assert isinstance(caught.value, TimeoutError)
        faults.wait_until_left()


def test_silence_between_two_chunks_is_a_timeout(either: Home, faults: Faults) -> None:
    faults.on("m", STALLS)
    with either.sync(timeout=SHORT_S) as client:
        stream = ask(client, stream=True)
        with pytest.raises(llm_proxy.APITimeoutError):
            list(stream)
        assert stream.closed
        assert list(stream) == []
        faults.wait_until_left()


def test_a_stream_may_take_longer_than_the_timeout_altogether(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces={"count": 8, "size": 3}, pace={"gap_ms": 60}))
    with either.sync(timeout=SHORT_S) as client:
        began = time.monotonic()
        assert list(ask(client, stream=True))[-1].choices[0].finish_reason == "stop"
        assert time.monotonic() - began > SHORT_S


def test_options_of_a_copy_hold_for_the_copy(either: Home, faults: Faults) -> None:
    faults.on("m", says(SILENT), says())
    with either.sync() as client:
        with pytest.raises(llm_proxy.APITimeoutError):
            ask(client.with_options(timeout=SHORT_S))
        assert ask(client).choices[0].message.content == TEXT


def test_headers_and_members_go_along(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    with either.sync(default_headers={"x-request-id": "mine"}) as client:
        assert ask(client, extra_body={"top_k": 3}).request_id == "mine"
    assert '"top_k":3' in faults.requests()[0]["body"].replace(" ", "")


def test_a_service_that_starts_late_is_waited_for() -> None:
    port = reserve_port()
    client = LlmProxy(base_url=f"http://127.0.0.1:{port}", internal_auth="k", max_retries=20)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(client.models.list()), daemon=True)
    asking.start()
    with Stub(port, [], answer={"object": "list", "data": []}) as stub:
        asking.join(20)
        assert stub.asked == 1
    assert answers[0].object == "list"


@pytest.mark.parametrize("code", ["shutting_down", "overloaded"])
def test_a_service_that_asks_to_come_again_is_asked_again(code: str) -> None:
    with Stub(0, [code], answer={"object": "list", "data": []}) as stub:
        began = time.monotonic()
        assert stub.client(max_retries=1).models.list().object == "list"
        assert (stub.asked, time.monotonic() - began >= 1) == (2, True)


@pytest.mark.parametrize(("code", "retries"), [("shutting_down", 0), ("upstream_error", 2)])
def test_it_is_not_asked_again_without_need(code: str, retries: int) -> None:
    with Stub(0, [code] * 3, answer={}) as stub:
        with pytest.raises(llm_proxy.InternalServerError) as caught:
            stub.client(max_retries=retries).models.list()
        assert (stub.asked, caught.value.code) == (1, code)


def test_close_ends_a_call_of_another_thread(either: Home, faults: Faults) -> None:
    faults.on("m", says(SILENT))
    client = either.sync()
    raised: list[BaseException] = []
    waiting = threading.Thread(target=lambda: raised.append(failure_of(client)), daemon=True)
    waiting.start()
    faults.wait_for_requests()
    client.close()
    waiting.join(5)
    assert [type(error) for error in raised] == [llm_proxy.ClientClosedError]
    faults.wait_until_left()


def test_close_ends_a_stream_and_every_copy(either: Home, faults: Faults) -> None:
    faults.on("m", says(at(ROLE_AND_TWO, "stall")))
    client = either.sync()
    stream = ask(client, stream=True)
    next(stream)
    client.with_options(timeout=1).close()
    with pytest.raises(llm_proxy.ClientClosedError):
        list(stream)
    with pytest.raises(llm_proxy.ClientClosedError):
        client.health()
    until("closed connection", lambda: faults.left())


def test_closing_a_stream_ends_the_loop_of_another_thread(either: Home, faults: Faults) -> None:
    faults.on("m", STALLS)
    with either.sync() as client:
        stream = ask(client, stream=True)
        chunks: list[Any] = []
        reading = threading.Thread(target=lambda: chunks.extend(stream), daemon=True)
        reading.start()
        until("thread that waits", lambda: faults.requests())
        stream.close()
        reading.join(5)
        assert not reading.is_alive()
        faults.wait_until_left()


def failure_of(client: LlmProxy) -> BaseException:
    try:
        return AssertionError(f"an answer: {ask(client)}")
    except llm_proxy.LlmProxyError as error:
        return error


class Stub:
    """A service that says 503 with these codes, one after the other, and then gives an answer."""

    def __init__(self, port: int, codes: list[str], answer: Any) -> None:
        self.asked = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

            def do_GET(self) -> None:
                stub.asked += 1
                self.send_response(503 if codes else 200)
                said = {"error": {"message": "no", "code": codes.pop(0)}} if codes else answer
                body = json.dumps(said).encode()
                self.send_header("retry-after", "1")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def client(self, **options: Any) -> LlmProxy:
        url = f"http://127.0.0.1:{self._server.server_port}"
        return LlmProxy(base_url=url, internal_auth=INTERNAL_KEY, **options)

    def __enter__(self) -> "Stub":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
