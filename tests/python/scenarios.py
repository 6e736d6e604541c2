"""The fixtures in `tests/fixtures/<provider>/<scenario>/`, as the Python tests see them.

What the files are is said at the top of `tests/translation/main.rs`. A client of the running
service has to get what the goldens beside them say.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import REPOSITORY

FIXTURES = REPOSITORY / "tests" / "fixtures"
PROVIDERS = ["openai", "azure", "anthropic", "gemini", "mistral", "cohere", "ollama"]
RELAYED = {"openai", "azure"}
REQUEST_ID = "req-1"
"""The request id of the goldens: ids that no vendor gives are made from it."""


@dataclass(frozen=True)
class Scenario:
    """One folder of what a vendor documents."""

    provider: str
    name: str

    @property
    def model(self) -> str:
        """The public name under which the service under test serves it."""
        return f"{self.provider}/{self.name}"

    @property
    def folder(self) -> Path:
        return FIXTURES / self.provider / self.name

    def json(self, file: str) -> Any:
        """A file of the folder; None where it is not there."""
        path = self.folder / file
        return json.loads(path.read_text()) if path.exists() else None

    def text(self, file: str) -> str:
        """The text of a golden, below its head."""
        return (self.folder / file).read_text().split("---\n", 2)[2]

    @property
    def stream(self) -> Path | None:
        """The vendor's stream, whatever its framing."""
        return next(self.folder.glob("stream.[sn][sd]*"), None)

    @property
    def request(self) -> dict[str, Any]:
        """The caller's request, or a plain one."""
        request = self.json("request.json") or {"messages": [{"role": "user", "content": "Hello"}]}
        return dict(request) | {"model": self.model}

    @property
    def is_embeddings(self) -> bool:
        return "input" in self.request

    @property
    def is_refused_here(self) -> bool:
        """The request never reaches the vendor."""
        return (self.folder / "call.snap").exists() and self.text("call.snap").startswith("kind:")

    def refusal(self, golden: str) -> "Refusal | None":
        """The error that a golden tells; None where it tells an answer."""
        text = self.text(golden)
        return Refusal.told_by(text) if text.startswith("kind:") else None

    def golden_answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text("answer.snap"))
        return answer

    def golden_events(self) -> list[str]:
        """The payloads of the events that a client gets."""
        lines = self.text("stream.snap").split("\n")  # texts may hold U+2028
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"


@dataclass(frozen=True)
class Refusal:
    """What a client is told."""

    status: int
    error: dict[str, Any]
    retry_after_s: str | None

    @classmethod
    def told_by(cls, text: str) -> "Refusal":
        status = re.search(r"^status: (\d+)$", text, re.MULTILINE)
        # Waits are rounded up to whole seconds in the header.
        wait = re.search(r"^retry after: Some\(Delay\((\d+)s\)\)$", text, re.MULTILINE)
        assert status is not None
        error = json.loads(text[text.index("{\n") :])["error"]
        return cls(int(status[1]), error, wait[1] if wait else None)


def everything() -> list[Scenario]:
    folders = (path for provider in PROVIDERS for path in sorted((FIXTURES / provider).iterdir()))
    return [Scenario(path.parent.name, path.name) for path in folders if path.is_dir()]


def those_with(*files: str) -> list[Scenario]:
    """The scenarios that have every one of `files`, which may be patterns."""
    return [s for s in everything() if all(any(s.folder.glob(file)) for file in files)]
