"""Python programs of their own, where a test needs a process that it may interrupt, fork or end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

PRELUDE = """
import asyncio, faulthandler, json, os, signal, sys, threading, time
import llm_proxy
from llm_proxy import AsyncLlmProxy, LlmProxy
faulthandler.enable()
# Whoever runs the tests may ignore it, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
HI = [{"role": "user", "content": "hi"}]
HOME = json.loads(os.environ["HOME_OF_ENGINE"])
def made(kind, **options):
    if HOME["url"] is None:
        return kind.embedded(HOME["configuration"], settings=HOME["settings"], **options)
    return kind(base_url=HOME["url"], internal_auth=HOME["key"], **options)
def chat(client, model="m", **options):
    return client.chat.completions.create(model=model, messages=HI, **options)
"""

DEADLINE_S = 20


@dataclass
class Ended:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str


class Program:
    """A program under way. `made(LlmProxy)` and `chat(client)` are there for it."""

    def __init__(self, home: Any, source: str) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment["HOME_OF_ENGINE"] = home.as_json()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def interrupt(self) -> float:
        """Ctrl-C; when."""
        now = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        return now

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def ended(self) -> Ended:
        """Waits for its end."""
        try:
            stdout, stderr = self.process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it says where it hangs
            stdout, stderr = self.process.communicate()
        return Ended(self.process.returncode, stdout, stderr)


def run(home: Any, source: str) -> Ended:
    """Runs a program to its end."""
    return Program(home, source).ended()
