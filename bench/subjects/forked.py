"""A client that its parent has used, in a child."""

from __future__ import annotations

import os
import signal
import time

from contract import Target, sync_client

_PATIENCE_S = 5.0


def measure(contender: str, target: Target) -> str:
    """`yes` if a call works in the child, else `hang` or `error`."""
    client = sync_client(contender, target)
    client.whole()
    child = os.fork()
    if child == 0:
        try:
            client.whole()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return _outcome(child)


def _outcome(child: int) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "yes" if status == 0 else "error"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hang"
