"""After `fork` the child has a client that works, and the parent's calls stay the parent's."""

import sys
from pathlib import Path

import httpx
import pytest

from conftest import Home
from faults import STALLS, TEXT, Faults, says, until
from programs import Program, run
from servers import Recipe, Server

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


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(either: Home, faults: Faults, tmp_path: Path, method: str) -> None:
    faults.on("m", says())
    script = tmp_path / "script.py"
    script.write_text(
        """
import json, multiprocessing, os
from llm_proxy import LlmProxy
HOME = json.loads(os.environ["HOME_OF_ENGINE"])
def made():
    if HOME["url"] is None:
        return LlmProxy.embedded(HOME["configuration"], settings=HOME["settings"])
    return LlmProxy(base_url=HOME["url"], internal_auth=HOME["key"])
client = made()
def text(_):
    messages = [{"role": "user", "content": "hi"}]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content
if __name__ == "__main__":
    print(text(0))
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        print(*pool.map(text, range(6)), sep="\\n")
    print(text(0))
""".replace("METHOD", method)
    )
    source = f"import runpy; sys.argv = [{str(script)!r}]; sys.path.insert(0, {str(tmp_path)!r})\n"
    ended = run(either, source + f"os.execv(sys.executable, [sys.executable, {str(script)!r}])")
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{TEXT}\n" * 8, "")


def test_gunicorn_with_preload(either: Home, faults: Faults, tmp_path: Path) -> None:
    faults.on("m", says())
    (tmp_path / "app.py").write_text(
        """
import json, os
from llm_proxy import LlmProxy
HOME = json.loads(os.environ["HOME_OF_ENGINE"])
if HOME["url"] is None:
    client = LlmProxy.embedded(HOME["configuration"], settings=HOME["settings"])
else:
    client = LlmProxy(base_url=HOME["url"], internal_auth=HOME["key"])
def text():
    messages = [{"role": "user", "content": "hi"}]
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content
before = text()
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{os.getpid()} {before == text()}".encode()]
"""
    )
    server = Server(
        Recipe(
            name="gunicorn",
            command=lambda port: [
                Path(sys.executable).with_name("gunicorn"),
                "app:app", "--preload", "--workers=2", f"--bind=127.0.0.1:{port}",
            ],
            environment=lambda _: {"HOME_OF_ENGINE": either.as_json()},
            ready_path="/",
            directory=tmp_path,
            ready_deadline_s=20,
        )
    ).wait_until_ready()  # fmt: skip
    try:
        answers = [httpx.get(server.url, trust_env=False).text.split() for _ in range(20)]
        assert {worked for _, worked in answers} == {"True"}
        assert str(server.process.pid) not in {worker for worker, _ in answers}
    finally:
        server.terminate()
        until("end of gunicorn", lambda: server.process.poll() is not None)
        server.stop()
    assert server.process.returncode == 0, server.log()


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
