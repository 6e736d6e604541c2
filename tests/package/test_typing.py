"""What type checkers are told: that it is true, and that it lets through what it should."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALLOWED = HERE / "stubtest_allowlist.txt"
SAMPLE = HERE / "typed_sample.py"


def run(*command: str | Path, directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=directory,
        env=os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(180)
def test_the_stubs_describe_what_is_there(tmp_path: Path) -> None:
    run("mypy.stubtest", "llm_proxy", "--concise", "--allowlist", ALLOWED, directory=tmp_path)


@pytest.mark.timeout(180)
def test_mypy_takes_a_program_that_uses_everything(tmp_path: Path) -> None:
    run(
        "mypy",
        "--strict",
        "--no-incremental",
        "--config-file",
        os.devnull,
        SAMPLE,
        directory=tmp_path,
    )


@pytest.mark.timeout(180)
def test_pyright_takes_it_too(tmp_path: Path) -> None:
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    sample = tmp_path / SAMPLE.name
    sample.write_text(SAMPLE.read_text())
    assert "0 errors" in run("pyright", "--pythonpath", sys.executable, sample, directory=tmp_path)
