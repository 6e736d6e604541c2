"""Starts real server processes and stops them: free ports, deadlines, logs.

Knows nothing of LiteLLM or of our service; conftest.py does.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

POLL_INTERVAL_S = 0.02
STOP_DEADLINE_S = 3.0
BIND_ATTEMPTS = 3
LOG_TAIL = 4000
ADDRESS_IN_USE = ("address already in use", "addrinuse", "os error 98", "errno 98")

running: list["Server"] = []
"""Every server that was started and not stopped, for the logs of a failed test."""


def reserve_port() -> int:
    """A loopback port that nobody else who asks the kernel for one gets within the next minute.

    A connection made and closed leaves the port in TIME_WAIT: the kernel hands it to nobody, yet a
    server, which binds with SO_REUSEADDR, may have it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address = listener.getsockname()
        with socket.create_connection(address), listener.accept()[0]:
            return int(address[1])


@dataclass(frozen=True)
class Recipe:
    """How to start a server: the port is only known when it is started."""

    name: str
    command: Callable[[int], Sequence[str | Path]]
    environment: Callable[[int], Mapping[str, str]]
    ready_path: str
    directory: Path
    ready_deadline_s: float
    ready_headers: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A child process that listens on a port of its own."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.log_path = recipe.directory / f"{recipe.name}.log"
        self.log_mark = 0
        self._launch()
        running.append(self)

    def _launch(self) -> None:
        self.port = reserve_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Not this process's environment: a proxy or a key in it must not decide a test.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.recipe.directory),
            **self.recipe.environment(self.port),
        }
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.recipe.command(self.port)],
                cwd=self.recipe.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> "Server":
        """Returns when the ready path answers 200; raises with the log when it never does."""
        for _ in range(BIND_ATTEMPTS):
            if self._became_ready():
                return self
            if not self._lost_its_port():
                break
            self._launch()
        self.stop()
        raise RuntimeError(f"{self.recipe.name} did not start:\n{self.log()[-LOG_TAIL:]}")

    def _became_ready(self) -> bool:
        deadline = time.monotonic() + self.recipe.ready_deadline_s
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers():
                return True
            time.sleep(POLL_INTERVAL_S)
        return False

    def _answers(self) -> bool:
        try:
            answer = httpx.get(
                self.url + self.recipe.ready_path,
                headers=dict(self.recipe.ready_headers),
                timeout=5,
                trust_env=False,
            )
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def _lost_its_port(self) -> bool:
        log = self.log().lower()
        return self.process.poll() is not None and any(text in log for text in ADDRESS_IN_USE)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def mark_log(self) -> None:
        """From here on the log belongs to the next test."""
        self.log_mark = self.log_path.stat().st_size

    def log_since_mark(self) -> str:
        return self.log_path.read_bytes()[self.log_mark :].decode(errors="replace")[-LOG_TAIL:]

    def kill(self) -> None:
        """Without a word: no shutdown, open connections cut."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Asks politely and returns at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Asks politely, then kills. Stopping a stopped server does nothing."""
        if self in running:
            running.remove(self)
        if self.process.poll() is not None:
            return
        self.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
