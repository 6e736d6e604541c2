"""`serve_local`: the engine of this process for whoever takes a URL; and the console command of the
wheel."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

import llm_proxy
from servers import Recipe, Server
from upstream import TEXT, Upstream

HI: Any = [{"role": "user", "content": "hi"}]
COMMAND = Path(sys.executable).with_name("llm-proxy")


def test_the_openai_sdk_uses_the_engine(configuration: dict[str, Any], upstream: Upstream) -> None:
    with (
        llm_proxy.serve_local(configuration, settings={"RETRY_ATTEMPTS": 1}) as local,
        openai.OpenAI(base_url=local.base_url, api_key=local.api_key, max_retries=0) as client,
    ):
        answer = client.chat.completions.create(model="scripted", messages=HI)
        assert answer.choices[0].message.content == TEXT
        stream = client.chat.completions.create(model="scripted", messages=HI, stream=True)
        said = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
        assert "".join(said) == TEXT
    assert len(upstream.requests) == 2


def test_our_own_client_uses_it_too(configuration: dict[str, Any], upstream: Upstream) -> None:
    upstream.release()
    with (
        llm_proxy.serve_local(configuration) as local,
        llm_proxy.LlmProxy(base_url=local.base_url, internal_auth=local.api_key) as client,
    ):
        answer = client.chat.completions.create(model="scripted", messages=HI)
    assert answer.choices[0].message.content == TEXT


def test_nobody_without_the_key_uses_it(configuration: dict[str, Any]) -> None:
    with llm_proxy.serve_local(configuration) as local:
        for key in ("change-me-internal-key", ""):
            headers = {"x-internal-auth": key} if key else {}
            answer = httpx.get(f"{local.base_url}/models", headers=headers, trust_env=False)
            assert answer.status_code == 401


def test_each_has_a_key_of_its_own(configuration: dict[str, Any]) -> None:
    with (
        llm_proxy.serve_local(configuration) as one,
        llm_proxy.serve_local(configuration) as other,
    ):
        assert one.api_key != other.api_key
        assert one.url != other.url
        assert one.api_key not in repr(one)


def test_closed_it_listens_no_more(configuration: dict[str, Any]) -> None:
    local = llm_proxy.serve_local(configuration)
    url = f"{local.url}/health"
    assert httpx.get(url, trust_env=False).status_code == 200
    local.close()
    local.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize("command", [[COMMAND], [sys.executable, "-m", "llm_proxy"]])
def test_the_wheel_brings_the_command(command: list[str | Path], tmp_path: Path) -> None:
    done = subprocess.run(
        [*command, "check"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "LLM_PROXY__LLM_MODE = litellm  (default)" in done.stdout


def test_the_command_fails_as_the_program_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "check"],
        cwd=tmp_path,
        env={"LLM_PROXY__PORT": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert "LLM_PROXY__PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(stop: signal.Signals, tmp_path: Path) -> None:
    settings = {"LLM_PROXY__LLM_MODE": "mock", "LLM_PROXY__WORKERS": "1"}
    recipe = Recipe(
        name="command",
        command=lambda _: [COMMAND, "serve"],
        environment=lambda port: settings | {"LLM_PROXY__PORT": str(port)},
        ready_path="/health",
        directory=tmp_path,
        ready_deadline_s=10,
    )
    serving = Server(recipe).wait_until_ready()
    serving.process.send_signal(stop)
    assert serving.process.wait(10) == 0
    serving.stop()
    assert "Traceback" not in serving.log()
