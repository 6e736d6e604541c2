"""The Python clients, and what must be said about each."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.settings import ROOT

VENVS = ROOT / ".cache"
DIST = ROOT / "dist"


class MissingWheelError(Exception):
    """There is no wheel of ours to measure."""


@dataclass(frozen=True)
class Contender:
    """A client."""

    name: str
    package: str
    """On PyPI; ours is in `dist/`."""
    module: str
    note: str
    has_sync: bool = True
    is_imported: bool = True
    """Whether it is a module of its own, and not another one's second home."""
    skips: frozenset[str] = frozenset()
    """Rows that would show nothing new."""
    most_streams: int | None = None
    """As many as it can carry on one core, if fewer than asked for."""

    @property
    def venv(self) -> Path:
        """Contenders of one package share it."""
        return VENVS / f"bench-python-{self.package}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin" / "python"

    def prepare(self) -> None:
        """Installs the package, unless it is there."""
        wanted = wheel() if self.package == "llm-proxy" else None
        mark = self.venv / "installed"
        known = hashlib.sha256(wanted.read_bytes()).hexdigest() if wanted else self.package
        if mark.exists() and mark.read_text() == known:
            return
        _run(sys.executable, "-m", "venv", str(self.venv))
        install = (str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "-q")
        _run(*install, "--force-reinstall", str(wanted) if wanted else self.package)
        mark.write_text(known)

    def version(self) -> str:
        """Of the package, as it is installed."""
        program = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        command = [str(self.python), "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def wheel() -> Path:
    """Ours.

    Raises MissingWheelError when there is none.
    """
    found = sorted(DIST.glob("llm_proxy-*.whl"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise MissingWheelError("no wheel in dist/: `make wheel` builds it")
    return found[-1]


def _run(*command: str) -> None:
    print("+", *command, file=sys.stderr, flush=True)
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=True)


CLIENT = "llm-proxy"
EMBEDDED = "llm-proxy-embedded"

CONTENDERS = (
    Contender(
        CLIENT,
        "llm-proxy",
        "llm_proxy",
        "our client, calling the upstream as if that were the service",
    ),
    Contender(
        EMBEDDED,
        "llm-proxy",
        "llm_proxy",
        "our engine in the process, native mode: routing, breakers, usage records",
        is_imported=False,
    ),
    Contender("openai", "openai", "openai", "OpenAI's SDK"),
    Contender("httpx", "httpx", "httpx", "events parsed by hand, line by line, with `json`"),
    Contender(
        "aiohttp",
        "aiohttp",
        "aiohttp",
        "the same; it has no client for threads",
        has_sync=False,
    ),
    Contender(
        "litellm",
        "litellm",
        "litellm",
        "`completion`, `acompletion`; 100 streams where others have more, which is what one core "
        "of it carries",
        skips=frozenset({"streams-1000"}),
        most_streams=100,
    ),
    Contender(
        "tensorzero",
        "tensorzero",
        "tensorzero",
        "the gateway embedded in the process, no database; its streams have no `close`",
    ),
)
