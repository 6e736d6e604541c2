"""The examples of docs/python.md, each section run as one program beside a service in mock mode."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from servers import Server
from stack import INTERNAL_KEY, REPOSITORY

PAGE = (REPOSITORY / "docs/python.md").read_text()
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """By section: its examples in order."""
    parts = HEADING.split(PAGE)
    sections = zip(parts[1::2], parts[2::2], strict=True)
    found = {title: "\n".join(EXAMPLE.findall(text)) for title, text in sections}
    return {title: program for title, program in found.items() if program}


PROGRAMS = programs()
# What a section has to have said, beside ending well.
SAID = {
    "A first answer": ["tokens, from mock", "it says:", "job-17", "2 vectors of"],
    "Streams": ["stream_truncated; so far: '"],
    "asyncio": ["['"],
    "In this process": ["I stand in. from mock/spare after", "openai/gpt-4o-mini"],
    "What happens meanwhile": ["openai/gpt-4o-mini failed, asking mock/spare", "Hello.", "healthy"],
    "LangChain, the OpenAI SDK and others": ["/v1\nHello from LangChain.\nHello from LangChain."],
    "Errors": ["try again in 1 s"],
    "Timeouts and retries": ["0.2"],
    "Threads, processes, signals": ["20 answers"],
    "Logging": [],
}


def test_every_section_with_examples_is_run() -> None:
    assert PROGRAMS.keys() == SAID.keys()


def test_every_example_is_in_a_section() -> None:
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) > 10
    assert all(any(example in program for program in PROGRAMS.values()) for example in examples)


@pytest.mark.parametrize("title", PROGRAMS)
def test_the_examples_run(title: str, mock_service: Server, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(PROGRAMS[title])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LLM_PROXY__BASE_URL": mock_service.url,
        "LLM_PROXY__INTERNAL_API_KEY": INTERNAL_KEY,
        "OPENAI_API_KEY": "a-key",
    }
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    missing = [text for text in SAID[title] if text not in done.stdout]
    assert not missing, done.stdout + done.stderr


def test_usage_records_are_logged_as_the_page_says(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(PROGRAMS["Logging"])
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert "INFO:llm_proxy.usage:" in done.stderr
