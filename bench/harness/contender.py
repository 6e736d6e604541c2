"""A contender: how it is described, started in a directory of its own, and ended."""

import re
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.process import ProcessTree
from harness.settings import (
    BINARIES,
    CALLER_KEY,
    CHAT_PATH,
    LOAD_CORE,
    OPEN_FILES,
    PEER_CONFIGS,
    PROXY_CORE,
    UPSTREAM_KEY,
    UPSTREAM_PORT,
)


class NotReadyError(Exception):
    """A contender did not begin to answer."""


@dataclass(frozen=True)
class Peer:
    """A contender."""

    name: str
    prepare: Callable[[], None]
    version: Callable[[], str]
    command: Callable[[Path, int], list[str]]
    """From its directory and its port to its command line."""
    config: str | None = None
    """A file of `bench/peers`, copied into its directory with the @PLACEHOLDERS@ filled in."""
    environment: Callable[[int], Mapping[str, str]] = lambda _port: {}
    caller_headers: Mapping[str, str] = field(
        default_factory=lambda: {"x-internal-auth": CALLER_KEY}
    )
    path: str = CHAT_PATH
    model_prefix: str = ""
    ready_path: str | None = None
    """Where a GET is answered with 200 once it serves; without it, an open port is enough."""
    start_timeout_s: float = 10
    warm_up_s: int = 1
    """Load before a window of requests; interpreters need more than a moment."""
    prints_base_url: bool = False
    """It listens where it likes, and says where in its output."""
    relays_bytes: bool = True
    """Streams come out as they went in, byte for byte: this is checked."""
    scenarios: frozenset[str] | None = None
    """The scenarios it takes part in; all of them without it."""
    most_streams: int | None = None
    """As many streams as it can carry on one core in a scenario, if fewer than asked for."""
    note: str = ""

    def takes(self, scenario: str) -> bool:
        """Whether it takes part."""
        return self.scenarios is None or scenario in self.scenarios


@dataclass(frozen=True)
class RunningPeer:
    """A contender that answers."""

    peer: Peer
    tree: ProcessTree | None
    """None for the upstream called directly."""
    port: int
    path: str


@contextmanager
def upstream() -> Iterator[ProcessTree]:
    """The upstream, on the load generators' core."""
    directory = Path(tempfile.mkdtemp(prefix="bench-upstream-"))
    address = f"127.0.0.1:{UPSTREAM_PORT}"
    command = [str(BINARIES / "bench-upstream"), "--listen", address, "--key", UPSTREAM_KEY]
    tree = ProcessTree(command, LOAD_CORE, directory)
    try:
        deadline = time.monotonic() + 5
        ready = False
        while not ready:
            # First the pause: an answer from a stranger on this port must not count.
            time.sleep(0.1)
            if time.monotonic() > deadline or not tree.is_running:
                raise NotReadyError(f"the upstream did not start: {tree.log.read_text()}")
            ready = _answers(UPSTREAM_PORT, "/health/readiness")
        yield tree
    finally:
        tree.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(peer: Peer, port: int) -> Iterator[RunningPeer]:
    """Starts a contender in a directory of its own, and ends it."""
    directory = Path(tempfile.mkdtemp(prefix=f"bench-{peer.name}-"))
    tree = None
    try:
        if peer.config:
            _render(PEER_CONFIGS / peer.config, directory, port)
        command = peer.command(directory, port)
        tree = ProcessTree(command, PROXY_CORE, directory, peer.environment(port))
        yield _wait_until_ready(peer, tree, port)
    finally:
        if tree:
            tree.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _render(template: Path, directory: Path, port: int) -> None:
    text = template.read_text()
    values = {
        "DIR": str(directory),
        "KEY": CALLER_KEY,
        "NOFILE": str(OPEN_FILES),
        "PORT": str(port),
        "UPSTREAM": str(UPSTREAM_PORT),
        "UPSTREAM_KEY": UPSTREAM_KEY,
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (directory / template.name).write_text(text)


def _wait_until_ready(peer: Peer, tree: ProcessTree, port: int) -> RunningPeer:
    deadline = time.monotonic() + peer.start_timeout_s
    path = peer.path
    while time.monotonic() < deadline:
        # First the pause: an answer from a stranger on this port must not count.
        time.sleep(0.1)
        if not tree.is_running:
            break
        found = re.search(r"^http://127\.0\.0\.1:(\d+)", tree.log.read_text(), re.MULTILINE)
        if peer.prints_base_url and not found:
            continue
        port = int(found[1]) if peer.prints_base_url and found else port
        if _answers(port, peer.ready_path):
            return RunningPeer(peer, tree, port, path)
    tail = tree.log.read_text(errors="replace")[-2000:]
    raise NotReadyError(f"{peer.name} did not start: {tail}")


def _answers(port: int, path: str | None) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path or '/'}", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return path is None
    except (urllib.error.URLError, OSError):
        return False
