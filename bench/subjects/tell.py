"""How a subject speaks with the harness, and what it says of itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

_ESTABLISHED = "01"


# Libraries write to the standard output as well: what they say goes with the errors.
_LINES = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def tell(**what: object) -> None:
    """One line of JSON."""
    _LINES.write(json.dumps(what) + "\n")


def heard() -> None:
    """Waits until the harness has seen what it wanted to see."""
    if not sys.stdin.readline():
        raise EOFError("the harness is gone")


def threads() -> int:
    """Of this process, beside the main one."""
    return len(os.listdir("/proc/self/task")) - 1  # noqa: PTH208 - importing is what is measured


def established(port: int) -> int:
    """How many connections this process has to `port`."""
    own = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            own.add(str(entry.readlink()))
        except FileNotFoundError:
            continue
    rows = (line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:])
    remote = f":{port:04X}"
    return sum(
        row[2].endswith(remote) and row[3] == _ESTABLISHED and f"socket:[{row[9]}]" in own
        for row in rows
    )
