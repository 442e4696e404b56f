"""Streams over HTTP/2 that are asked for at once: whatever befalls one of them, the others do not notice.

Nothing here is a race: the server holds an answer back until the test has made sure that what could harm has happened.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading

import litellm
import pytest
from callers import aask, outcome, point_at, together
from h2script import LONG, TEXT, said, serving_h2_script, word
from loopback import WAYS
from secure import write_ca

from litellm_gigachat_provider.transport.client import Transport, close_all


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory):
    return write_ca(tmp_path_factory.mktemp("tls") / "ca.pem")


@pytest.fixture
def server(ca_file, monkeypatch):
    with serving_h2_script() as made:
        point_at(monkeypatch, f"https://localhost:{made.port}/v1", CA_BUNDLE_FILE=ca_file)
        yield made
        close_all()


class AfterTheImpatient:
    """Streams that say "never" get no answer; the others get theirs once all of those have left (or after 5 s)."""

    def __init__(self, impatient, started):
        self.left, self.started = impatient, started

    async def __call__(self, stream):
        if self.started:
            stream.head()
            stream.send(word(TEXT[:4]))
        if stream.text == "never":
            await stream.gone.wait()
            self.left -= 1
            return
        for _ in range(500):
            if not self.left:
                break
            await asyncio.sleep(0.01)
        if self.started:
            stream.send(said(TEXT[4:]), end=True)
        else:
            stream.answer()


@pytest.mark.parametrize("started", [False, True], ids=["before the head", "between events"])
@pytest.mark.parametrize("way", WAYS)
def test_a_timeout_is_its_own_streams(way, server, started):
    server.behave = AfterTheImpatient(1, started)
    first, impatient, third = together(way, [("slow", 20), ("never", 0.5), ("slow", 20)])
    assert (first, third) == (TEXT, TEXT)
    assert timed_out(impatient), repr(impatient)
    assert [stream.over for stream in server.of("never")] in (["reset"], ["lost"])


def timed_out(error):
    """LiteLLM wraps what is raised in the middle of a stream."""
    return isinstance(getattr(error, "original_exception", None) or error, litellm.Timeout)


@pytest.mark.parametrize("way", WAYS)
def test_sixty_streams_beside_two_impatient_ones(way, server):
    server.behave = AfterTheImpatient(2, started=False)
    asked = [("slow", 30)] * 62
    asked[20] = asked[40] = ("never", 1.0)
    got = together(way, asked)
    assert [answer for answer, request in zip(got, asked, strict=True) if request[0] == "slow"] == [TEXT] * 60
    assert timed_out(got[20])
    assert timed_out(got[40])


@pytest.mark.parametrize("way", WAYS)
def test_nobody_waits_for_another_above_the_servers_limit_of_streams_on_a_connection(way, server):
    """A connection takes 100 streams; here nobody is answered before all 150 have asked."""

    async def behave(stream):
        while len(server.streams) < 150 and not stream.gone.is_set():
            await asyncio.sleep(0.02)
        stream.answer()

    server.behave = behave
    got = together(way, [("hello", LONG)] * 150)
    assert [answer for answer in got if answer != TEXT] == []
    assert len(server.streams) == 150


def test_callers_who_go_away_harm_nobody(server):
    """Twenty at once, a third of them cancelled at any moment, also while they connect or send."""
    moments = random.Random(20)

    async def behave(stream):
        stream.head()
        while stream.text == "endless" and not stream.gone.is_set():
            stream.send(word("и"))
            await asyncio.sleep(0.005)
        for letter in TEXT[:4]:
            stream.send(word(letter))
            await asyncio.sleep(0.005)
        stream.send(said(TEXT[4:]), end=True)

    async def goes_away():
        task = asyncio.create_task(aask("endless", LONG))
        await asyncio.sleep(moments.random() * 0.15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def main():
        got = []
        for _ in range(6):
            callers = [goes_away() if number % 3 == 1 else aask("hello", LONG) for number in range(20)]
            got += (await asyncio.gather(*callers, return_exceptions=True))[:]
        stays = [answer for number, answer in enumerate(got) if number % 20 % 3 != 1]
        ended = await asyncio.to_thread(server.wait, lambda: all(stream.over for stream in server.streams))
        return stays, ended

    server.behave = behave
    stays, ended = asyncio.run(main())
    assert [answer for answer in stays if answer != TEXT] == []
    assert len(stays) == 6 * 13
    assert ended, "the server goes on with a stream that nobody reads"


@pytest.mark.parametrize("how", ["goaway", "close", "goaway and close"])
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_the_server_ended_while_it_was_idle_is_not_used(way, server, how):
    async def main():
        got = []
        for _ in range(3):
            got.append(await aask("hello", 5))
            await asyncio.to_thread(server.drop_all, how)
            await asyncio.sleep(0.1)
        return got

    if way == "async":
        assert asyncio.run(main()) == [TEXT] * 3
        return
    for _ in range(3):
        assert outcome(way, "hello", 5) == TEXT
        server.drop_all(how)
        threading.Event().wait(0.1)


@pytest.mark.parametrize("way", WAYS)
def test_idle_connections_are_used_again(way, server):
    """The other side: a stream after another pays for no new handshake."""

    async def main():
        return [await aask("hello", 5) for _ in range(5)]

    got = asyncio.run(main()) if way == "async" else [outcome(way, "hello", 5) for _ in range(5)]
    assert got == [TEXT] * 5
    assert len(server.connections) == 1


class Leaving:
    """Who says "left" is sent to until he leaves; "stays" has its answer only after that."""

    def __init__(self):
        self.left = asyncio.Event()
        self.seen = 0

    async def __call__(self, stream):
        stream.head()
        stream.send(word(TEXT[:4]))
        self.seen += 1
        if stream.text == "left":
            await asyncio.wait_for(stream.gone.wait(), LONG)
            self.left.set()
        else:
            await asyncio.wait_for(self.left.wait(), LONG)
            stream.send(said(TEXT[4:]), end=True)


def chat(text):
    return {"model": "GigaChat-2-Max", "stream": True, "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("leave", ["close", "garbage", "cancel"])
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_left_early_is_seen_by_the_server_while_others_go_on(way, server, ca_file, leave):
    if (way, leave) == ("sync", "cancel"):
        pytest.skip("threads cannot be cancelled")
    transport = Transport(server.settings(ca_file))
    url = transport.settings.url("chat/completions")
    server.behave = behave = Leaving()

    def stays():
        with transport.open_stream(url, json=chat("stays"), timeout=LONG) as stream:
            return [event.data for events in stream for event in events]

    async def astays():
        async with await transport.aopen_stream(url, json=chat("stays"), timeout=LONG) as stream:
            return [event.data async for events in stream for event in events]

    async def aleft():
        stream = await transport.aopen_stream(url, json=chat("left"), timeout=LONG)
        await stream.__anext__()
        if leave == "close":
            await stream.aclose()
        elif leave == "cancel":
            await stream.__anext__()

    async def main():
        others = [asyncio.create_task(astays()) for _ in range(3)]
        task = asyncio.create_task(aleft())
        while behave.seen < 4:
            await asyncio.sleep(0.01)
        if leave == "cancel":
            task.cancel()
        await asyncio.gather(task, return_exceptions=leave == "cancel")
        gc.collect()
        return await asyncio.gather(*others)

    def threads():
        got = []
        others = [threading.Thread(target=lambda: got.append(stays())) for _ in range(3)]
        for thread in others:
            thread.start()
        assert server.wait(lambda: behave.seen == 3)
        stream = transport.open_stream(url, json=chat("left"), timeout=LONG)
        next(stream)
        if leave == "close":
            stream.close()
        del stream
        gc.collect()
        for thread in others:
            thread.join(LONG)
        return got

    got = asyncio.run(main()) if way == "async" else threads()
    assert [(len(datas), datas[-1]) for datas in got] == [(4, "[DONE]")] * 3
    close_all()
