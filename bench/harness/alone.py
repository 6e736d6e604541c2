"""What every run begins with."""

import argparse
import fcntl
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.settings import OPEN_FILES

LOCK = Path("/tmp/llm-proxy-bench.lock")


@contextmanager
def alone() -> Iterator[None]:
    """Waits until no other run is underway on this machine: they would measure each other."""
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another run to end", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def raise_open_files() -> None:
    """For whatever is started from here."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        print(f"only {hard} open files allowed, {OPEN_FILES} wanted", file=sys.stderr)


def names(known: Iterable[str], text: str) -> list[str]:
    """A list of names that the command line gives.

    Raises ArgumentTypeError on one that is not known.
    """
    given = text.split(",")
    unknown = set(given).difference(known)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return given
