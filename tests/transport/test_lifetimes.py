"""Loops, threads and processes that come and go, and callers who leave: no call notices, and nothing stays open."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time

import litellm
import pytest
from callers import MODEL, aask, ask
from h2script import LONG, TEXT, said, word
from loopback import END, STALL, answer, chunk, stream_head

from litellm_gigachat_provider.transport.client import close_all

PATH = "/v1/chat/completions"
CHAT = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}],
        "created": 1700000000, "model": "GigaChat-2-Max", "object": "chat.completion",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip


def answered(seen):
    streamed = "event-stream" in seen.headers["accept"]
    return [stream_head() + chunk(said()) + END if streamed else answer(CHAT)]


@pytest.fixture
def server(server):
    server.scripts[PATH] = answered
    return server


async def both():
    return [await aask("?", LONG, stream) for stream in (False, True)]


def sync_both():
    return [ask("?", LONG, stream) for stream in (False, True)]


# --- loops ----------------------------------------------------------------------------------------------


def test_event_loops_one_after_another(server):
    for _ in range(5):
        assert asyncio.run(both()) == [TEXT, TEXT]
        assert server.wait_closed(), "a connection outlives its loop"
    assert sync_both() == [TEXT, TEXT]


def test_event_loops_one_after_another_over_http2(h2):
    for _ in range(5):
        assert asyncio.run(aask("?", LONG)) == TEXT
        assert h2.wait(lambda: h2.open == 0), "a connection outlives its loop"


def test_loops_in_threads_at_once(server):
    got = in_threads(8, lambda: asyncio.run(both()))
    assert got == [[TEXT, TEXT]] * 8
    assert server.wait_closed()


def test_blocking_calls_on_a_running_loop(server):
    """As notebooks and half-converted programs do: the loop stands still meanwhile, and goes on."""

    async def main():
        first = await both()
        blocking = sync_both()
        stream = litellm.completion(model=MODEL, messages=[{"role": "user", "content": "?"}], stream=True, timeout=LONG)
        return first, blocking, await aask("?", LONG), "".join(c.choices[0].delta.content or "" for c in stream)

    assert asyncio.run(main()) == ([TEXT, TEXT], [TEXT, TEXT], TEXT, TEXT)


# --- threads --------------------------------------------------------------------------------------------


def in_threads(count, work):
    got = []

    def one():
        try:
            got.append(work())
        except BaseException as error:
            got.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_sixteen_threads(server):
    got = in_threads(16, lambda: [sync_both() for _ in range(4)])
    assert got == [[[TEXT, TEXT]] * 4] * 16
    assert server.accepted <= 32


def test_a_stream_goes_from_thread_to_thread(h2):
    """Opened in one, read in a second, left to a third."""
    got = []

    async def behave(stream):
        stream.head()
        while not stream.gone.is_set():
            stream.send(word("и"))
            await asyncio.sleep(0.01)

    h2.behave = behave
    messages = [{"role": "user", "content": "?"}]
    for work in (
        lambda: got.append(litellm.completion(model=MODEL, messages=messages, stream=True, timeout=LONG)),
        lambda: got.append([next(got[0]) for _ in range(3)]),
        lambda: (got.clear(), gc.collect()),
    ):
        assert not [outcome for outcome in in_threads(1, work) if isinstance(outcome, BaseException)]
    assert h2.wait(lambda: h2.streams[0].over is not None), "the server goes on for nobody"


# --- processes ------------------------------------------------------------------------------------------


def in_child(work):
    """What ``work`` gave in a forked child, as text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.write(write, repr(work()).encode())
        except BaseException as error:
            os.write(write, repr(error).encode()[:1000])
        finally:
            os._exit(0)
    os.close(write)
    until = time.monotonic() + 2 * LONG
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.01)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read().decode() or "the child hung"


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_after_calls(server):
    """No thread of the parent lives in the child, and no connection of the parent may be used or ended by it."""
    assert sync_both() == [TEXT, TEXT]
    assert asyncio.run(both()) == [TEXT, TEXT]
    before = server.accepted

    def child():
        got = sync_both() + asyncio.run(both()) + sync_both()
        close_all()
        return got

    assert in_child(child) == repr([TEXT] * 6)
    opened_by_the_child = server.accepted - before
    assert opened_by_the_child >= 2
    assert sync_both() == [TEXT, TEXT]
    assert server.accepted == before + opened_by_the_child, "the parent's idle connection was ended by the child"


@forks
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_while_a_stream_is_open(h2):
    held = threading.Event()

    async def behave(stream):
        if stream.text == "?":
            stream.answer()
            return
        stream.head()
        stream.send(word(TEXT[:4]))
        while not held.is_set():
            await asyncio.sleep(0.01)
        stream.send(said(TEXT[4:]), end=True)

    h2.behave = behave
    messages = [{"role": "user", "content": "held"}]
    stream = litellm.completion(model=MODEL, messages=messages, stream=True, timeout=LONG)
    got = [next(stream)]

    def child():
        nonlocal stream
        stream = None  # the child's copy of it goes away, and may not say good-bye in the parent's name
        gc.collect()
        text = ask("?", LONG)
        close_all()
        return text

    assert in_child(child) == repr(TEXT)
    held.set()
    got += list(stream)
    assert "".join(piece.choices[0].delta.content or "" for piece in got) == TEXT


# --- callers who leave ----------------------------------------------------------------------------------


def test_a_loop_that_is_left_in_the_middle_of_a_stream_frees_the_slot(server, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    server.scripts[PATH] = [[stream_head(), chunk(word("и")), STALL], [answer(CHAT)]]

    def left():
        messages = [{"role": "user", "content": "?"}]
        for _ in litellm.completion(model=MODEL, messages=messages, stream=True, timeout=LONG):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        left()
    gc.collect()
    assert server.wait_closed()
    assert ask("?", 5, stream=False) == TEXT


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_ctrl_c_while_a_call_waits_frees_the_slot(server, monkeypatch, stream):
    """The main thread waits for the server; the interrupt must end the wait, the connection and the slot."""
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    server.scripts[PATH] = [[stream_head(), chunk(word("и")), STALL] if stream else [STALL], [answer(CHAT)]]

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ask("?", LONG, stream)
        assert time.monotonic() - began < LONG - 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    gc.collect()
    assert server.wait_closed(), "the server goes on for nobody"
    assert ask("?", 5, stream=False) == TEXT
