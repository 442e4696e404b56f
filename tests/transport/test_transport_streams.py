from __future__ import annotations

import asyncio
import gc
import threading
import time

import httpx
import pytest
from loopback import (
    CLOSE,
    DONE,
    END,
    RESET,
    STALL,
    WAYS,
    answer,
    chunk,
    data_of,
    event,
    read_stream,
    serving,
    stream_head,
)
from test_transport_calls import OnceStale

from litellm_gigachat_provider.errors import (
    BadAnswerError,
    ConnectionFailureError,
    HttpFailureError,
    TimeoutFailureError,
)
from litellm_gigachat_provider.transport.client import Transport, close_all
from litellm_gigachat_provider.transport.sse import Event
from litellm_gigachat_provider.watch import counters

pytestmark = pytest.mark.parametrize("way", WAYS)
PATH = "/v1/chat/completions"
HELLO = event({"text": "Привет"})


@pytest.fixture
def server():
    with serving() as made:
        yield made


@pytest.fixture
def transport(server, fresh_counters):
    made = Transport(server.settings(max_concurrency=1))
    yield made
    assert counters.streams["open"] == 0
    assert made.limiter.running == 0
    close_all()


def play(way, server, transport, *steps, **kwargs):
    server.scripts[PATH] = list(steps)
    return read_stream(way, transport, transport.settings.url("chat/completions"), **kwargs)


def test_events_and_what_is_sent(way, server, transport):
    steps = stream_head(X_Session_ID="s-1"), chunk(HELLO), 0.02, chunk(event({}, "response.message.done") + DONE), END
    reads, error = play(way, server, transport, *steps)
    assert error is None
    assert [e for events in reads for e in events] == [
        Event("message", '{"text": "\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442"}'),
        Event("response.message.done", "{}"),
        Event("message", "[DONE]"),
    ]
    (seen,) = server.requests
    assert seen.headers["accept"] == "text/event-stream"
    assert seen.headers["authorization"].startswith("Bearer token-")
    assert counters.requests == {"stream": 1}


def test_one_read_gives_all_its_events_together(way, server, transport):
    body = stream_head() + b"".join(chunk(event({"n": n})) for n in range(200)) + chunk(DONE) + END
    reads, error = play(way, server, transport, body)
    assert error is None
    assert len(data_of(reads)) == 201
    assert len(reads) <= 3


def test_a_read_that_ends_inside_a_character_and_inside_a_chunk(way, server, transport):
    data = event('{"a":"Привет"}')
    whole = chunk(data)
    for cut in (9, len(data) - 8, len(whole) - 1, len(whole) - 3):
        reads, error = play(way, server, transport, stream_head(), whole[:cut], 0.01, whole[cut:], END)
        assert (data_of(reads), error) == (['{"a":"Привет"}'], None)


def test_events_do_not_wait_for_the_next_chunk(way, server, transport):
    """A part of the next chunk that came along must not hold back the events before it."""
    later = chunk(DONE)
    steps = stream_head() + chunk(HELLO) + later[:4], 2.0, later[4:] + END
    began = time.monotonic()
    reads, error = play(way, server, transport, *steps, stop_after=1)
    assert (len(data_of(reads)), error) == (1, None)
    assert time.monotonic() - began < 1.9


def test_a_stream_that_ends_with_the_connection(way, server, transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
    reads, error = play(way, server, transport, head + HELLO + b"data: [DONE]\n", CLOSE)
    assert (data_of(reads)[1:], error) == (["[DONE]"], None)
    reads, error = play(way, server, transport, head + HELLO + b'data: {"half":', CLOSE)
    assert (len(data_of(reads)), error) == (1, None)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502])
def test_an_error_instead_of_a_stream_is_typed_at_once(way, server, transport, status):
    body = answer({"status": status, "message": "Nope"}, f"{status} X", Retry_After="3")
    reads, error = play(way, server, transport, body)
    assert reads == []
    assert isinstance(error, HttpFailureError)
    assert (error.status, error.where, error.headers["retry-after"]) == (status, "stream", "3")
    assert "Nope" in str(error)
    assert server.wait_closed(1)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"status": 429, "message": "Too many requests"}), HttpFailureError),
        (answer({"choices": []}), BadAnswerError),
        (answer(b"<html>hello</html>", kind="text/html"), BadAnswerError),
        (b"HTTP/1.1 204 No Content\r\n\r\n", BadAnswerError),
        (answer(b""), BadAnswerError),
    ],
)
def test_a_200_that_is_no_stream(way, server, transport, reply, kind):
    reads, error = play(way, server, transport, reply)
    assert reads == []
    assert type(error) is kind
    if kind is HttpFailureError:
        assert error.status == 429


def test_a_401_is_replayed(way, server):
    good = [stream_head() + chunk(DONE) + END]
    server.scripts[PATH] = lambda seen: good if seen.headers["authorization"] == "Bearer new" else [answer({}, "401 X")]
    transport = Transport(server.settings(), auth=OnceStale())
    reads, error = read_stream(way, transport, transport.settings.url("chat/completions"))
    assert (data_of(reads), error) == (["[DONE]"], None)
    close_all()


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_cut_stream_keeps_what_came_and_is_a_connection_failure(way, server, transport, end):
    reads, error = play(way, server, transport, stream_head(), chunk(HELLO), chunk(b"data: {"), 0.02, end)
    assert len(data_of(reads)) == 1
    assert type(error) is ConnectionFailureError
    assert server.wait_closed()


def test_a_stall_is_a_timeout(way, server, transport):
    began = time.monotonic()
    reads, error = play(way, server, transport, stream_head(), chunk(HELLO), STALL, timeout=0.15)
    assert len(data_of(reads)) == 1
    assert type(error) is TimeoutFailureError
    assert "0.15" in str(error)
    assert time.monotonic() - began < 5
    assert server.wait_closed()


def test_a_stall_before_the_head_is_a_timeout(way, server, transport):
    began = time.monotonic()
    reads, error = play(way, server, transport, STALL, timeout=0.15)
    assert (reads, type(error)) == ([], TimeoutFailureError)
    assert time.monotonic() - began < 5
    assert server.wait_closed()


def test_a_drip_inside_the_head_or_an_event_does_not_stretch_the_timeout(way, server, transport):
    drip = [piece for byte in b"data: " + b"x" * 100 for piece in (chunk(bytes([byte])), 0.05)]
    head = [piece for byte in stream_head() for piece in (bytes([byte]), 0.05)]
    for steps in ([stream_head(), *drip], head):
        began = time.monotonic()
        _, error = play(way, server, transport, *steps, timeout=0.2)
        assert type(error) is TimeoutFailureError
        assert time.monotonic() - began < 3


def test_comments_keep_a_slow_stream_alive(way, server, transport):
    pings = [piece for _ in range(6) for piece in (chunk(b": ping\n\n"), 0.05)]
    reads, error = play(way, server, transport, stream_head(), *pings, chunk(DONE), END, timeout=0.2)
    assert (data_of(reads), error) == (["[DONE]"], None)


def test_packed_events(way, server, transport):
    import gzip

    packed = gzip.compress(HELLO + DONE)
    reads, error = play(way, server, transport, stream_head(Content_Encoding="gzip"), chunk(packed), END)
    assert (len(data_of(reads)), error) == (2, None)


def test_an_endless_event_is_stopped(way, server, transport, monkeypatch):
    monkeypatch.setattr("litellm_gigachat_provider.transport.streams.SSEDecoder.__init__.__defaults__", (10_000,))
    _, error = play(way, server, transport, stream_head(), *[chunk(b"x" * 5_000)] * 5, STALL)
    assert type(error) is BadAnswerError
    assert server.wait_closed()


def test_early_close_leaves_no_connection(way, server, transport):
    reads, error = play(way, server, transport, stream_head(), chunk(HELLO), STALL, stop_after=1)
    assert (len(reads), error) == (1, None)
    assert server.wait_closed()


def test_a_dropped_stream_is_closed_by_the_garbage_collector(way, server, transport):
    server.scripts[PATH] = [stream_head(), chunk(HELLO), STALL]
    url = transport.settings.url("chat/completions")

    async def main():
        stream = await transport.aopen_stream(url, json={}, timeout=5)
        await stream.__anext__()
        del stream
        gc.collect()
        await asyncio.sleep(0.01)
        assert transport.limiter.running == 0
        assert await asyncio.to_thread(server.wait_closed)

    if way == "async":
        asyncio.run(main())
        return
    stream = transport.open_stream(url, json={}, timeout=5)
    next(stream)
    del stream
    gc.collect()
    assert server.wait_closed()


def test_a_cancelled_reader_releases_everything(way, server, transport):
    if way == "sync":
        pytest.skip("threads cannot be cancelled")
    server.scripts[PATH] = [stream_head(), chunk(HELLO), STALL]
    url = transport.settings.url("chat/completions")

    async def read():
        stream = await transport.aopen_stream(url, json={}, timeout=5)
        async for _ in stream:
            pass

    async def main():
        for delay in (0.0, 0.001, 0.05):
            task = asyncio.create_task(read())
            await asyncio.sleep(delay)
            task.cancel()
            assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
            assert transport.limiter.running == 0
            assert await asyncio.to_thread(server.wait_closed)

    asyncio.run(main())


def test_a_stream_holds_its_slot_until_it_is_closed(way, server, transport):
    server.scripts[PATH] = [stream_head(), chunk(HELLO), 0.05, chunk(DONE), END]
    url = transport.settings.url("chat/completions")

    async def main():
        async with await transport.aopen_stream(url, json={}, timeout=5) as stream:
            with pytest.raises(TimeoutFailureError, match="GIGACHAT_MAX_CONCURRENCY"):
                await transport.aopen_stream(url, json={}, timeout=0.02)
            assert len([events async for events in stream]) == 2
            assert transport.limiter.running == 0
            assert [events async for events in stream] == []

    if way == "async":
        asyncio.run(main())
        return
    with transport.open_stream(url, json={}, timeout=5) as stream:
        with pytest.raises(TimeoutFailureError, match="GIGACHAT_MAX_CONCURRENCY"):
            transport.open_stream(url, json={}, timeout=0.02)
        assert len(list(stream)) == 2
        assert transport.limiter.running == 0
        assert list(stream) == []


def test_the_callers_own_client_streams_too(way, server, transport):
    server.scripts[PATH] = [stream_head(), chunk(HELLO), 0.02, chunk(DONE), END]
    url = transport.settings.url("chat/completions")

    async def main():
        async with httpx.AsyncClient(headers={"X-Mine": "1"}) as mine:
            stream = await transport.aopen_stream(url, json={}, timeout=5, client=mine)
            return [event.data async for events in stream for event in events]

    if way == "async":
        assert asyncio.run(main())[1:] == ["[DONE]"]
    else:
        with httpx.Client(headers={"X-Mine": "1"}) as mine:
            reads, error = read_stream(way, transport, url, client=mine)
            assert (data_of(reads)[1:], error) == (["[DONE]"], None)
    assert server.requests[0].headers["x-mine"] == "1"


def test_the_loop_gets_a_turn_after_each_read(way, server, transport):
    if way == "sync":
        pytest.skip("nothing to share in a thread")
    body = b"".join(chunk(event({"n": "x" * 1000})) for _ in range(2000))
    server.scripts[PATH] = [stream_head(), *[body[i : i + 65536] for i in range(0, len(body), 65536)], END]

    async def main():
        turns = 0

        async def others():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        stream = await transport.aopen_stream(transport.settings.url("chat/completions"), json={}, timeout=5)
        await asyncio.to_thread(time.sleep, 0.1)  # everything that fits is there now
        reads, before = 0, turns
        async for _ in stream:
            reads += 1
        task.cancel()
        assert turns - before >= reads - 1

    asyncio.run(main())


def test_threads_stream_at_once(way, server):
    server.scripts[PATH] = [stream_head(), *[chunk(event({"n": n})) for n in range(20)], chunk(DONE), END]
    transport = Transport(server.settings())
    url = transport.settings.url("chat/completions")
    results = []
    threads = [threading.Thread(target=lambda: results.append(read_stream(way, transport, url))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [(len(data_of(reads)), error) for reads, error in results] == [(21, None)] * 12
    close_all()
    assert server.wait_closed()
