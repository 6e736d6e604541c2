"""The parts of the stack under test: the binaries, their keys and how each is started."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from servers import Recipe, Server
from upstream import Upstream

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
BINARY = Path(os.environ.get("LLM_PROXY_BIN", REPOSITORY / "target/debug/llm-proxy"))
LITELLM = Path(sys.executable).with_name("litellm")
LITELLM_CONFIG = HERE / "litellm_config.yaml"
LOOPBACK = "--host=127.0.0.1"  # its default is every address

INTERNAL_KEY = "internal-" + secrets.token_hex(16)
LITELLM_KEY = "sk-" + secrets.token_hex(24)


def upstream_variables(upstream: Upstream) -> dict[str, str]:
    """What the configurations refer to."""
    return {
        "LITELLM_MASTER_KEY": LITELLM_KEY,
        "TEST_UPSTREAM_KEY": upstream.key,
        "TEST_UPSTREAM_URL": upstream.url,
    }


def litellm_recipe(
    name: str, directory: Path, upstream: Upstream, config: Path = LITELLM_CONFIG
) -> Recipe:
    environment = upstream_variables(upstream) | {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the default downloads prices
        "LITELLM_TELEMETRY": "False",
        "PYTHONUNBUFFERED": "1",
    }
    return Recipe(
        name=name,
        command=lambda port: [LITELLM, "--config", config, f"--port={port}", LOOPBACK],
        environment=lambda _: environment,
        ready_path="/v1/models",  # with the key: it is ours, not merely one that is alive
        ready_headers={"authorization": f"Bearer {LITELLM_KEY}"},
        directory=directory,
        ready_deadline_s=120,
    )


def service_recipe(
    name: str, directory: Path, settings: Mapping[str, str], variables: Mapping[str, str]
) -> Recipe:
    """The service, with `settings` in the form LLM_PROXY__NAME without its prefix.

    A request that fails is asked once, and no endpoint is left alone: tests share a service.
    """
    common = {
        "RETRY_ATTEMPTS": "1",
        "BREAKER_FAILURES": "10000",
        "HOST": "127.0.0.1",
        "WORKERS": "1",
        "LOG_FORMAT": "json",
        "INTERNAL_API_KEY": INTERNAL_KEY,
    }

    def environment(port: int) -> dict[str, str]:
        merged = common | {"PORT": str(port)} | dict(settings)
        named = {f"LLM_PROXY__{setting}": value for setting, value in merged.items()}
        return named | dict(variables)

    return Recipe(
        name=name,
        command=lambda _: [BINARY],
        environment=environment,
        ready_path="/health",
        directory=directory,
        ready_deadline_s=10,
    )


class Services:
    """Starts services that live as long as one test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Server] = []

    def start(
        self, name: str, variables: Mapping[str, str] = MappingProxyType({}), **settings: str
    ) -> Server:
        """`variables` are those that a configuration file refers to."""
        recipe = service_recipe(name, self._directory, settings, variables)
        self._started.append(Server(recipe))
        return self._started[-1].wait_until_ready()

    def before(
        self,
        litellm_url: str,
        name: str,
        variables: Mapping[str, str] = MappingProxyType({}),
        **settings: str,
    ) -> Server:
        backend = {"LITELLM_PROXY_URL": litellm_url, "LITELLM_API_KEY": LITELLM_KEY}
        return self.start(name, variables, LLM_MODE="litellm", **(backend | settings))

    def stop(self) -> None:
        for server in self._started:
            server.stop()
