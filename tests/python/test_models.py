"""The list of models, on both of its routes."""

import openai
import pytest
import yaml

from clients import Backend, async_sdk, sdk
from servers import Server
from stack import LITELLM_CONFIG


def configured_models() -> set[str]:
    config = yaml.safe_load(LITELLM_CONFIG.read_text())
    return {entry["model_name"] for entry in config["model_list"]}


@pytest.mark.parametrize("route", ["/v1", "/v1/llm"])
def test_the_models_of_litellm_are_listed(service: Server, route: str) -> None:
    with sdk(service.url + route) as client:
        models = client.models.list().data
    assert {model.id for model in models} >= configured_models()
    assert {model.object for model in models} == {"model"}


async def test_the_async_client_lists_the_models(service: Server) -> None:
    async with async_sdk(f"{service.url}/v1") as client:
        ids = {model.id async for model in client.models.list()}
    assert ids >= configured_models()


def test_both_routes_list_the_same(backend: Backend) -> None:
    with sdk(f"{backend.url}/v1") as one, sdk(f"{backend.url}/v1/llm") as other:
        listed = [[model.id for model in client.models.list()] for client in (one, other)]
    assert listed[0]
    assert listed[0] == listed[1]


def test_the_misbehaving_models_of_the_mock_are_listed(mock_client: openai.OpenAI) -> None:
    ids = {model.id for model in mock_client.models.list()}
    assert ids >= {"mock-error-429", "mock-error-500", "mock-stall", "mock-truncate", "mock-slow"}
