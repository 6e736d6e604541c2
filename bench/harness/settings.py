"""Where things are, and the values that every contender shares."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
PEER_CONFIGS = BENCH / "peers"
RESULTS = BENCH / "results"
BINARIES = ROOT / "target" / "release"
LITELLM_VENV = ROOT / ".cache" / "bench-litellm"
TENSORZERO_VENV = ROOT / ".cache" / "bench-tensorzero"

PROXY_CORE = 0
LOAD_CORE = 1

# What callers show to a proxy, and what a proxy must show to the upstream in its place.
# LiteLLM refuses short or well-known keys.
CALLER_KEY = "sk-bench-caller-5b0d6b7d1f0e4c0fa3c7e2d49a"
UPSTREAM_KEY = "sk-bench-upstream-83c1f6e2a9d54b7f8e60c1b7"

CHAT_PATH = "/v1/chat/completions"
UPSTREAM_PORT = 21300
FIRST_PEER_PORT = 21310
"""Below the range that the kernel gives to clients, so that none of them is in the way."""

QUIET = 0.05
"""Others may use this much of either core during a window; beyond that it is measured again."""

SATURATED = 0.95
"""Requests a second and percentiles count only when the proxy used this much of its core."""

OPEN_FILES = 20_000
"""5,000 streams are 10,000 connections of a proxy."""
