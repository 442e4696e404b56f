from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import time

import aiohttp  # noqa: F401 - loading it is not part of what is timed
import pytest
from loopback import DONE, END, WAYS, chunk, data_of, event, read_stream, request, stream_head
from secure import AUTHORITY, serving_h2, serving_tls, write_ca

from litellm_gigachat_provider.errors import ConnectionFailureError, HttpFailureError
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport.client import Transport, close_all

pytestmark = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory):
    return write_ca(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture(scope="module")
def h2(tmp_path_factory):
    with serving_h2(tmp_path_factory.mktemp("h2")) as app:
        yield app


@pytest.fixture
def transport(h2, ca_file):
    h2.versions.clear()
    h2.count, h2.pause, h2.sent, h2.cut = 5, 0.03, 0, 0
    made = Transport(
        Settings(access_token=Secret("t.t"), base_url=h2.base_url, ca_bundle_file=ca_file, max_concurrency=4)
    )
    yield made
    assert made.limiter.running == 0
    close_all()


def test_an_untrusted_certificate_says_what_to_do(way, ca_file):
    with serving_tls(None) as server:
        transport = Transport(server.settings())
        url = transport.settings.url("chat/completions")
        with pytest.raises(ConnectionFailureError, match="GIGACHAT_CA_BUNDLE_FILE"):
            request(way, transport, "POST", url, json={})
        _, error = read_stream(way, transport, url)
        assert isinstance(error, ConnectionFailureError)
        assert "GIGACHAT_CA_BUNDLE_FILE" in str(error)
        assert server.requests == []


def test_a_certificate_of_another_host_is_refused(way, ca_file):
    with serving_tls(ca_file, AUTHORITY.issue_cert("example.org")) as server:
        transport = Transport(server.settings())
        with pytest.raises(ConnectionFailureError, match="TLS with localhost.*mismatch"):
            request(way, transport, "POST", transport.settings.url("chat/completions"), json={})
        assert server.requests == []


def test_http1_over_tls_for_both_lanes_and_learning_it(way, ca_file):
    with serving_tls(ca_file) as server:
        body = stream_head() + b"".join(chunk(event({"n": n})) for n in range(50)) + chunk(DONE) + END
        server.scripts["/v1/stream"] = [body]
        transport = Transport(server.settings())
        assert request(way, transport, "POST", transport.settings.url("chat"), json={}).status == 200
        for expected_reads in (60, 3):  # once asked for HTTP/2 in vain, the cheaper lane is used, which joins events
            reads, error = read_stream(way, transport, transport.settings.url("stream"))
            assert (len(data_of(reads)), error) == (51, None)
            assert len(reads) <= expected_reads
        close_all()
        assert server.wait_closed()


def test_plain_calls_never_offer_http2_though_streams_do(way, transport, h2):
    """Both lanes have a context of their own: httpcore writes what it offers into it."""
    for _ in range(3):
        assert request(way, transport, "POST", transport.settings.url("chat"), json={}).status == 200
        reads, error = read_stream(way, transport, transport.settings.url("stream"))
        assert (len(data_of(reads)), error) == (6, None)
    assert h2.versions == ["1.1", "2"] * 3


def test_events_come_as_they_are_sent(way, transport, h2):
    h2.pause = 0.05
    arrivals = []

    def sync():
        with transport.open_stream(transport.settings.url("stream"), json={}, timeout=5) as stream:
            for events in stream:
                arrivals.extend([time.monotonic()] * len(events))

    async def main():
        async with await transport.aopen_stream(transport.settings.url("stream"), json={}, timeout=5) as stream:
            async for events in stream:
                arrivals.extend([time.monotonic()] * len(events))

    sync() if way == "sync" else asyncio.run(main())
    gaps = [b - a for a, b in itertools.pairwise(arrivals)]
    assert len(gaps) == 5
    assert min(gaps) > 0.02


def test_many_streams_share_one_http2_connection(way, transport, h2):
    if way == "sync":
        results = []
        work = lambda: results.append(read_stream(way, transport, transport.settings.url("stream")))  # noqa: E731
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert [(len(data_of(reads)), error) for reads, error in results] == [(6, None)] * 4
        return

    async def one():
        stream = await transport.aopen_stream(transport.settings.url("stream"), json={}, timeout=5)
        return sum([len(events) async for events in stream])

    async def main():
        assert await asyncio.gather(*[one() for _ in range(20)]) == [6] * 20

    asyncio.run(main())


def test_an_error_over_http2_is_typed(way, transport, h2):
    _, error = read_stream(way, transport, transport.settings.url("stream/error"))
    assert isinstance(error, HttpFailureError)
    assert (error.status, error.headers["retry-after"]) == (429, "4")


def test_early_close_stops_the_server_and_the_connection_goes_on(way, transport, h2):
    h2.count = 1000
    for _ in range(3):
        reads, error = read_stream(way, transport, transport.settings.url("stream"), stop_after=2)
        assert (len(reads), error) == (2, None)
    for _ in range(100):
        if h2.cut == 3:
            break
        time.sleep(0.01)
    assert h2.cut == 3
    assert h2.sent < 30


def test_cancelling_one_stream_leaves_the_others_of_its_connection_alone(way, transport, h2):
    if way == "sync":
        pytest.skip("threads cannot be cancelled")

    async def one():
        stream = await transport.aopen_stream(transport.settings.url("stream"), json={}, timeout=5)
        return sum([len(events) async for events in stream])

    async def main():
        tasks = [asyncio.create_task(one()) for _ in range(4)]
        await asyncio.sleep(0.08)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [r for r in results if not isinstance(r, BaseException)] == [6, 6, 6]
        for _ in range(500):  # the tasks that close the cancelled one's stream
            if len(asyncio.all_tasks()) == 1:
                break
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1
        assert await one() == 6

    asyncio.run(main())
    gc.collect()


def test_a_stall_over_http2_is_a_timeout(way, transport, h2):
    h2.pause = 3.0
    began = time.monotonic()
    reads, error = read_stream(way, transport, transport.settings.url("stream"), timeout=0.2)
    assert len(data_of(reads)) == 1
    assert type(error).__name__ == "TimeoutFailureError"
    assert time.monotonic() - began < 2.8
