"""The list of contenders, and what must be said about each."""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from harness import install
from harness.contender import Peer, RunningPeer
from harness.settings import (
    BINARIES,
    CALLER_KEY,
    CHAT_PATH,
    FIRST_PEER_PORT,
    LITELLM_VENV,
    PEER_CONFIGS,
    TENSORZERO_VENV,
    UPSTREAM_KEY,
    UPSTREAM_PORT,
)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _found(pattern: str, *command: str) -> str:
    match = re.search(pattern, _output(*command))
    return match[1] if match else "unknown"


def _python_version(venv: Path, package: str) -> str:
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    return _output(str(venv / "bin" / "python"), "-c", program).strip()


def _nginx_command(config: str) -> Callable[[Path, int], list[str]]:
    return lambda directory, _port: ["nginx", "-p", str(directory), "-c", config]


def _commit() -> str:
    describe = _output("git", "-C", str(PEER_CONFIGS), "describe", "--always", "--dirty").strip()
    return describe if "fatal" not in describe else "uncommitted"


def _llm_proxy_environment(mode: Mapping[str, str]) -> Callable[[int], Mapping[str, str]]:
    """From its port to what it is told: `mode`, and what is the same in every mode."""
    return lambda port: {
        **mode,
        "LLM_PROXY__HOST": "127.0.0.1",
        "LLM_PROXY__PORT": str(port),
        "LLM_PROXY__WORKERS": "1",
        "LLM_PROXY__INTERNAL_API_KEY": CALLER_KEY,
        "LLM_PROXY__LOG_LEVEL": "INFO",
        "LLM_PROXY__LOG_FORMAT": "json",
    }


NGINX = Peer(
    name="nginx",
    prepare=lambda: install.debian_packages(["nginx"]),
    version=lambda: _found(r"nginx/(\S+)", "nginx", "-v"),
    config="nginx.conf",
    command=_nginx_command("nginx.conf"),
    note="the reference: `proxy_pass`, key check, no buffering, no access log, one worker "
    "(its memory includes the master process)",
)

NGINX_LUA = Peer(
    name="nginx-lua",
    prepare=lambda: install.debian_packages(["nginx", "libnginx-mod-http-lua", "lua-cjson"]),
    version=lambda: _found(r"nginx/(\S+)", "nginx", "-v"),
    config="nginx-lua.conf",
    command=_nginx_command("nginx-lua.conf"),
    note="nginx doing our job: key check, body parsed with cjson, routed on `model`",
)

HAPROXY = Peer(
    name="haproxy",
    prepare=lambda: install.debian_packages(["haproxy"]),
    version=lambda: _found(r"version (\S+)", "haproxy", "-v"),
    config="haproxy.cfg",
    command=lambda _directory, _port: ["haproxy", "-db", "-f", "haproxy.cfg"],
    note="key check, `option http-no-delay`, one thread",
)

LLM_PROXY = Peer(
    name="llm-proxy",
    prepare=lambda: install.release_binaries(["llm-proxy"]),
    version=_commit,
    command=lambda _directory, _port: [str(BINARIES / "llm-proxy")],
    environment=_llm_proxy_environment(
        {
            "LLM_PROXY__LLM_MODE": "litellm",
            "LLM_PROXY__LITELLM_PROXY_URL": f"http://127.0.0.1:{UPSTREAM_PORT}",
            "LLM_PROXY__LITELLM_API_KEY": UPSTREAM_KEY,
        }
    ),
    ready_path="/health",
    note="everything on, as users run it: usage records, access log (JSON, to a file), metrics",
)


def _native(name: str, note: str, scenarios: frozenset[str]) -> Peer:
    """The same program with the same things on, with `peers/<name>.yaml` in LiteLLM's place."""
    config = f"{name}.yaml"
    mode = {"LLM_PROXY__LLM_MODE": "native", "LLM_PROXY__CONFIG": config}
    return replace(
        LLM_PROXY,
        name=name,
        config=config,
        environment=_llm_proxy_environment(mode),
        scenarios=scenarios,
        note=note,
    )


LLM_PROXY_NATIVE = _native(
    "llm-proxy-native",
    "llm-proxy in native mode, before an OpenAI-compatible provider: relayed",
    frozenset({"req-1k", "stream-200", "stream-1000"}),
)

LLM_PROXY_ANTHROPIC = replace(
    _native(
        "llm-proxy-anthropic",
        "llm-proxy in native mode, before Anthropic's Messages API: every chunk is translated",
        frozenset({"stream-200", "stream-1000"}),
    ),
    relays_bytes=False,
)

TENSORZERO = Peer(
    name="tensorzero",
    prepare=lambda: install.virtual_environment(TENSORZERO_VENV),
    version=lambda: _python_version(TENSORZERO_VENV, "tensorzero"),
    config="tensorzero.toml",
    command=lambda _directory, _port: [
        str(TENSORZERO_VENV / "bin" / "python"),
        str(PEER_CONFIGS / "tensorzero_gateway.py"),
        "tensorzero.toml",
    ],
    environment=lambda _port: {"TOKIO_WORKER_THREADS": "1", "BENCH_UPSTREAM_KEY": UPSTREAM_KEY},
    caller_headers={},
    path="/openai/v1/chat/completions",
    model_prefix="tensorzero::model_name::",
    start_timeout_s=30,
    prints_base_url=True,
    relays_bytes=False,
    scenarios=frozenset(
        {"req-1k", "req-60k", "rate-1000", "stream-200", "stream-1000", "memory-1000"}
    ),
    note="the gateway inside its wheel, served over HTTP by a Python process (its memory includes "
    "the interpreter); no database, therefore no key check; one tokio worker",
)

LITELLM = Peer(
    name="litellm",
    prepare=lambda: install.virtual_environment(LITELLM_VENV),
    version=lambda: _python_version(LITELLM_VENV, "litellm"),
    config="litellm.yaml",
    command=lambda _directory, port: [
        str(LITELLM_VENV / "bin" / "litellm"),
        *("--config", "litellm.yaml", "--host", "127.0.0.1"),
        *("--port", str(port), "--num_workers", "1"),
    ],
    environment=lambda _port: {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    caller_headers={"authorization": f"Bearer {CALLER_KEY}"},
    ready_path="/health/readiness",
    start_timeout_s=120,
    warm_up_s=5,
    relays_bytes=False,
    scenarios=frozenset({"req-1k", "stream-200", "memory-1000"}),
    most_streams=20,
    note="one worker, no database; 20 streams where others have 200 or more, which is what one "
    "core of it carries",
)

OURS = (LLM_PROXY, LLM_PROXY_NATIVE, LLM_PROXY_ANTHROPIC)
CONTENDERS = (NGINX, NGINX_LUA, HAPROXY, *OURS, TENSORZERO, LITELLM)
"""In the order of the tables; nginx is the reference."""

DIRECT = Peer(
    name="direct",
    prepare=lambda: None,
    version=lambda: "",
    command=lambda _directory, _port: [],
    caller_headers={"authorization": f"Bearer {UPSTREAM_KEY}"},
    scenarios=frozenset({"rate-1000", "stream-200", "stream-1000", "stream-5000"}),
    note="no proxy at all: what the load generator and the upstream add themselves",
)


def direct() -> RunningPeer:
    """The upstream in a contender's place."""
    return RunningPeer(DIRECT, None, UPSTREAM_PORT, CHAT_PATH)


def port_of(peer: Peer) -> int:
    """Where a contender listens, unless it decides for itself."""
    return FIRST_PEER_PORT + CONTENDERS.index(peer)
