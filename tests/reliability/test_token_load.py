"""One token for everybody: how many OAuth requests many callers make, and what they notice when OAuth is dead."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import litellm
import pytest
from load import Load
from ways import MODEL

import litellm_gigachat_provider

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "Привет!"}]
CALLERS = 200


def ask():
    return litellm.completion(model=MODEL, messages=HELLO, timeout=30).choices[0].message.content


async def aask():
    return (await litellm.acompletion(model=MODEL, messages=HELLO, timeout=30)).choices[0].message.content


def in_threads(count, work):
    gate = threading.Barrier(count)

    def run():
        gate.wait(20)
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result(60) for future in [pool.submit(run) for _ in range(count)]]


async def together(count):
    return await asyncio.gather(*(aask() for _ in range(count)))


COLD = {
    "200 threads": lambda: in_threads(CALLERS, ask),
    "200 tasks of one loop": lambda: asyncio.run(together(CALLERS)),
    "20 loops of 10 tasks": lambda: [a for found in in_threads(20, lambda: asyncio.run(together(10))) for a in found],
}


@pytest.mark.parametrize("callers", list(COLD))
def test_cold_callers_make_one_oauth_request(gigachat_sandbox, callers, figure):
    gigachat_sandbox.knobs.oauth_delay = 0.1
    answers = COLD[callers]()
    assert len(answers) == CALLERS
    assert all(answers)
    assert gigachat_sandbox.oauth_count == 1
    figure(f"cold start, {callers}: {len(answers)} answers, {gigachat_sandbox.oauth_count} OAuth request")


def test_short_lived_tokens_under_load(gigachat_sandbox, figure):
    gigachat_sandbox.knobs.token_ttl = 1.0
    load = Load(ask, aask, threads=6, tasks=6)
    load.run(4.0)
    assert load.failures == []
    lives = load.seconds / 1.0
    assert gigachat_sandbox.oauth_count <= lives / 0.8 + 2  # renewed after 80 % of a life
    figure(
        f"tokens of 1 s, {load.seconds:.0f} s of load by 12 callers: {load.calls} calls, {len(load.failures)} failed, "
        f"{gigachat_sandbox.oauth_count} OAuth requests"
    )


def test_a_dead_oauth_server_disturbs_nobody_while_the_token_is_good(gigachat_sandbox):
    gigachat_sandbox.knobs.token_ttl = 4.0
    assert ask()
    gigachat_sandbox.fail_next("oauth", kind="close", times=1000)
    gigachat_sandbox.clear()
    until = time.monotonic() + 3.6  # past the renewal at 80 %
    slowest = 0.0
    while time.monotonic() < until:
        began = time.monotonic()
        assert ask()
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.05)
    assert slowest < 1.5
    assert 1 <= gigachat_sandbox.oauth_count <= 6, "it tried to renew in the background, with pauses"
    time.sleep(0.5)
    with pytest.raises(litellm.APIConnectionError):  # now the token is over
        ask()
    gigachat_sandbox.world.faults.clear()
    assert ask(), "recovery needs no restart"
    assert asyncio.run(aask())


def test_after_a_fork_the_child_works(gigachat_sandbox):
    """The child must not use the parent's connections, nor wait for a thread that did not survive the fork."""
    assert ask()
    assert asyncio.run(aask())
    held = threading.Event()
    refresh = threading.Thread(target=lambda: (litellm_gigachat_provider.token_info(), held.wait(5)))
    refresh.start()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        code = 1
        try:
            os.write(write, b"ok" if ask() and asyncio.run(aask()) else b"empty")
            code = 0
        except BaseException as error:
            os.write(write, repr(error).encode()[:500])
        finally:
            os._exit(code)
    os.close(write)
    deadline, done = time.monotonic() + 20, 0
    while not done and time.monotonic() < deadline:
        done, _ = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not done:
        os.kill(child, 9)
        os.waitpid(child, 0)
    told = os.read(read, 1000)
    os.close(read)
    held.set()
    refresh.join()
    assert told == b"ok", told or "the child hung"
    assert ask(), "the parent goes on"
    assert gigachat_sandbox.oauth_count == 1, "the token is inherited"
