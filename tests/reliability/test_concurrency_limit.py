"""``GIGACHAT_MAX_CONCURRENCY`` against a server that, like GigaChat, answers 429 at once beyond its limit."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import litellm
import pytest
from load import Load
from probe import busy, wait_until
from ways import MODEL

import litellm_gigachat_provider  # noqa: F401 - registers
from litellm_gigachat_provider.limits.local import Limiter
from litellm_gigachat_provider.transport import client

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "Привет!"}]


@pytest.fixture(params=[1, 3])
def limit(request, gigachat_sandbox, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", str(request.param))
    gigachat_sandbox.knobs.max_generations = request.param
    return request.param


@pytest.fixture
def one(gigachat_sandbox, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    gigachat_sandbox.knobs.max_generations = 1
    return gigachat_sandbox


def ask(stream=False, timeout=20, **kwargs):
    answer = litellm.completion(**{"model": MODEL, "messages": HELLO, "stream": stream, "timeout": timeout, **kwargs})
    if stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    return answer.choices[0].message.content


async def aask(stream=False, timeout=20, **kwargs):
    call = {"model": MODEL, "messages": HELLO, "stream": stream, "timeout": timeout, **kwargs}
    answer = await litellm.acompletion(**call)
    if stream:
        return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])
    return answer.choices[0].message.content


def limiter():
    """Of the tenant that came last; an unused one before the first call has got that far."""
    return next((t.limiter for t in reversed(client._tenants.values()) if t.limiter is not None), Limiter(1))


def all_free():
    gc.collect()
    assert wait_until(lambda: limiter().running == 0), limiter().running
    assert limiter().waiting == 0
    assert wait_until(lambda: busy() == 0)


def refused(sandbox):
    return [record.status for record in sandbox.chat_requests if record.status != 200]


@pytest.mark.parametrize(("threads", "tasks"), [(20, 0), (0, 20), (10, 10)], ids=["threads", "tasks", "mixed"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_never_a_429(gigachat_sandbox, limit, threads, tasks, stream):
    load = Load(lambda: ask(stream), lambda: aask(stream), threads=threads, tasks=tasks)
    load.run(0.5)
    assert load.failures == []
    assert refused(gigachat_sandbox) == []
    assert gigachat_sandbox.world.most_running <= limit
    all_free()


def test_without_the_limit_the_server_refuses(gigachat_sandbox):
    """So that the test above has something to prevent."""
    gigachat_sandbox.knobs.max_generations = 1
    gigachat_sandbox.knobs.chat_delay = 0.05
    load = Load(ask, aask, threads=4, tasks=4)
    load.run(0.3)
    assert any("RateLimitError" in failure for failure in load.failures)


def test_first_come_first_served(one):
    """Threads and tasks in one queue, in the order in which they came; the server saw them in it."""
    ask()
    one.clear()
    one.knobs.chat_delay = 0.03
    loop = asyncio.new_event_loop()
    runner = threading.Thread(target=loop.run_forever)
    runner.start()
    held = litellm.completion(model=MODEL, messages=HELLO, stream=True)
    callers = []
    try:
        for number in range(8):
            if number % 2:
                callers.append(asyncio.run_coroutine_threadsafe(aask(messages=says(number)), loop).result)
            else:
                thread = threading.Thread(target=ask, kwargs={"messages": says(number)})
                thread.start()
                callers.append(thread.join)
            assert wait_until(lambda came=number: limiter().waiting == came + 1), limiter().waiting
        list(held)
        for wait in callers:
            wait(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
        loop.close()
    assert [body["messages"][0]["content"] for body in one.chat_bodies[1:]] == [f"{number}" for number in range(8)]
    all_free()


def says(number):
    return [{"role": "user", "content": f"{number}"}]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_the_timeout_counts_in_the_queue(one, way):
    one.knobs.stream.chunk_delay = 0.15
    held = litellm.completion(model=MODEL, messages=HELLO, stream=True)
    next(held)
    before = len(one.chat_requests)
    began = time.monotonic()
    with pytest.raises(litellm.Timeout, match="GIGACHAT_MAX_CONCURRENCY"):
        ask(timeout=0.2) if way == "sync" else asyncio.run(aask(timeout=0.2))
    assert time.monotonic() - began < 8
    assert len(one.chat_requests) == before, "it was never sent"
    assert limiter().running == 1
    del held
    all_free()


FAULTS = [{"status": 500}, {"status": 422}, {"kind": "reset"}, {"kind": "stall"}, {"kind": "empty"}]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_failed_call_gives_its_slot_back(one, fault, stream, way):
    ask()
    one.fail_next("chat", **fault)
    with pytest.raises(Exception):  # noqa: B017 - which one is the fault matrix's business
        ask(stream, timeout=0.3) if way == "sync" else asyncio.run(aask(stream, timeout=0.3))
    all_free()
    assert wait_until(lambda: not sum(one.world.running.values()))
    assert ask()


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("kind", ["cut_after", "stall_after", "error_after"])
def test_a_broken_stream_gives_its_slot_back(one, way, kind):
    setattr(one.knobs.stream, kind, 1)
    with pytest.raises(Exception):  # noqa: B017
        ask(True, timeout=0.3) if way == "sync" else asyncio.run(aask(True, timeout=0.3))
    all_free()


def test_a_stream_counts_until_it_is_closed(one):
    one.knobs.stream.stall_after = 1
    stream = litellm.completion(model=MODEL, messages=HELLO, stream=True)
    next(stream)
    assert limiter().running == 1
    del stream
    all_free()
    assert wait_until(lambda: not sum(one.world.running.values())), "the server was not told"
    assert ask()


def test_a_cancelled_task_gives_its_slot_or_its_place_back(one):
    async def reached(running, waiting):
        assert await asyncio.to_thread(wait_until, lambda: (limiter().running, limiter().waiting) == (running, waiting))

    async def main():
        await aask()
        one.knobs.chat_delay = 8.0
        one.knobs.max_generations = None  # the server may notice late what was cancelled; our limit is the subject
        for stream in (False, True):
            running = asyncio.create_task(aask(stream))
            waiting = asyncio.create_task(aask(stream))
            await reached(1, 1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await reached(1, 0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await reached(0, 0)
        one.knobs.chat_delay = 0.0
        assert await aask()

    asyncio.run(main())
    all_free()


def test_several_answers_of_one_call_at_limit_one(one):
    """``n=3`` needs three generations and must not wait for itself."""
    answer = litellm.completion(model=MODEL, messages=HELLO, n=3, timeout=10)
    assert len(answer.choices) == 3
    assert asyncio.run(litellm.acompletion(model=MODEL, messages=HELLO, n=3, timeout=10)).choices[2].message.content
    indexes = {
        c.choices[0].index for c in litellm.completion(model=MODEL, messages=HELLO, n=3, stream=True, timeout=10)
    }
    assert indexes == {0, 1, 2}
    assert refused(one) == []
    all_free()


def test_another_key_does_not_wait(one):
    other = one.add_account()
    one.knobs.stream.stall_after = 1
    held = litellm.completion(model=MODEL, messages=HELLO, stream=True)
    next(held)
    assert ask(api_key=other, timeout=5)
    del held
    all_free()
