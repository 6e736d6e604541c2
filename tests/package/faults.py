"""The fault upstream of `tests/support`, as the tests of the package steer it and see who left.

It is a process of its own, so that what it sees is the truth of the sockets, whatever this process does.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
from stack import BINARY

Json = dict[str, Any]

FAULT_UPSTREAM = BINARY.with_name("fault-upstream")
DEADLINE_S = 10.0
PIECES = ["One ", "two ", "three ", "four."]
TEXT = "".join(PIECES)
ROLE_AND_TWO = 3
"""Events of a stream up to its second piece: the role is the first."""


def until(what: str, look: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """What `look` finds, as soon as it finds anything."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.002)
    raise AssertionError(f"within {deadline_s} s there was no {what}")


def says(*faults: Json, pieces: Any = PIECES, **more: Any) -> Json:
    """A behaviour: a chat with this text, whole or streamed, and what goes wrong with it."""
    return {"body": {"chat": {"text": pieces}}, "faults": list(faults), **more}


def at(events: int, action: Any) -> Json:
    """A fault after so many events."""
    return {"at": {"events": events}, "do": action}


def refuses(status: int, **error: Any) -> Json:
    """A behaviour: an error with that status."""
    return {"head": {"status": status}, "body": {"error": error}}


SILENT = {"at": "before_head", "do": "stall"}
"""No head ever."""
STALLS = says(at(ROLE_AND_TWO, "stall"))
"""A stream that says two pieces, and then nothing until its caller leaves."""


class Faults:
    """The running upstream."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [FAULT_UPSTREAM, "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().decode().split()[-1]
        self._http = httpx.Client(base_url=f"{self.url}/__control", trust_env=False)
        self._seen = 0
        self._written = 0
        self._others: set[int] = set()

    def reset(self) -> None:
        """Behaves well again, and has seen nothing."""
        self._http.delete("/behaviours").raise_for_status()
        self._http.delete("/requests").raise_for_status()
        connections = self._connections()
        self._seen = len(connections["closures"])
        self._written = connections["bytes_written"]
        self._others = {one["connection_id"] for one in connections["open"]}

    def on(self, model: str, *behaviours: Json) -> None:
        """What requests of `model` get, one after the other; the last one for ever."""
        url = f"/behaviours/{quote(model, safe='')}"
        self._http.put(url, json=list(behaviours)).raise_for_status()

    def requests(self) -> list[Json]:
        """What was asked, in order."""
        requests: list[Json] = self._http.get("/requests").json()
        return requests

    def wait_for_requests(self, count: int = 1) -> None:
        until(f"request {count}", lambda: len(self.requests()) >= count)

    def left(self) -> list[Json]:
        """Those who hung up in the middle of an answer."""
        closures = self._connections()["closures"][self._seen :]
        return [one for one in closures if one["by_peer"] and one["while_answering"]]

    def wait_until_left(self, count: int = 1) -> float:
        """Waits until so many have hung up; the moment when the last of them did (monotonic)."""
        left = until(f"{count} callers that left", lambda: len(gone := self.left()) >= count and gone)
        return float(time.monotonic() - left[-1]["ms_ago"] / 1000)

    def open(self) -> list[Json]:
        """The connections that are open, without those that earlier tests left."""
        connections = self._connections()["open"]
        return [one for one in connections if one["connection_id"] not in self._others]

    def bytes_written(self) -> int:
        """Of answers, since the last reset."""
        return int(self._connections()["bytes_written"]) - self._written

    def _connections(self) -> Json:
        connections: Json = self._http.get("/connections").json()
        return connections

    def stop(self) -> None:
        self._http.close()
        self.process.communicate()


def started() -> Iterator[Faults]:
    """For the fixture."""
    faults = Faults()
    yield faults
    faults.stop()
