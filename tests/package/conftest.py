"""Two homes of one client: a service before the scripted upstream, and this process.

    client -> service -> Upstream (tests/python/upstream.py, in this process)
    client -> engine of this process -> Upstream
    mock_service: the service in mock mode, for what needs no upstream

The installed wheel is tested, never the sources. What runs the servers is shared with tests/python.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent.parent / "python"))

from faults import Faults, started
from llm_proxy import AsyncLlmProxy, LlmProxy
from servers import Server
from stack import INTERNAL_KEY, Services
from upstream import Upstream

MODELS = [
    "scripted",
    "scripted-holds",
    "scripted-dies",
    "scripted-cut",
    "scripted-one-call",
    "scripted-unicode",
    "scripted-length",
    "scripted-429",
    "scripted-400",
    "scripted-404",
    "scripted-500",
    "scripted-503",
    "scripted-401",
    "scripted-too-long",
    "scripted-embedding",
]
# As tests/python/stack.py has it for services: tests share an engine, and no failure is to be
# waited out.
SETTINGS = {"RETRY_ATTEMPTS": 1, "BREAKER_FAILURES": 10000}


@pytest.fixture(scope="session", autouse=True)
def _untouched(directory: Path) -> Iterator[None]:
    """No proxy, key, `.env` or configuration of the machine's decides a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("LLM_PROXY__") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.chdir(directory)
        yield


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where servers and embedded engines run."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(upstream_server: Upstream) -> Iterator[Upstream]:
    """The provider, with nothing remembered of earlier tests."""
    upstream_server.reset()
    yield upstream_server
    upstream_server.release()


@pytest.fixture(scope="session")
def configuration(upstream_server: Upstream) -> dict[str, Any]:
    """LiteLLM's form: a model for every script of the upstream."""
    params = {"api_base": upstream_server.url, "api_key": upstream_server.key}
    entries = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}"} | params}
        for name in MODELS
    ]
    return {"model_list": entries}


@pytest.fixture(scope="session")
def session_services(directory: Path) -> Iterator[Services]:
    started = Services(directory)
    yield started
    started.stop()


@pytest.fixture
def services(directory: Path) -> Iterator[Services]:
    started = Services(directory)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def mock_service(session_services: Services) -> Server:
    """The service in mock mode."""
    return session_services.start("mock_service", LLM_MODE="mock")


@pytest.fixture(scope="session")
def service(session_services: Services, directory: Path, configuration: dict[str, Any]) -> Server:
    """The service in native mode before the scripted upstream."""
    config = directory / "service.yaml"
    config.write_text(json.dumps(configuration))  # JSON is YAML
    return session_services.start("service", LLM_MODE="native", CONFIG=str(config))


@dataclass(frozen=True)
class Home:
    """Where the engine is; makes clients of it."""

    configuration: dict[str, Any]
    url: str | None
    """`None` where it is this process."""
    settings: Mapping[str, Any] = field(default_factory=SETTINGS.copy)

    def sync(self, **options: Any) -> LlmProxy:
        if self.url is None:
            return LlmProxy.embedded(self.configuration, settings=self.settings, **options)
        return LlmProxy(base_url=self.url, internal_auth=INTERNAL_KEY, **options)

    def as_json(self) -> str:
        """For a program of its own."""
        return json.dumps(
            {
                "url": self.url,
                "key": INTERNAL_KEY,
                "configuration": self.configuration,
                "settings": self.settings,
            }
        )

    def asynchronous(self, **options: Any) -> AsyncLlmProxy:
        if self.url is None:
            return AsyncLlmProxy.embedded(self.configuration, settings=self.settings, **options)
        return AsyncLlmProxy(base_url=self.url, internal_auth=INTERNAL_KEY, **options)


@pytest.fixture(params=["service", "embedded"])
def home(
    request: pytest.FixtureRequest,
    configuration: dict[str, Any],
    upstream: Upstream,  # noqa: ARG001, it has to be reset
) -> Home:
    """Runs a test twice."""
    if request.param == "embedded":
        return Home(configuration, None)
    return Home(configuration, request.getfixturevalue("service").url)


@pytest.fixture
def client(home: Home) -> Iterator[LlmProxy]:
    with home.sync() as opened:
        yield opened


@pytest.fixture
async def async_client(home: Home) -> AsyncIterator[AsyncLlmProxy]:
    async with home.asynchronous() as opened:
        yield opened


# Before the upstream that misbehaves


@pytest.fixture(scope="session")
def faults_server() -> Iterator[Faults]:
    yield from started()


@pytest.fixture
def faults(faults_server: Faults) -> Iterator[Faults]:
    """The upstream that misbehaves, with nothing remembered of earlier tests."""
    faults_server.reset()
    yield faults_server
    faults_server.reset()


@pytest.fixture(scope="session")
def any_model(faults_server: Faults) -> dict[str, Any]:
    """LiteLLM's form: every model is the misbehaving upstream's."""
    params = {"model": "openai/*", "api_base": f"{faults_server.url}/v1", "api_key": "k"}
    return {"model_list": [{"model_name": "*", "litellm_params": params}]}


@pytest.fixture(scope="session")
def distant(session_services: Services, directory: Path, any_model: dict[str, Any]) -> Home:
    """A service before that upstream."""
    config = directory / "distant.yaml"
    config.write_text(json.dumps(any_model))
    url = session_services.start("distant", LLM_MODE="native", CONFIG=str(config)).url
    return Home(any_model, url)


@pytest.fixture(scope="session")
def near(any_model: dict[str, Any]) -> Home:
    """The engine of this process before that upstream."""
    return Home(any_model, None)


# It asks twice, without waits, then another endpoint where there is one, and leaves one alone
# after three failures.
HASTY = {
    "RETRY_ATTEMPTS": 2,
    "RETRY_BASE_MS": 1,
    "RETRY_MAX_MS": 1,
    "FAILOVER": "patient",
    "BREAKER_FAILURES": 3,
    "KEEPALIVE_INTERVAL_S": 0.05,
}


@pytest.fixture
def hasty(faults: Faults, services: Services, directory: Path) -> list[Home]:
    """A service and an engine of this process, both of the test's own, that ask again.

    `pair` has two endpoints, `first` and `second`; every other model has one.
    """
    params = {"api_base": f"{faults.url}/v1", "api_key": "k"}
    models = [("pair", "first", 1), ("pair", "second", 2), ("*", "*", 1)]
    entries = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{model}", "order": order} | params,
        }
        for name, model, order in models
    ]
    configuration = {"model_list": entries}
    config = directory / "hasty.yaml"
    config.write_text(json.dumps(configuration))
    settings: Any = {name: str(value) for name, value in HASTY.items()}
    service = services.start("hasty", LLM_MODE="native", CONFIG=str(config), **settings)
    return [Home(configuration, service.url), Home(configuration, None, HASTY)]


@pytest.fixture(params=["service", "embedded"])
def either(request: pytest.FixtureRequest, faults: Faults, distant: Home, near: Home) -> Home:  # noqa: ARG001, it has to be reset
    """Runs a test twice."""
    return near if request.param == "embedded" else distant
