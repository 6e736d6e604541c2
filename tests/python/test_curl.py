"""The service as curl sees it, and the README's curl examples, run as they stand.

A README example is a fenced `sh`, `bash` or `console` block whose first command is curl. It speaks
to port 8002 on this machine with the key `change-me-internal-key`; both are replaced here. One that
asks for a model `mock-error-…` has to be refused, every other one to succeed.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from clients import CHAT, streamed
from servers import Server
from sse import DONE
from stack import INTERNAL_KEY, REPOSITORY
from upstream import Upstream

CURL = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "15"]
AUTH = ["--header", f"x-internal-auth: {INTERNAL_KEY}"]
JSON = ["--header", "content-type: application/json"]
REFUSED = 22
# A shell function in curl's name, so that a refused request shows in its exit code: REFUSED.
STRICT = 'set -eu; curl() { command curl --fail-with-body -sS --noproxy "*" -m 15 "$@"; }\n'


def readme_examples() -> list[str]:
    readme = REPOSITORY / "README.md"
    text = readme.read_text() if readme.exists() else ""
    blocks = re.findall(r"^```(?:sh|bash|shell|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands = [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in blocks]
    return [block for block in commands if re.match(r"(#.*\n)*curl\s", block)]


def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CURL, *arguments], capture_output=True, text=True, check=True)


def curl_lines(upstream: Upstream, arguments: Sequence[str]) -> Iterator[str]:
    """The lines as curl prints them; the upstream goes on once the first words are out."""
    command = [*CURL, "--no-buffer", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in upstream.release_after_first_words(process.stdout):
            if line.strip():
                yield line.strip()
    assert process.returncode == 0, "the body ended in its proper form"


def chat(url: str, model: str, *, stream: bool) -> Sequence[str]:
    body = streamed(model) | {"stream": stream}
    return [*AUTH, *JSON, "--data", json.dumps(body), url + CHAT]


def test_the_readme_has_curl_examples() -> None:
    assert len(readme_examples()) >= 2
    assert any(re.search(r"\s(-\w*N|--no-buffer)\b", example) for example in readme_examples())


@pytest.mark.parametrize("example", readme_examples())
def test_a_curl_example_of_the_readme_works(mock_service: Server, example: str) -> None:
    here = re.sub(r"http://(localhost|127\.0\.0\.1):8002", mock_service.url, example)
    script = STRICT + here.replace("change-me-internal-key", INTERNAL_KEY)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20)
    expected = REFUSED if "mock-error-" in example else 0
    assert done.returncode == expected, done.stdout + done.stderr
    assert mock_service.url in script
    assert done.stdout.strip()
    if re.search(r'"stream":\s*true', example):
        # An event has an id behind its data where the request has an idempotency key.
        assert re.search(rf"data: {re.escape(DONE)}(\nid: \d+)?$", done.stdout.rstrip())


def test_curl_gets_a_whole_answer(service: Server) -> None:
    answer = json.loads(curl(*chat(service.url, "scripted", stream=False)).stdout)
    assert answer["object"] == "chat.completion"


def test_curl_gets_a_stream(service: Server) -> None:
    lines = curl("--no-buffer", *chat(service.url, "scripted", stream=True)).stdout.splitlines()
    events = [line for line in lines if line]
    assert events[-1] == f"data: {DONE}"
    assert all(line.startswith("data: ") for line in events)


def test_curl_sees_the_first_words_while_the_provider_holds_the_rest(
    service: Server, upstream: Upstream
) -> None:
    lines = list(curl_lines(upstream, chat(service.url, "scripted-holds", stream=True)))
    assert upstream.released.is_set(), "the first words were seen"
    assert lines[-1] == f"data: {DONE}"


def test_a_broken_stream_ends_for_curl_in_an_error_event(
    service: Server, upstream: Upstream
) -> None:
    *_, last = curl_lines(upstream, chat(service.url, "scripted-dies", stream=True))
    assert json.loads(last.removeprefix("data: "))["error"]["message"]


def test_curl_sees_the_status_and_the_envelope_of_an_error(service: Server) -> None:
    done = curl("--write-out", "\n%{http_code}", f"{service.url}/v1/models")
    body, status = done.stdout.rsplit("\n", 1)
    assert status == "401"
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_curl_is_answered_in_either_version_of_http(service: Server, version: str) -> None:
    answer = json.loads(curl(version, *chat(service.url, "scripted", stream=False)).stdout)
    assert answer["choices"]


def test_health_is_open_to_curl(service: Server) -> None:
    health = json.loads(curl(f"{service.url}/health").stdout)
    assert health["mode"] == "litellm"
    assert health["status"]
    assert health["version"]
