"""Ctrl-C while a call waits: the program is told at once, and the upstream too."""

import time

import pytest

from conftest import Home
from faults import SILENT, STALLS, Faults, says
from programs import Program

# Loose: the machine that runs this may be busy. What it takes is printed.
SOON_S = 1.0
TIMES = 3

SYNC = """
client = made(LlmProxy)
try:
    answer = chat(client, stream=STREAM)
    if STREAM:
        for chunk in answer:
            print("chunk", flush=True)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
    sys.stdin.readline()
"""
ASYNC = """
async def main():
    client = made(AsyncLlmProxy)
    answer = await chat(client, stream=STREAM)
    async for chunk in answer:
        print("chunk", flush=True)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
    sys.stdin.readline()
"""
UVLOOP = ASYNC.replace("asyncio.run", "__import__('uvloop').run")


@pytest.mark.parametrize("stream", [False, True], ids=["before the head", "in the middle"])
@pytest.mark.parametrize("source", [SYNC, ASYNC, UVLOOP], ids=["sync", "asyncio", "uvloop"])
def test_ctrl_c_ends_the_wait(either: Home, faults: Faults, source: str, stream: bool) -> None:
    faults.on("m", STALLS if stream else says(SILENT))
    took = []
    for time_of in range(1, TIMES + 1):
        program = Program(either, source.replace("STREAM", str(stream)))
        faults.wait_for_requests(time_of)
        for _ in range(3 if stream else 0):
            assert program.line() == "chunk"
        time.sleep(0.03)  # where the signal comes is the point: any moment of the wait will do
        interrupted_at = program.interrupt()
        word, at = program.line().split()
        assert word == "interrupted"
        took.append(float(at) - interrupted_at)
        # The process is still there: it was the call that ended.
        faults.wait_until_left(time_of)
        ended = program.ended()
        assert (ended.code, ended.stderr) == (0, "")
    print(f"Ctrl-C: {min(took) * 1000:.1f} to {max(took) * 1000:.1f} ms")
    assert max(took) < SOON_S


def test_a_handler_of_the_programs_own_does_not_end_the_wait(either: Home, faults: Faults) -> None:
    faults.on("m", says({"at": "before_head", "do": {"pause_ms": 600}}))
    program = Program(
        either,
        """
signal.signal(signal.SIGINT, lambda *_: print("heard", flush=True))
print(chat(made(LlmProxy)).choices[0].message.content)
""",
    )
    faults.wait_for_requests()
    program.interrupt()
    assert program.line() == "heard"
    ended = program.ended()
    assert (ended.code, ended.stdout, ended.stderr) == (0, "One two three four.\n", "")


def test_a_client_works_after_ctrl_c(either: Home, faults: Faults) -> None:
    faults.on("m", says(SILENT), says())
    program = Program(
        either,
        """
client = made(LlmProxy)
try:
    chat(client)
except KeyboardInterrupt:
    print(chat(client).choices[0].message.content)
""",
    )
    faults.wait_for_requests()
    program.interrupt()
    ended = program.ended()
    assert (ended.code, ended.stdout, ended.stderr) == (0, "One two three four.\n", "")
