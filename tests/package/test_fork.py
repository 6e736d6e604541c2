"""After `fork` the child has a client that works, and the parent's calls stay the parent's."""

import pytest

from conftest import Home
from faults import STALLS, TEXT, Faults, says
from programs import Program, run

# What a child does, and how the parent hears of it.
IN_CHILD = """
def in_child(work):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            said = work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, str(said).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    return said
def text():
    return chat(client).choices[0].message.content
client = made(LlmProxy)
"""


def test_a_child_makes_its_own_calls(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    ended = run(
        either,
        IN_CHILD
        + """
print(in_child(text))
print(text())
for _ in range(3): print(in_child(text))
print(in_child(lambda: in_child(text)))
print(text())
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{TEXT}\n" * 7, "")


def test_a_child_has_sockets_of_its_own(near: Home, faults: Faults) -> None:
    faults.on("m", says())
    run(near, IN_CHILD + "text(); in_child(text); text()")
    first, second, third = (request["connection_id"] for request in faults.requests())
    assert first == third != second


@pytest.mark.parametrize("loops", ["asyncio", "uvloop"])
def test_an_async_client_works_in_a_child(either: Home, faults: Faults, loops: str) -> None:
    faults.on("m", says())
    ended = run(
        either,
        IN_CHILD
        + f"""
import {loops}
other = made(AsyncLlmProxy)
async def main():
    answer = await chat(other)
    async for _ in await chat(other, stream=True): pass
    return answer.choices[0].message.content
once = lambda: {loops}.run(main())
print(once()); print(in_child(once)); print(once())
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{TEXT}\n" * 3, "")


def test_a_stream_of_the_parent_is_the_parents(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces=["a", "b", "c"], pace={"gap_ms": 40}))
    ended = run(
        either,
        IN_CHILD
        + """
stream = chat(client, stream=True)
print(next(stream).choices[0].delta.role)
print(in_child(lambda: next(stream)))
print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
""",
    )
    first, forked, rest = ended.stdout.splitlines()
    assert (first, rest) == ("assistant", "abc")
    assert forked.startswith("ForkError: ")
    assert (ended.code, ended.stderr) == (0, "")


def test_an_async_stream_of_the_parent_is_the_parents(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces=["a", "b", "c"], pace={"gap_ms": 40}))
    ended = run(
        either,
        IN_CHILD
        + """
other = made(AsyncLlmProxy)
async def main():
    stream = await chat(other, stream=True)
    await anext(stream)
    def work():
        asyncio._set_running_loop(None)
        async def go_on(): return await anext(stream)
        return asyncio.run(go_on())
    print(in_child(work))
    rest = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
    print("".join(word or "" for word in rest))
asyncio.run(main())
""",
    )
    assert ended.stdout.startswith("ForkError: ")
    assert ended.stdout.endswith("\nabc\n")
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.parametrize("close", ["stream.close()", "client.close()", "del stream", "sys.exit()"])
def test_the_parents_upstream_closes_although_a_child_lives(
    either: Home, faults: Faults, close: str
) -> None:
    faults.on("m", STALLS)
    program = Program(
        either,
        f"""
client = made(LlmProxy)
stream = chat(client, stream=True)
next(stream)
ready = os.pipe()
child = os.fork()
if child == 0:
    os.close(1); os.close(2)
    os.write(ready[1], b"x")
    sys.stdin.readline()
    os._exit(0)
os.read(ready[0], 1)
{close}
print("closed", flush=True)
os.waitpid(child, 0)
""",
    )
    faults.wait_until_left()
    assert program.process.stdin is not None
    program.ended()


def test_a_child_that_ends_closes_nothing_of_the_parents(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces=["a", "b", "c"], pace={"gap_ms": 40}))
    ended = run(
        either,
        """
client = made(LlmProxy)
stream = chat(client, stream=True)
next(stream)
child = os.fork()
if child == 0:
    stream.close(); client.close(); del stream, client
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "abc\n", "")


def test_forks_in_the_middle_of_other_threads_calls(either: Home, faults: Faults) -> None:
    faults.on("m", says())
    ended = run(
        either,
        IN_CHILD
        + """
import logging
logging.getLogger("llm_proxy").setLevel(logging.DEBUG)
logging.getLogger("llm_proxy").addHandler(logging.NullHandler())
client = made(LlmProxy)
done = False
def work():
    while not done:
        text()
        list(chat(client, stream=True))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
said = {in_child(text) for _ in range(60)}
done = True
for thread in threads: thread.join()
print(said)
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{ {TEXT} }\n", "")


def test_a_stream_that_a_thread_reads_survives_a_fork(either: Home, faults: Faults) -> None:
    faults.on("m", says(pieces=[f"{n} " for n in range(60)], pace={"gap_ms": 5}))
    ended = run(
        either,
        IN_CHILD
        + """
words = []
def read():
    for chunk in chat(client, stream=True):
        words.extend(c.delta.content for c in chunk.choices if c.delta.content)
thread = threading.Thread(target=read)
thread.start()
for _ in range(10): in_child(lambda: "there")
thread.join()
print(len(words))
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "60\n", "")
