"""Ctrl-C in a call that waits: when Python hears of it."""

from __future__ import annotations

import time

from contract import Target, sync_client
from tell import tell

_MODEL = "bench-stream-100-20"


def head(contender: str, target: Target, trials: int) -> None:
    """While there is no answer yet."""
    client = sync_client(contender, target)
    for _ in range(trials):
        tell(state="calling")
        try:
            client.whole()
        except KeyboardInterrupt:
            tell(at=time.monotonic())


def stream(contender: str, target: Target, trials: int) -> None:
    """While a stream that has begun is silent."""
    client = sync_client(contender, target)

    def read(_text: str) -> bool:
        tell(state="reading")
        return False

    for _ in range(trials):
        tell(state="calling")
        try:
            client.read(_MODEL, read)
        except KeyboardInterrupt:
            tell(at=time.monotonic())
