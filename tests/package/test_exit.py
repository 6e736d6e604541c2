"""The end of the interpreter with calls under way: at once, and without a word."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import Home
from faults import SILENT, STALLS, Faults, says
from programs import run

TIMES = 50
AT_ONCE = 4

DAEMONS = """
client = made(LlmProxy)
def wait(model, stream):
    answer = chat(client, model, stream=stream)
    for _ in answer: pass
for model, stream in [("silent", False), ("stalls", True)] * 3:
    threading.Thread(target=wait, args=(model, stream), daemon=True).start()
time.sleep(PAUSE)
"""
STREAMS = """
client = made(LlmProxy)
streams = [chat(client, "stalls", stream=True) for _ in range(3)]
for stream in streams: next(stream)
"""
ASYNC = """
async def main():
    client = made(AsyncLlmProxy)
    global stream, tasks
    tasks = [asyncio.create_task(chat(client, "silent")) for _ in range(3)]
    stream = await chat(client, "stalls", stream=True)
    await anext(stream)
asyncio.run(main())
"""
THREADS_OF_LOOPS = """
client = made(AsyncLlmProxy)
async def main():
    async for _ in await chat(client, "stalls", stream=True): pass
for _ in range(3):
    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
time.sleep(PAUSE)
"""
EVENTS = """
client = made(LlmProxy, on_event=print)
events = client.events()
threading.Thread(target=lambda: list(events), daemon=True).start()
threading.Thread(target=lambda: chat(client, "silent"), daemon=True).start()
time.sleep(PAUSE)
"""
SERVES = """
local = llm_proxy.serve_local(HOME["configuration"], settings=HOME["settings"])
other = LlmProxy(base_url=local.url, internal_auth=local.api_key)
stream = chat(other, "stalls", stream=True)
next(stream)
"""
AT_THE_END = """
import atexit
client = made(LlmProxy)
atexit.register(lambda: client.models.list())
client.models.list()
atexit.register(lambda: client.models.list())
"""
EXITS = """
client = made(LlmProxy)
stream = chat(client, "stalls", stream=True)
sys.exit(0)
"""
SCENES = [DAEMONS, STREAMS, ASYNC, THREADS_OF_LOOPS, EVENTS, EXITS, SERVES, AT_THE_END]


def test_the_interpreter_ends_at_once_and_without_a_word(
    near: Home, distant: Home, faults: Faults
) -> None:
    faults.on("silent", says(SILENT))
    faults.on("stalls", STALLS)

    def once(number: int) -> None:
        # The pause differs, so that the end comes at different moments of a call.
        pause = f"{number % 7 * 0.03:.2f}"
        source = SCENES[number % len(SCENES)].replace("PAUSE", pause)
        ended = run(near if number // len(SCENES) % 2 else distant, source)
        assert (ended.code, ended.stdout, ended.stderr) == (0, "", ""), source

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(once, range(TIMES)))


@pytest.mark.parametrize("source", [STREAMS, ASYNC], ids=["sync", "async"])
def test_the_upstream_sees_the_end(either: Home, faults: Faults, source: str) -> None:
    faults.on("silent", says(SILENT))
    faults.on("stalls", STALLS)
    assert run(either, source).code == 0
    faults.wait_until_left(1)


def test_a_process_that_made_no_call_has_no_thread(either: Home) -> None:
    ended = run(
        either,
        """
client, other = made(LlmProxy), made(AsyncLlmProxy)
print(len(os.listdir("/proc/self/task")))
""",
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "1\n", "")
