"""What importing costs: no thread, none of the slow modules."""

import json
import subprocess
import sys

SLOW = [
    "asyncio", "collections.abc", "concurrent", "contextlib", "dataclasses", "datetime", "email",
    "enum", "functools", "importlib.metadata", "inspect", "json", "logging", "pathlib", "re",
    "socket", "ssl", "threading", "typing", "urllib",
]  # fmt: skip

# -S: the site of this environment imports more than the interpreter does.
SCRIPT = f"""
import os, sys
sys.path.insert(0, {next(p for p in sys.path if p.endswith("site-packages"))!r})
class Forbidden:
    def find_spec(self, name, *_):
        if name in {SLOW!r}:
            raise ImportError(f"{{name}} takes too long")
assert not set({SLOW!r}) & set(sys.modules)
sys.meta_path.insert(0, Forbidden())
import llm_proxy
threads = len(os.listdir("/proc/self/task"))
print(f'[{{threads}}, "{{llm_proxy.LlmProxy.__module__}}"]')
"""

MAKES_A_CLIENT = """
import os
import llm_proxy
llm_proxy.LlmProxy()
llm_proxy.AsyncLlmProxy.embedded({"model_list": []}, settings={"LLM_MODE": "mock"})
print(len(os.listdir("/proc/self/task")))
"""


def run(script: str, *flags: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *flags, "-c", script], capture_output=True, text=True, check=False, env={}
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_importing_needs_no_slow_module_and_starts_no_thread() -> None:
    assert [json.loads(line) for line in run(SCRIPT, "-S")] == [[1, "llm_proxy"]]


def test_making_a_client_starts_no_thread() -> None:
    assert run(MAKES_A_CLIENT) == ["1"]
