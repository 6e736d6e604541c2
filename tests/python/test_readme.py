"""The README tells what the program does: settings, defaults, models, routes, error codes."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

import providers_table
from stack import BINARY, REPOSITORY, Services

README = (REPOSITORY / "README.md").read_text()
PROSE = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
NAMES = set(re.findall(r"`([^`\n]+)`", PROSE))
PREFIX = "LLM_PROXY__"


@pytest.fixture(scope="module")
def settings(directory: Path) -> dict[str, str]:
    """Every setting with its default, without the prefix, as `llm-proxy check` shows it."""
    done = subprocess.run(
        [BINARY, "check"], cwd=directory, env={}, capture_output=True, text=True, check=True
    )
    lines = re.findall(rf"^{PREFIX}(\w+) = (.*?)  \(default\)$", done.stdout, re.MULTILINE)
    return dict(lines)


def test_every_setting_is_in_the_readme_with_its_default(settings: dict[str, str]) -> None:
    told_in_words = {"WORKERS", "VERSION", "CONFIG", "INTERNAL_API_KEY", "LITELLM_API_KEY"}
    rows = [line for line in PROSE.splitlines() if line.startswith("|")]
    for name, default in settings.items():
        assert name in NAMES
        in_a_row = any(f"`{name}`" in row and f"`{default}`" in row for row in rows)
        in_brackets = re.search(rf"`{name}`\s+\(`{re.escape(default)}`\)", PROSE)
        assert in_a_row or in_brackets or name in told_in_words, f"{name} = {default}"


def test_every_setting_of_the_readme_exists(settings: dict[str, str]) -> None:
    _, _, section = README.partition("\n## Settings\n")
    table, _, _ = section.partition("\n## ")
    first_cells = re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE)
    told = {name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert told
    assert told <= settings.keys()


def test_every_model_of_the_mock_is_in_the_readme(mock_http: httpx.Client) -> None:
    models = {model["id"] for model in mock_http.get("/v1/models").json()["data"]}
    by_status = {model for model in models if re.fullmatch(r"mock-error-\d+", model)}
    assert by_status
    assert models - by_status - {"mock"} <= NAMES


def test_every_code_of_an_error_is_in_the_readme() -> None:
    rust = [path.read_text() for path in (REPOSITORY / "service/src").rglob("*.rs")]
    without_tests = [text.partition("mod tests {")[0] for text in rust]
    finer = {code for text in without_tests for code in re.findall(r'with_code\("(\w+)"\)', text)}
    kinds = (REPOSITORY / "service/src/error.rs").read_text().partition("fn name(")[2]
    names = set(re.findall(r'=> "(\w+)"', kinds.partition("fn blame(")[0]))
    assert {"internal_error", "not_found"} <= names
    assert "invalid_json" in finer
    untold = (names | finer) - NAMES - {"not_found"}  # which always has a finer code
    assert not untold


def test_every_route_is_in_the_readme(mock_http: httpx.Client) -> None:
    paths = mock_http.get("/openapi.json").json()["paths"]
    assert paths
    assert all(re.search(rf"[ `]{re.escape(path)}`", README) for path in paths)


def test_the_table_of_providers_is_what_the_service_does(
    services: Services, directory: Path
) -> None:
    with providers_table.probing(services, directory) as probe:
        table = providers_table.table(probe)
    assert "\n".join(table) in README, "print it: python tests/python/providers_table.py"
