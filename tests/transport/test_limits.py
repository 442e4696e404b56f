"""Limits that hold whatever the server does, in time and in size; and bursts that arrive as few chunks."""

from __future__ import annotations

import asyncio
import gc
import gzip
import time

import aiohttp  # noqa: F401 - so that no time limit here pays for loading it
import litellm
import pytest
from callers import MODEL, outcome, point_at
from h2script import word
from loopback import DONE, END, WAYS, answer, chunk, event, in_thread, stream_head

from litellm_gigachat_provider.errors import BadAnswerError
from litellm_gigachat_provider.transport.client import close_all

pytestmark = pytest.mark.parametrize("way", WAYS)
PATH = "/v1/chat/completions"
LIMIT = 1.5
LATE = 8.0  # seconds: on a busy machine
FINISH = {"choices": [{"delta": {"content": ""}, "index": 0, "finish_reason": "stop"}],
          "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip
BURST = [word(f"{number} ") for number in range(100)]
WORDS = "".join(f"{number} " for number in range(100))


def assert_times_out(way, stream):
    began = time.monotonic()
    failure = outcome(way, "?", LIMIT, stream)
    assert isinstance(failure, litellm.Timeout), repr(failure)
    assert LIMIT - 0.1 <= time.monotonic() - began < LATE


def drip(data, pause=0.5):
    """A byte each half second: every single read is well within the limit."""
    return [piece for byte in data for piece in (bytes([byte]), pause)]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_head_that_drips(way, server, stream):
    server.scripts[PATH] = drip(stream_head() if stream else answer(b"{}"))
    assert_times_out(way, stream)
    assert server.wait_closed()


def test_a_head_that_drips_over_http2(way, h2):
    async def behave(stream):
        stream.head(flush=False)
        await stream.connection.drip(0.5)

    h2.behave = behave
    assert_times_out(way, stream=True)
    assert h2.wait(lambda: h2.open == 0)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_handshake_that_is_never_answered(way, monkeypatch, stream):
    left = []

    async def silent(reader, writer):
        await reader.read()
        left.append(True)
        writer.close()

    with in_thread(silent) as port:
        point_at(monkeypatch, f"https://localhost:{port}/v1")
        assert_times_out(way, stream)
        close_all()
        gc.collect()  # httpcore forgets a socket whose handshake was cut off; the collector closes it
        until = time.monotonic() + LATE
        while not left and time.monotonic() < until:
            time.sleep(0.01)
        assert left


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_bomb_is_not_unpacked(way, server, stream, encoding):
    """200 MB in 200 KB, or in less where it is packed twice; what may be read of an answer is 64 MB."""
    packed = packed_zeros()
    if encoding == "gzip, gzip":
        packed = gzip.compress(packed)
    kind = "text/event-stream" if stream else "application/json"
    server.scripts[PATH] = [answer(packed, kind=kind, Content_Encoding=encoding)]
    failure = outcome(way, "?", 30, stream)
    failure = getattr(failure, "original_exception", None) or failure
    assert isinstance(failure, litellm.APIConnectionError), repr(failure)
    assert isinstance(failure.__cause__, BadAnswerError), repr(failure.__cause__)


def packed_zeros(cache=[]):  # noqa: B006 - made once
    if not cache:
        cache.append(gzip.compress(b"0" * 200_000_000, 1))
    return cache[0]


def chunks(way):
    request = {"model": MODEL, "messages": [{"role": "user", "content": "?"}], "stream": True, "timeout": 10}

    async def main():
        return [piece async for piece in await litellm.acompletion(**request)]

    return asyncio.run(main()) if way == "async" else list(litellm.completion(**request))


def assert_a_burst_is_joined(got):
    texts = [piece.choices[0].delta.content for piece in got]
    assert "".join(text for text in texts if text) == WORDS
    assert sum(bool(text) for text in texts) <= 5


def test_a_burst_is_joined(way, server):
    burst = b"".join(chunk(data) for data in [*BURST, event(FINISH), DONE])
    server.scripts[PATH] = [stream_head() + burst + END]
    assert_a_burst_is_joined(chunks(way))


@pytest.mark.parametrize("frames", [1, 100])
def test_a_burst_over_http2_is_joined(way, h2, frames):
    """Written at once, in one frame of DATA or in many, of which httpcore hands out one at a time."""

    async def behave(stream):
        stream.head()
        for data in BURST if frames == 100 else [b"".join(BURST)]:
            stream.connection.h2.send_data(stream.number, data)
        stream.send(event(FINISH) + DONE, end=True)

    h2.behave = behave
    assert_a_burst_is_joined(chunks(way))
