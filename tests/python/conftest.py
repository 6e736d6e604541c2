"""The servers, started once a session, and clients for them.

client -> service -> LiteLLM (the real one) -> Upstream (upstream.py, in this process)
client -> mock_service
client -> native -> Vendors (vendors.py, in this process)
"""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import openai
import pytest
import yaml

import servers
import vendors
from clients import Backend, async_sdk, plain_http, sdk
from servers import Server
from stack import Services, litellm_recipe
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
def litellm(
    request: pytest.FixtureRequest, directory: Path, upstream_server: Upstream
) -> Iterator[Server]:
    """The real LiteLLM proxy."""
    server = Server(litellm_recipe("litellm", directory, upstream_server))
    if any("doomed_litellm" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("doomed_litellm_launch")  # seconds to start, so both at once
    yield server.wait_until_ready()
    server.stop()


@pytest.fixture(scope="session")
def doomed_litellm_launch(directory: Path, upstream_server: Upstream) -> Iterator[Server]:
    server = Server(litellm_recipe("doomed_litellm", directory, upstream_server))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def doomed_litellm(doomed_litellm_launch: Server) -> Server:
    """A LiteLLM proxy for the one test that kills it."""
    return doomed_litellm_launch.wait_until_ready()


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
