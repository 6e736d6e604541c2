"""A small upstream that sees when callers come and when they leave."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from harness.settings import UPSTREAM_PORT

PORT = UPSTREAM_PORT - 1
_INTERVAL_S = 0.02
_BEFORE_SILENCE = 3
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"bench","choices":[{"index":0,"delta":{"content":"lorem "},"finish_reason":null}]}'
    b"\n\n"
)


class Mode(Enum):
    """What a caller gets."""

    NOTHING = "nothing"
    """Not even a head."""
    SILENCE = "silence"
    """A stream's beginning, and then nothing."""
    FLOW = "flow"
    """A stream without an end."""


@dataclass
class Seen:
    """A request, by this process's monotonic clock."""

    came_s: float
    left_s: float | None = None


class Watcher:
    """The upstream, in a thread of its own."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.mode = Mode.FLOW
        self.seen: list[Seen] = []
        self._callers: set[asyncio.StreamWriter] = set()

    def clear(self, mode: Mode) -> None:
        """Forgets what came; what comes gets this."""
        self.mode = mode
        self.seen = []

    def has_seen(self, requests: int) -> bool:
        """Whether so many have come."""
        return len(self.seen) >= requests

    def has_left(self, index: int) -> bool:
        """Whether the sender of that one has left."""
        return self.seen[index].left_s is not None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for one request."""
        self._callers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await _request(reader)
            seen = Seen(time.monotonic())
            self.seen.append(seen)
            answering = asyncio.create_task(_answer(writer, self.mode))
            await _end_of(reader)
            seen.left_s = time.monotonic()
            answering.cancel()
        self._callers.discard(writer)
        writer.close()

    async def end(self, server: asyncio.Server) -> None:
        """Leaves the callers that are still there."""
        server.close()
        for caller in self._callers:
            caller.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


async def _end_of(reader: asyncio.StreamReader) -> None:
    """There is no second request before the end of the first: what comes next is the end."""
    with contextlib.suppress(ConnectionError):
        await reader.read(1)


async def _request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))


async def _answer(writer: asyncio.StreamWriter, mode: Mode) -> None:
    if mode is Mode.NOTHING:
        return
    event = b"%x\r\n%s\r\n" % (len(_EVENT), _EVENT)
    writer.write(_HEAD)
    sent = 0
    while mode is Mode.FLOW or sent < _BEFORE_SILENCE:
        writer.write(event)
        sent += 1
        await asyncio.sleep(_INTERVAL_S)


@contextmanager
def watching() -> Iterator[Watcher]:
    """Serves until the end of the block."""
    watcher, event_loop = Watcher(), asyncio.new_event_loop()
    starting = asyncio.start_server(watcher.serve, "127.0.0.1", PORT, backlog=1024)
    server = event_loop.run_until_complete(starting)
    thread = threading.Thread(target=event_loop.run_forever, daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        asyncio.run_coroutine_threadsafe(watcher.end(server), event_loop).result()
        event_loop.call_soon_threadsafe(event_loop.stop)
        thread.join()
        event_loop.close()
