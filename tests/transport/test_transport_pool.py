from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import time
import tracemalloc

import pytest
from loopback import STALL, answer, chunk, event, serving, stream_head

from litellm_gigachat_provider.errors import ConnectionFailureError
from litellm_gigachat_provider.settings import Secret
from litellm_gigachat_provider.transport import client as client_module
from litellm_gigachat_provider.transport import connections
from litellm_gigachat_provider.transport.client import Transport, close_all, transport_for


@pytest.fixture
def server():
    close_all()
    with serving() as made:
        yield made
        close_all()


def url(transport):
    return transport.settings.url("chat/completions")


def test_twenty_event_loops_leave_nothing_open(server):
    transport = Transport(server.settings())

    async def main():
        for _ in range(3):
            await transport.arequest("POST", url(transport), json={}, timeout=5)

    for _ in range(20):
        asyncio.run(main())
        assert server.wait_closed()
    assert server.accepted == 20
    assert not any(loop.is_closed() for loop in connections._of_loops)


def test_a_stream_left_open_does_not_outlive_its_loop(server):
    server.scripts["/v1/chat/completions"] = [stream_head(), chunk(event({})), STALL]
    transport = Transport(server.settings(max_concurrency=1))
    kept = []

    async def main():
        stream = await transport.aopen_stream(url(transport), json={}, timeout=5)
        kept.append(stream)
        await stream.__anext__()

    asyncio.run(main())
    assert server.wait_closed()
    kept.clear()
    gc.collect()
    assert transport.limiter.running == 0


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_loops_that_are_closed_without_a_word_lose_their_connections_at_the_next_use(server):
    transport = Transport(server.settings())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.arequest("POST", url(transport), json={}, timeout=5))
    loop.close()
    del loop
    asyncio.run(transport.arequest("POST", url(transport), json={}, timeout=5))
    gc.collect()
    assert server.wait_closed()


def test_a_thousand_calls_share_one_connection(server):
    transport = Transport(server.settings())

    async def main():
        for _ in range(300):
            await transport.arequest("POST", url(transport), json={}, timeout=5)

    asyncio.run(main())
    for _ in range(300):
        transport.request("POST", url(transport), json={}, timeout=5)
    assert server.accepted == 2
    close_all()
    assert server.wait_closed()


def test_threads_share_the_connections(server):
    transport = Transport(server.settings())
    failures = []

    def work():
        try:
            for _ in range(20):
                transport.request("POST", url(transport), json={}, timeout=5)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert len(server.requests) == 320
    assert server.accepted <= 32
    close_all()
    assert server.wait_closed()


def test_loops_in_threads_at_once(server):
    transport = Transport(server.settings())

    async def main():
        await asyncio.gather(*[transport.arequest("POST", url(transport), json={}, timeout=5) for _ in range(10)])

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(server.requests) == 80
    assert server.wait_closed()


def test_tenants_are_bounded_and_the_evicted_go_on(server):
    server.scripts["/v1/stream"] = [stream_head(), chunk(event({})), 0.1, chunk(event({})) + b"0\r\n\r\n"]
    first = transport_for(server.settings())

    async def main():
        stream = await first.aopen_stream(first.settings.url("stream"), json={}, timeout=5)
        await asyncio.to_thread(lambda: [transport_for(server.settings(client_id=str(n))) for n in range(1000)])
        assert sum([len(events) async for events in stream]) == 2
        assert (await first.arequest("POST", url(first), json={}, timeout=5)).status == 200

    asyncio.run(main())
    assert len(client_module._tenants) == client_module._TENANTS
    assert transport_for(server.settings()) is not first


def test_tenants_share_idle_connections(server):
    """300 of them, with a token each: the connection carries none."""
    tokens = [f"token-{n:03d}" for n in range(300)]
    for token in tokens:
        tenant = transport_for(server.settings(access_token=Secret(token)))
        tenant.request("POST", url(tenant), json={}, timeout=5)
    assert [seen.headers["authorization"] for seen in server.requests] == [f"Bearer {token}" for token in tokens]
    assert server.accepted == 1


def test_memory_of_many_tenants_stays_bounded(server):
    def make(start, count):
        for n in range(start, start + count):
            transport_for(server.settings(access_token=Secret(f"token-{n}")))
        gc.collect()

    make(0, 300)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    make(300, 1000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(client_module._tenants) == client_module._TENANTS
    assert grown < 1_000_000


def test_close_all_then_on(server):
    transport = transport_for(server.settings())
    transport.request("POST", url(transport), json={}, timeout=5)
    close_all()
    assert server.wait_closed()
    assert transport.request("POST", url(transport), json={}, timeout=5).status == 200
    close_all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_its_own_connections_and_leaves_the_parents_alone(server):
    server.default = answer({"choices": []})
    transport = transport_for(server.settings(max_concurrency=2))
    transport.request("POST", url(transport), json={}, timeout=5)
    held = asyncio.run(transport.limiter.acquire(1))
    child = os.fork()
    if child == 0:
        try:
            fine = transport.request("POST", url(transport), json={}, timeout=3).status == 200
            fine = fine and transport.limiter.running == 0
            fine = fine and asyncio.run(transport.arequest("POST", url(transport), json={}, timeout=3)).status == 200
            os._exit(0 if fine else 3)
        except BaseException:  # noqa: BLE001
            os._exit(4)
    deadline = time.monotonic() + 10
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(done[1]) == 0
    held.release()
    assert transport.request("POST", url(transport), json={}, timeout=5).status == 200
    assert server.accepted == 3  # the parent's first one is still in use
    close_all()


def test_a_hosts_addresses_are_asked_for_once_by_many_callers(server, monkeypatch):
    """And again after a failure, and by those who stay when the first to ask gives up."""
    transport = Transport(server.settings())
    there = url(transport).replace("127.0.0.1", "somewhere.test")
    server.scripts["/v1/chat/completions"] = [answer({"n": 1})]
    asked = []

    async def main():
        loop = asyncio.get_running_loop()

        async def lookup(host, port, **kwargs):
            asked.append(host)
            await asyncio.sleep(0.05)
            if len(asked) == 1:
                raise socket.gaierror(-2, "Name or service not known")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(loop, "getaddrinfo", lookup)
        calls = [transport.arequest("POST", there, json={}, timeout=5) for _ in range(20)]
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(failure) for failure in failures} == {ConnectionFailureError}
        assert asked == ["somewhere.test"]
        first = asyncio.create_task(transport.arequest("POST", there, json={}, timeout=5))
        others = [asyncio.create_task(transport.arequest("POST", there, json={}, timeout=5)) for _ in range(20)]
        await asyncio.sleep(0.02)
        first.cancel()
        assert [reply.json() for reply in await asyncio.gather(*others)] == [{"n": 1}] * 20
        assert len(asked) == 2

    asyncio.run(main())
