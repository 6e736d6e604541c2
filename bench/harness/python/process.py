"""A subject: one contender in a process of its own, pinned, that speaks in lines of JSON."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.python.contenders import Contender
from harness.settings import BENCH, PEER_CONFIGS, PROXY_CORE, UPSTREAM_KEY

PROGRAM = BENCH / "subjects" / "subject.py"
START_S = 60.0
"""Imports take seconds, and those of a cold disk more."""


class SubjectError(Exception):
    """What was measured said that it could not be, or ended, or was silent."""


class SilentError(SubjectError):
    """It said nothing in time."""


@dataclass(frozen=True)
class Place:
    """Where a subject finds its upstream."""

    port: int
    key: str
    config: str


class Subject:
    """A running one."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: Path) -> None:
        """Takes over what was started."""
        self._process = process
        self._errors = errors
        self._received = b""

    def says(self, within_s: float) -> dict[str, Any]:
        """Its next line."""
        assert self._process.stdout
        deadline = time.monotonic() + within_s
        while b"\n" not in self._received:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                raise SilentError(f"it said nothing for {within_s:g} s")
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                raise SubjectError(f"it ended: {self._last_words()}")
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise SubjectError(str(said["error"]))
        return said

    def go_on(self) -> None:
        """Tells it that everything was seen."""
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def interrupt(self) -> float:
        """Presses Ctrl-C; when, by the monotonic clock."""
        now = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        return now

    def _last_words(self) -> str:
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "without a word"


@contextmanager
def subject(
    contender: Contender, row: str, port: int, options: dict[str, Any]
) -> Iterator[Subject]:
    """Starts one, and ends it."""
    with tempfile.TemporaryDirectory(prefix="bench-python-") as name:
        directory = Path(name)
        place = Place(port, UPSTREAM_KEY, str(_tensorzero(directory, port)))
        given = json.dumps({**options, "target": asdict(place)})
        command = [str(contender.python), str(PROGRAM), contender.name, row, given]
        errors = directory / "errors.log"
        with errors.open("wb") as log:
            process = started(command, directory, log.fileno())
        try:
            yield Subject(process, errors)
        finally:
            process.kill()
            process.communicate()


def started(command: list[str], directory: Path, errors: int) -> "subprocess.Popen[bytes]":
    """A process on the core of what is measured. It ends with the harness."""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(PROXY_CORE), *command],
        cwd=directory,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
    )


def environment() -> dict[str, str]:
    """Nothing that is set by chance; LiteLLM's list of prices is not to be fetched."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "BENCH_UPSTREAM_KEY": UPSTREAM_KEY,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _tensorzero(directory: Path, port: int) -> Path:
    """Its configuration, for this upstream."""
    template = (PEER_CONFIGS / "tensorzero.toml").read_text()
    path = directory / "tensorzero.toml"
    path.write_text(template.replace("@UPSTREAM@", str(port)))
    return path
