"""What the engine logs goes to Python's `logging`, on the threads of its callers, and nowhere else."""

import logging
import threading

import pytest

from conftest import Home
from faults import Faults, refuses, says
from programs import run

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "llm_proxy")
    return caplog


def of(heard: pytest.LogCaptureFixture, name: str) -> list[logging.LogRecord]:
    return [record for record in heard.records if record.name == name]


def test_usage_records_come_on_the_callers_thread(
    near: Home, faults: Faults, heard: pytest.LogCaptureFixture
) -> None:
    faults.on("m", says())

    def call() -> None:
        with near.sync() as client:
            client.chat.completions.create(model="m", messages=HI)
            list(client.chat.completions.create(model="m", messages=HI, stream=True))

    caller = threading.Thread(target=call, name="the caller")
    caller.start()
    caller.join(10)
    told = of(heard, "llm_proxy.usage")
    assert [" model=m " in record.getMessage() for record in told] == [True, True]
    assert {record.threadName for record in told} == {"the caller"}
    assert {record.levelno for record in told} == {logging.INFO}


async def test_usage_records_come_on_the_loop(
    near: Home, faults: Faults, heard: pytest.LogCaptureFixture
) -> None:
    faults.on("m", says())
    async with near.asynchronous() as client:
        for _ in range(3):
            await client.chat.completions.create(model="m", messages=HI)
    told = of(heard, "llm_proxy.usage")
    assert len(told) == 3
    assert {record.threadName for record in told} == {threading.current_thread().name}


def test_warnings_come_with_what_they_are_about(
    near: Home, faults: Faults, heard: pytest.LogCaptureFixture
) -> None:
    faults.on("m", refuses(500))
    with near.sync() as client, pytest.raises(Exception, match="502"):
        client.chat.completions.create(
            model="m", messages=HI, extra_headers={"x-request-id": "looked-for"}
        )
    told = [record.getMessage() for record in of(heard, "llm_proxy")]
    assert any("looked-for" in message for message in told), told


def test_what_nobody_wants_to_hear_is_not_told(
    near: Home, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "llm_proxy")
    faults.on("m", refuses(500))
    with near.sync() as client, pytest.raises(Exception, match="502"):
        client.chat.completions.create(model="m", messages=HI)
    assert caplog.records == []


def test_without_any_set_up_warnings_are_shown_and_nothing_else(near: Home, faults: Faults) -> None:
    faults.on("m", says())
    faults.on("broken", refuses(500))
    ended = run(
        near,
        """
client = made(LlmProxy)
chat(client)
try:
    chat(client, "broken")
except llm_proxy.APIStatusError:
    pass
""",
    )
    [warning] = ended.stderr.splitlines()
    assert 'outage request_id=' in warning
    assert (ended.code, ended.stdout) == (0, "")


def test_a_null_handler_silences_it(near: Home, faults: Faults) -> None:
    faults.on("broken", refuses(500))
    ended = run(
        near,
        """
import logging
logging.getLogger("llm_proxy").addHandler(logging.NullHandler())
logging.getLogger("llm_proxy").setLevel(logging.DEBUG)
try:
    chat(made(LlmProxy), "broken")
except llm_proxy.APIStatusError:
    pass
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_handler_that_raises_breaks_no_call(near: Home, faults: Faults) -> None:
    faults.on("m", says())
    ended = run(
        near,
        """
import logging
class Broken(logging.Filter):
    def filter(self, record): raise ZeroDivisionError
logging.getLogger("llm_proxy.usage").addFilter(Broken())
logging.getLogger("llm_proxy").setLevel(logging.INFO)
sys.unraisablehook = lambda seen: print(seen.exc_type.__name__)
with made(LlmProxy) as client:
    print(chat(client).choices[0].message.content)
""",
    )
    assert sorted(ended.stdout.splitlines()) == ["One two three four.", "ZeroDivisionError"]
    assert (ended.code, ended.stderr) == (0, "")


def test_the_last_lines_are_told_at_the_exit(near: Home, faults: Faults) -> None:
    faults.on("m", says())
    ended = run(
        near,
        """
import logging
logging.basicConfig(level=logging.INFO, format="%(name)s %(threadName)s", stream=sys.stdout)
client = made(LlmProxy)
list(chat(client, stream=True))
""",
    )
    assert "llm_proxy.usage MainThread" in ended.stdout.splitlines()
    assert (ended.code, ended.stderr) == (0, "")


def test_a_logger_may_make_calls_itself(near: Home, faults: Faults) -> None:
    faults.on("m", says())
    ended = run(
        near,
        """
import logging
asked = []
class Asks(logging.Handler):
    def emit(self, record):
        if len(asked) < 2:
            asked.append(record)
            chat(client)
logging.getLogger("llm_proxy").addHandler(Asks())
logging.getLogger("llm_proxy").setLevel(logging.INFO)
client = made(LlmProxy)
for _ in range(4): chat(client)
client.close()
print(len(asked))
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "2\n", "")
