"""LangChain through the URL that this process gives."""

import logging
import threading
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAIError

import llm_proxy
from faults import ROLE_AND_TWO, TEXT, Faults, at, refuses, says


@pytest.fixture
def model(any_model: dict[str, Any], faults: Faults) -> Any:
    """A model of LangChain's, without retries of its own."""
    faults.on("m", says())
    with llm_proxy.serve_local(any_model, settings={"RETRY_ATTEMPTS": 1}) as local:
        yield model_of(local)


def model_of(local: llm_proxy.LocalService) -> ChatOpenAI:
    where: Any = {"base_url": local.base_url, "api_key": local.api_key}
    return ChatOpenAI(model="m", max_retries=0, **where)


def test_a_whole_answer(model: ChatOpenAI) -> None:
    assert model.invoke("hi").content == TEXT


def test_a_stream(model: ChatOpenAI) -> None:
    assert "".join(str(chunk.content) for chunk in model.stream("hi")) == TEXT


async def test_the_same_on_a_loop(model: ChatOpenAI) -> None:
    assert (await model.ainvoke("hi")).content == TEXT
    assert "".join([str(chunk.content) async for chunk in model.astream("hi")]) == TEXT


def test_many_at_once(model: ChatOpenAI) -> None:
    answers = model.batch(["hi"] * 20)
    assert [answer.content for answer in answers] == [TEXT] * 20


def test_failures_are_told(model: ChatOpenAI, faults: Faults) -> None:
    faults.on("m", refuses(429))
    with pytest.raises(OpenAIError, match="429"):
        model.invoke("hi")
    faults.on("m", says(at(ROLE_AND_TWO, "reset")))
    with pytest.raises(OpenAIError):
        list(model.stream("hi"))


def test_who_leaves_is_seen_to_leave(model: ChatOpenAI, faults: Faults) -> None:
    faults.on("m", says(at(ROLE_AND_TWO, "stall")))
    stream: Any = model.stream("hi")
    next(stream)
    stream.close()
    faults.wait_until_left()


def test_its_log_comes_when_somebody_comes_by(
    any_model: dict[str, Any], faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "llm_proxy")
    faults.on("m", says())
    with llm_proxy.serve_local(any_model) as local:
        model_of(local).invoke("hi")
    told = [record for record in caplog.records if record.name == "llm_proxy.usage"]
    assert [record.threadName for record in told] == [threading.current_thread().name]
