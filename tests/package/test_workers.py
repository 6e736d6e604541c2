"""A client that was used before its process became several: `multiprocessing`, gunicorn."""

import sys
from pathlib import Path

import httpx
import pytest

from conftest import Home
from faults import TEXT, Faults, says, until
from programs import run
from servers import Recipe, Server


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(either: Home, faults: Faults, tmp_path: Path, method: str) -> None:
    faults.on("m", says())
    script = tmp_path / "script.py"
    script.write_text(
        """
import json, multiprocessing, os
from llm_proxy import LlmProxy
HOME = json.loads(os.environ["HOME_OF_ENGINE"])
def made():
    if HOME["url"] is None:
        return LlmProxy.embedded(HOME["configuration"], settings=HOME["settings"])
    return LlmProxy(base_url=HOME["url"], internal_auth=HOME["key"])
client = made()
def text(_):
    messages = [{"role": "user", "content": "hi"}]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content
if __name__ == "__main__":
    print(text(0))
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        print(*pool.map(text, range(6)), sep="\\n")
    print(text(0))
""".replace("METHOD", method)
    )
    source = f"import runpy; sys.argv = [{str(script)!r}]; sys.path.insert(0, {str(tmp_path)!r})\n"
    ended = run(either, source + f"os.execv(sys.executable, [sys.executable, {str(script)!r}])")
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{TEXT}\n" * 8, "")


def test_gunicorn_with_preload(either: Home, faults: Faults, tmp_path: Path) -> None:
    faults.on("m", says())
    (tmp_path / "app.py").write_text(
        """
import json, os
from llm_proxy import LlmProxy
HOME = json.loads(os.environ["HOME_OF_ENGINE"])
if HOME["url"] is None:
    client = LlmProxy.embedded(HOME["configuration"], settings=HOME["settings"])
else:
    client = LlmProxy(base_url=HOME["url"], internal_auth=HOME["key"])
def text():
    messages = [{"role": "user", "content": "hi"}]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content
before = text()
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{os.getpid()} {before == text()}".encode()]
"""
    )
    server = Server(
        Recipe(
            name="gunicorn",
            command=lambda port: [
                Path(sys.executable).with_name("gunicorn"),
                "app:app", "--preload", "--workers=2", f"--bind=127.0.0.1:{port}",
            ],
            environment=lambda _: {"HOME_OF_ENGINE": either.as_json()},
            ready_path="/",
            directory=tmp_path,
            ready_deadline_s=20,
        )
    ).wait_until_ready()  # fmt: skip
    try:
        answers = [httpx.get(server.url, trust_env=False).text.split() for _ in range(20)]
        assert {worked for _, worked in answers} == {"True"}
        assert str(server.process.pid) not in {worker for worker, _ in answers}
    finally:
        server.terminate()
        until("end of gunicorn", lambda: server.process.poll() is not None)
        server.stop()
    assert server.process.returncode == 0, server.log()
