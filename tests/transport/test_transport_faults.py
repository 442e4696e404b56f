"""Every fault of a plain call becomes one of the package's failures, in time, with nothing left open and no secret."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
import traceback

import aiohttp  # noqa: F401 - so that no timeout here pays for loading it
import pytest
from loopback import CLOSE, RESET, STALL, WAYS, answer, chunk, read_stream, request, serving, stream_head

from litellm_gigachat_provider.errors import ConnectionFailureError, GigaChatError, TimeoutFailureError
from litellm_gigachat_provider.settings import Secret
from litellm_gigachat_provider.transport.client import Transport, close_all
from litellm_gigachat_provider.watch import counters

pytestmark = pytest.mark.parametrize("way", WAYS)
PATH = "/v1/chat/completions"
CANARY = "canary-" + "9f" * 16
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture
def server():
    with serving() as made:
        yield made


@pytest.fixture
def transport(server, fresh_counters):
    made = Transport(server.settings(access_token=Secret(CANARY)))
    yield made
    close_all()


def drip(data, pause=0.05):
    return [piece for byte in data for piece in (bytes([byte]), pause)]


FAULTS = {
    "closed before the answer": ([CLOSE], ConnectionFailureError),
    "reset before the answer": ([RESET], ConnectionFailureError),
    "reset in the head": ([b"HTTP/1.1 200 OK\r\nCont", 0.02, RESET], ConnectionFailureError),
    "closed in the head": ([b"HTTP/1.1 200 OK\r\nCont", CLOSE], ConnectionFailureError),
    "body too short": ([HEAD + b'{"choices', CLOSE], ConnectionFailureError),
    "reset in the body": ([HEAD + b'{"choices', 0.02, RESET], ConnectionFailureError),
    "chunked body cut": ([stream_head("application/json") + chunk(b"{")[:-3], CLOSE], ConnectionFailureError),
    "chunk without a size": ([stream_head("application/json") + b"zz\r\n{}\r\n", CLOSE], ConnectionFailureError),
    "no HTTP at all": ([b"SSH-2.0-OpenSSH_9\r\n\r\n", CLOSE], ConnectionFailureError),
    "endless head line": ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, CLOSE], ConnectionFailureError),
    "stall before the answer": ([STALL], TimeoutFailureError),
    "stall in the head": ([b"HTTP/1.1 200 OK\r\n", STALL], TimeoutFailureError),
    "stall in the body": ([HEAD, STALL], TimeoutFailureError),
    "drip in the head": (drip(HEAD), TimeoutFailureError),
    "drip in the body": ([HEAD, *drip(b"x" * 120)], TimeoutFailureError),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(way, server, transport, fault):
    steps, kind = FAULTS[fault]
    server.scripts[PATH] = steps
    began = time.monotonic()
    with pytest.raises(GigaChatError) as caught:
        request(way, transport, "POST", transport.settings.url("chat/completions"), json={"a": 1}, timeout=0.25)
    assert type(caught.value) is kind, caught.value
    assert time.monotonic() - began < 2.5
    assert len(server.requests) == 1, "a POST was sent again"
    assert_no_secret(caught.value)
    assert server.wait_closed()
    assert counters.errors == {kind.__name__: 1}


@pytest.mark.parametrize("fault", [name for name in FAULTS if "body" not in name])
def test_fault_while_a_stream_is_opened(way, server, transport, fault):
    steps, kind = FAULTS[fault]
    server.scripts[PATH] = steps
    reads, error = read_stream(way, transport, transport.settings.url("chat/completions"), timeout=0.25)
    assert reads == []
    if fault == "chunk without a size":
        assert isinstance(error, GigaChatError)
    else:
        assert type(error) is kind, error
    assert_no_secret(error)
    assert len(server.requests) == 1
    assert server.wait_closed()


def assert_no_secret(error):
    """Neither the texts of the chain, nor our frames, nor the library's exception lead to the token."""
    seen, todo = set(), [error]
    while todo:
        link = todo.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        assert isinstance(link, GigaChatError), f"{type(link)} is reachable"
        assert CANARY not in "".join(traceback.format_exception(link))
        assert CANARY not in repr(vars(link))
        todo += [link.__cause__, link.__context__]
        frame = link.__traceback__
        while frame is not None:
            if "litellm_gigachat_provider" in frame.tb_frame.f_code.co_filename:
                assert CANARY not in repr(frame.tb_frame.f_locals)
                assert "Request(" not in repr(frame.tb_frame.f_locals)
            frame = frame.tb_next


def test_refused_connection(way):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving() as server:
        transport = Transport(server.settings(base_url=f"http://127.0.0.1:{port}/v1", access_token=Secret(CANARY)))
    for call in (
        lambda: request(way, transport, "POST", transport.settings.url("chat/completions"), json={}),
        lambda: _raise(read_stream(way, transport, transport.settings.url("chat/completions"))[1]),
    ):
        with pytest.raises(ConnectionFailureError, match=r"cannot connect to 127\.0\.0\.1:\d+ \(.*refused") as caught:
            call()
        assert_no_secret(caught.value)


def _raise(error):
    raise error


def test_unknown_host(way, server):
    transport = Transport(server.settings(base_url="http://no-such-host.invalid/v1"))
    with pytest.raises(ConnectionFailureError, match=r"cannot connect to no-such-host\.invalid"):
        request(way, transport, "POST", transport.settings.url("chat/completions"), json={})


def test_an_error_status_is_told_even_if_its_body_breaks_off(way, server, transport):
    server.scripts[PATH] = [b"HTTP/1.1 503 X\r\nContent-Length: 100\r\nRetry-After: 9\r\n\r\nhalf", CLOSE]
    _, error = read_stream(way, transport, transport.settings.url("chat/completions"))
    assert (error.status, error.headers["retry-after"]) == (503, "9")


def test_connections_are_kept_and_a_dead_one_is_not_used(way, server, transport):
    url = transport.settings.url("chat/completions")
    server.scripts[PATH] = [[answer({"n": 1})], [answer({"n": 2}), CLOSE], [answer({"n": 3})]]

    async def main():
        got = [(await transport.arequest("POST", url, json={}, timeout=5)).json()["n"] for _ in range(2)]
        await asyncio.sleep(0.05)
        return [*got, (await transport.arequest("POST", url, json={}, timeout=5)).json()["n"]]

    if way == "async":
        assert asyncio.run(main()) == [1, 2, 3]
    else:
        got = [transport.request("POST", url, json={}, timeout=5).json()["n"] for _ in range(2)]
        time.sleep(0.05)
        assert [*got, transport.request("POST", url, json={}, timeout=5).json()["n"]] == [1, 2, 3]
    assert server.accepted == 2


def test_a_connection_that_died_while_the_loop_was_busy_is_not_used(way, server, transport):
    if way == "sync":
        pytest.skip("a synchronous caller has no loop that could be busy")
    url = transport.settings.url("chat/completions")
    server.scripts[PATH] = [[answer({"n": 1}), 0.02, CLOSE], [answer({"n": 2})]]

    async def main():
        await transport.arequest("POST", url, json={}, timeout=5)
        time.sleep(0.1)  # the loop stands still while the server closes
        return (await transport.arequest("POST", url, json={}, timeout=5)).json()

    assert asyncio.run(main()) == {"n": 2}


def test_answers_that_end_with_the_connection(way, server, transport):
    server.scripts[PATH] = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b'{"a":1}', CLOSE]
    url = transport.settings.url("chat/completions")
    for _ in range(2):
        assert request(way, transport, "POST", url, json={}).json() == {"a": 1}
    server.scripts[PATH] = [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", CLOSE]
    assert request(way, transport, "POST", url, json={}).json() == {}


def test_a_cancelled_call_leaves_nothing(way, server, transport):
    if way == "sync":
        pytest.skip("threads cannot be cancelled")
    server.scripts[PATH] = [HEAD, STALL]
    url = transport.settings.url("chat/completions")

    async def main():
        for delay in (0.0, 0.001, 0.05):
            task = asyncio.create_task(transport.arequest("POST", url, json={}, timeout=5))
            await asyncio.sleep(delay)
            task.cancel()
            assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
            assert await asyncio.to_thread(server.wait_closed)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()
