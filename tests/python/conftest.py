"""The servers, started once a session, and clients for them.

client -> service -> LiteLLM (the real one) -> Upstream (upstream.py, in this process)
client -> mock_service
client -> native -> Vendors (vendors.py, in this process)
client -> parity_litellm, and client -> parity_service: one configuration, Upstream and Vendors
client -> behind_litellm -> parity_litellm, which speaks Anthropic's and Google's format there
"""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import openai
import pytest
import yaml

import parity
import servers
import vendors
from clients import Backend, async_sdk, plain_http, sdk
from servers import Server
from stack import LITELLM_CONFIG, LITELLM_KEY, Services, litellm_recipe, upstream_variables
from upstream import Upstream
from vendors import Vendors

# Servers


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers run: no `.env` and no configuration file lies there."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(upstream_server: Upstream) -> Iterator[Upstream]:
    """The provider behind LiteLLM, with nothing remembered of earlier tests."""
    upstream_server.reset()
    yield upstream_server
    upstream_server.release()


@pytest.fixture(scope="session")
def litellms(
    request: pytest.FixtureRequest,
    directory: Path,
    upstream_server: Upstream,
    parity_config: Path,
) -> Iterator[dict[str, Server]]:
    """Every LiteLLM proxy that this session needs, started at once: each takes many seconds."""
    configs = {
        "litellm": LITELLM_CONFIG,
        "doomed_litellm": LITELLM_CONFIG,
        "second_doomed_litellm": LITELLM_CONFIG,
        "parity_litellm": parity_config,
    }
    # Which backend a test runs before is not in its arguments.
    wanted = {"litellm"}.union(*(getattr(i, "fixturenames", ()) for i in request.session.items))
    launched = {
        name: Server(litellm_recipe(name, directory, upstream_server, config))
        for name, config in configs.items()
        if name in wanted
    }
    yield launched
    for server in launched.values():
        server.terminate()
    for server in launched.values():
        server.stop()


@pytest.fixture(scope="session")
def litellm(litellms: dict[str, Server]) -> Server:
    """The real LiteLLM proxy."""
    return litellms["litellm"].wait_until_ready()


@pytest.fixture(scope="session")
def doomed_litellm(litellms: dict[str, Server]) -> Server:
    """A LiteLLM proxy for the one test that kills it."""
    return litellms["doomed_litellm"].wait_until_ready()


@pytest.fixture(scope="session")
def second_doomed_litellm(litellms: dict[str, Server]) -> Server:
    """For the other one."""
    return litellms["second_doomed_litellm"].wait_until_ready()


@pytest.fixture(scope="session")
def parity_config(directory: Path, vendors_server: Vendors) -> Path:
    """One file for two proxies."""
    return parity.write_configuration(directory, vendors_server.url)


@pytest.fixture(scope="session")
def parity_litellm(litellms: dict[str, Server]) -> Server:
    """The real LiteLLM proxy with that file."""
    return litellms["parity_litellm"].wait_until_ready()


@pytest.fixture(scope="session")
def parity_service(
    session_services: Services, parity_config: Path, upstream_server: Upstream
) -> Server:
    """The service in native mode with that file."""
    return session_services.start(
        "parity_service",
        upstream_variables(upstream_server),
        LLM_MODE="native",
        CONFIG=str(parity_config),
    )


@pytest.fixture(scope="session")
def behind_litellm(session_services: Services, directory: Path, parity_litellm: Server) -> Server:
    """The service in native mode before a LiteLLM proxy that it takes for Anthropic and Google."""
    config = directory / "behind_litellm.yaml"
    config.write_text(yaml.safe_dump(parity.vendors_at(parity_litellm.url, LITELLM_KEY)))
    return session_services.start("behind_litellm", LLM_MODE="native", CONFIG=str(config))


@pytest.fixture
def services(directory: Path) -> Iterator[Services]:
    started = Services(directory)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def session_services(directory: Path) -> Iterator[Services]:
    started = Services(directory)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def service(session_services: Services, litellm: Server) -> Server:
    """The service in front of the real LiteLLM proxy."""
    return session_services.before(litellm.url, "service", DEFAULT_MODEL="scripted")


@pytest.fixture(scope="session")
def mock_service(session_services: Services) -> Server:
    """The service in mock mode."""
    return session_services.start("mock_service", LLM_MODE="mock")


@pytest.fixture(scope="session")
def vendors_server() -> Iterator[Vendors]:
    """Every vendor, in its own format."""
    started = Vendors()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def native(session_services: Services, directory: Path, vendors_server: Vendors) -> Server:
    """The service in native mode: a model for every scenario of every vendor."""
    config = directory / "vendors.yaml"
    config.write_text(yaml.safe_dump(vendors.configuration(vendors_server.url)))
    return session_services.start("native", LLM_MODE="native", CONFIG=str(config))


# Clients


@pytest.fixture(params=["litellm", "mock"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Runs a test twice: before LiteLLM and in mock mode."""
    if request.param == "mock":
        return Backend(request.getfixturevalue("mock_service").url, "any-model-name")
    return Backend(request.getfixturevalue("service").url, "scripted")


@pytest.fixture
def client(backend: Backend) -> Iterator[openai.OpenAI]:
    with sdk(f"{backend.url}/v1") as opened:
        yield opened


@pytest.fixture
async def async_client(backend: Backend) -> AsyncIterator[openai.AsyncOpenAI]:
    async with async_sdk(f"{backend.url}/v1") as opened:
        yield opened


@pytest.fixture
def http(backend: Backend) -> Iterator[httpx.Client]:
    with plain_http(backend.url) as opened:
        yield opened


@pytest.fixture
def litellm_client(service: Server) -> Iterator[openai.OpenAI]:
    """The SDK before the service before LiteLLM, for tests that only make sense there."""
    with sdk(f"{service.url}/v1") as opened:
        yield opened


@pytest.fixture
def litellm_http(service: Server) -> Iterator[httpx.Client]:
    with plain_http(service.url) as opened:
        yield opened


@pytest.fixture
def mock_client(mock_service: Server) -> Iterator[openai.OpenAI]:
    with sdk(f"{mock_service.url}/v1") as opened:
        yield opened


@pytest.fixture
def mock_http(mock_service: Server) -> Iterator[httpx.Client]:
    with plain_http(mock_service.url) as opened:
        yield opened


# What a failed test shows


def pytest_runtest_setup() -> None:
    for server in servers.running:
        server.mark_log()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for server in servers.running:
            if text := server.log_since_mark():
                report.sections.append((f"log of {server.recipe.name}", text))
    return report
