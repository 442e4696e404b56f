from __future__ import annotations

import asyncio
import gzip
import threading
import time
import zlib

import httpx
import pytest
from loopback import CLOSE, WAYS, answer, in_thread, request, serving

from litellm_gigachat_provider.errors import (
    BadAnswerError,
    CredentialsError,
    HttpFailureError,
    InvalidRequestError,
    TimeoutFailureError,
)
from litellm_gigachat_provider.limits.local import Limiter
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import client as client_module
from litellm_gigachat_provider.transport.client import Transport, close_all, transport_for
from litellm_gigachat_provider.watch import counters

pytestmark = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def server():
    with serving() as made:
        yield made
        close_all()


@pytest.fixture
def transport(server, fresh_counters):
    made = Transport(server.settings())
    yield made
    close_all()


def chat(transport):
    return transport.settings.url("chat/completions")


def test_what_is_sent_and_what_comes_back(way, server, transport):
    server.default = answer({"choices": [1]}, X_Request_ID="r-1")
    reply = request(way, transport, "POST", chat(transport), json={"text": "Привет"}, headers={"X-Session-ID": "s"})
    assert (reply.status, reply.json(), reply.headers["x-request-id"]) == (200, {"choices": [1]}, "r-1")
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.json) == ("POST", "/v1/chat/completions", {"text": "Привет"})
    assert seen.headers["authorization"].startswith("Bearer token-")
    assert seen.headers["user-agent"].startswith("litellm-gigachat-provider/")
    assert seen.headers["x-session-id"] == "s"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept"] == "application/json"
    assert "cookie" not in seen.headers
    assert "x-client-id" not in seen.headers
    assert counters.requests == {"chat": 1}


def test_get_has_no_body_and_client_id_is_a_header(way, server):
    transport = Transport(server.settings(client_id="user-7"))
    request(way, transport, "GET", transport.settings.url("models?x=%2F"), where="models")
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.body) == ("GET", "/v1/models?x=%2F", b"")
    assert seen.headers["x-client-id"] == "user-7"
    assert "content-type" not in seen.headers
    close_all()


def test_multipart(way, server, transport):
    files = {"file": ("отчёт.txt", b"\x00text\xff", "text/plain"), "purpose": (None, "general")}
    request(way, transport, "POST", transport.settings.url("files"), files=files, where="files")
    (seen,) = server.requests
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b"\x00text\xff" in seen.body
    assert b'name="purpose"\r\n\r\ngeneral' in seen.body


def test_a_large_body_goes_out_whole(way, server, transport):
    body = b"x" * 3_000_000
    request(way, transport, "POST", chat(transport), content=body, headers={"Content-Type": "text/plain"})
    assert server.requests[0].body == body


@pytest.mark.parametrize("status", [201, 204])
def test_any_2xx_is_a_reply(way, server, transport, status):
    server.default = f"HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n".encode()
    reply = request(way, transport, "POST", chat(transport), json={})
    assert reply.status == status
    with pytest.raises(BadAnswerError):
        reply.json()


def test_an_answer_before_the_whole_body_was_sent_counts(way):
    """As a front proxy does with a body that is too large for it: it answers, reads on for a while, and closes."""
    refusal = b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    read = []

    async def front(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await writer.drain()
        while part := await reader.read(1 << 20):
            read.append(len(part))
            await asyncio.sleep(0.001)
        writer.close()

    with in_thread(front) as port:
        transport = Transport(Settings(base_url=f"http://127.0.0.1:{port}/v1", auth_header=("X-Key", Secret("k"))))
        with pytest.raises(HttpFailureError) as caught:
            request(way, transport, "POST", f"http://127.0.0.1:{port}/v1/files", content=b"x" * 30_000_000, timeout=20)
        assert caught.value.status == 413
        close_all()
    assert sum(read) <= 30_000_000


@pytest.mark.parametrize("status", [301, 307, 400, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504])
def test_other_statuses_are_failures_and_redirects_are_not_followed(way, server, transport, status):
    server.default = answer(
        {"status": status, "message": "Too many requests"}, f"{status} X", Retry_After="7", Location="/v1/elsewhere"
    )
    with pytest.raises(HttpFailureError) as caught:
        request(way, transport, "POST", chat(transport) + "?a=b", json={}, where="embeddings")
    failure = caught.value
    assert (failure.status, failure.where, failure.url) == (status, "embeddings", chat(transport))
    assert failure.headers["retry-after"] == "7"
    assert "Too many requests" in str(failure)
    assert len(server.requests) == 1
    assert counters.errors == {f"http_{status}": 1}


def test_html_page_of_a_front_proxy(way, server, transport):
    server.default = answer(b"<html><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway", "text/html")
    with pytest.raises(HttpFailureError, match="Bad Gateway") as caught:
        request(way, transport, "POST", chat(transport), json={})
    assert caught.value.status == 502


def test_error_body_under_200(way, server, transport):
    server.default = answer({"status": 429, "message": "Too many requests"})
    with pytest.raises(HttpFailureError) as caught:
        request(way, transport, "POST", chat(transport), json={})
    assert caught.value.status == 429


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [], "status": 429, "message": "x"},
        {"data": [], "status": 429, "message": "x"},
        {"status": 200, "message": "x"},
        {"status": "active", "message": "x"},
        {"status": True, "message": "x"},
        [{"status": 429, "message": "x"}],
    ],
)
def test_bodies_that_only_look_like_errors(way, server, transport, body):
    server.default = answer(body)
    assert request(way, transport, "POST", chat(transport), json={}).json() == body


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b'{"choices": [', b"null and void"])
def test_unusable_bodies_under_200(way, server, transport, body):
    server.default = answer(body, kind="text/html")
    with pytest.raises(BadAnswerError):
        request(way, transport, "POST", chat(transport), json={}).json()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw"])
def test_packed_answers(way, server, transport, encoding):
    plain = b'{"choices":["%s"]}' % (b"x" * 10_000)
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain), "raw": raw.compress(plain) + raw.flush()}
    name = "gzip" if encoding == "gzip" else "deflate"
    server.default = answer(packed[encoding], Content_Encoding=name)
    assert request(way, transport, "POST", chat(transport), json={}).content == plain


def test_bombs_and_endless_answers_are_stopped(way, server, transport, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_REPLY", 100_000)
    server.default = answer(gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(BadAnswerError, match="100000"):
        request(way, transport, "POST", chat(transport), json={})
    server.default = answer(b"x" * 200_000)
    with pytest.raises(BadAnswerError, match="100000"):
        request(way, transport, "POST", chat(transport), json={})
    server.scripts["/v1/endless"] = [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000, 0.01, b"x" * 300_000, CLOSE]
    with pytest.raises(BadAnswerError, match="100000"):
        request(way, transport, "GET", transport.settings.url("endless"))
    server.default = answer(gzip.compress(b"x" * 1000)[:-12], Content_Encoding="gzip")
    with pytest.raises(BadAnswerError, match="cut"):
        request(way, transport, "POST", chat(transport), json={})
    server.default = answer(b"xxx", Content_Encoding="zstd")
    with pytest.raises(BadAnswerError, match="zstd"):
        request(way, transport, "POST", chat(transport), json={})
    assert client_module.MAX_FILE > client_module.MAX_REPLY


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "Привет", "a\x00", 5])
def test_headers_that_cannot_be_sent(way, server, transport, value):
    with pytest.raises(InvalidRequestError, match="X-Session-ID"):
        request(way, transport, "POST", chat(transport), json={}, headers={"X-Session-ID": value})
    assert server.requests == []


@pytest.mark.parametrize("url", ["ftp://x/v1", "nonsense", "http://", "https://exa mple/"])
def test_urls_that_are_none(way, transport, url):
    with pytest.raises(InvalidRequestError, match="api_base"):
        request(way, transport, "POST", url, json={})


class OnceStale(httpx.Auth):
    """Like GigaChatAuth: a 401 is answered by one replay with a new token."""

    tokens = ("old", "new")

    async def async_auth_flow(self, request):
        request.headers["Authorization"] = f"Bearer {self.tokens[0]}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self.tokens[1]}"
            yield request


def test_a_401_is_replayed_once_by_the_auth_flow(way, server):
    def script(seen):
        good = seen.headers["authorization"] == "Bearer new"
        return [answer({"choices": []} if good else {"message": "Token has expired"}, "200 OK" if good else "401 No")]

    server.scripts["/v1/chat/completions"] = script
    transport = Transport(server.settings(), auth=OnceStale())
    assert request(way, transport, "POST", chat(transport), json={"a": 1}).status == 200
    assert [seen.headers["authorization"] for seen in server.requests] == ["Bearer old", "Bearer new"]
    assert [seen.json for seen in server.requests] == [{"a": 1}] * 2
    assert server.accepted == 1
    close_all()


def test_a_refused_token_that_cannot_be_renewed(way, server, transport):
    server.default = answer({"status": 401, "message": "Unauthorized"}, "401 Unauthorized")
    with pytest.raises((HttpFailureError, CredentialsError)):
        request(way, transport, "POST", chat(transport), json={})
    assert len(server.requests) == 1


def test_the_callers_own_client_is_used(way, server):
    transport = Transport(server.settings())
    sync = httpx.Client(headers={"X-Mine": "1"}, params={})
    handler = type("Handler", (), {"client": sync})()

    async def main():
        async with httpx.AsyncClient(headers={"X-Mine": "1"}) as mine:
            for client in (mine, type("Handler", (), {"client": mine})()):
                await transport.arequest("POST", chat(transport), json={"a": 1}, timeout=5, client=client)

    if way == "async":
        asyncio.run(main())
    else:
        for client in (sync, handler):
            transport.request("POST", chat(transport), json={"a": 1}, timeout=5, client=client)
    assert [seen.headers.get("x-mine") for seen in server.requests] == ["1", "1"]
    assert all(seen.headers["authorization"].startswith("Bearer token-") for seen in server.requests)
    assert all(seen.json == {"a": 1} for seen in server.requests)
    close_all()


def test_the_concurrency_limit_holds_and_honours_the_timeout(way, server):
    server.scripts["/v1/chat/completions"] = lambda seen: [0.1, answer({"choices": []})]
    transport = Transport(server.settings(max_concurrency=1))
    began = time.monotonic()
    if way == "async":

        async def main():
            calls = [transport.arequest("POST", chat(transport), json={}, timeout=5) for _ in range(3)]
            await asyncio.gather(*calls)
            blocked = asyncio.create_task(transport.arequest("POST", chat(transport), json={}, timeout=5))
            await asyncio.sleep(0.02)
            with pytest.raises(TimeoutFailureError, match="GIGACHAT_MAX_CONCURRENCY"):
                await transport.arequest("POST", chat(transport), json={}, timeout=0.03)
            assert (await transport.arequest("GET", transport.settings.url("files"), timeout=5, where="files")).status
            blocked.cancel()
            await asyncio.gather(blocked, return_exceptions=True)

        asyncio.run(main())
    else:
        call = lambda: transport.request("POST", chat(transport), json={}, timeout=5)  # noqa: E731
        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.02)
        with pytest.raises(TimeoutFailureError, match="GIGACHAT_MAX_CONCURRENCY"):
            transport.request("POST", chat(transport), json={}, timeout=0.03)
        assert transport.request("GET", transport.settings.url("files"), timeout=5, where="files").status == 200
        for thread in threads:
            thread.join(5)
    assert time.monotonic() - began >= 0.28
    assert (transport.limiter.running, transport.limiter.waiting) == (0, 0)
    other = Transport(server.settings(max_concurrency=1, client_id="x"))
    assert other.limiter is transport.limiter  # the account is the same, whoever the end user is
    assert isinstance(other.limiter, Limiter)
    close_all()


def test_tenants_share_no_transport(way, server):
    base = server.settings()
    same = transport_for(server.settings())
    assert transport_for(base) is same
    for change in ({"client_id": "a"}, {"access_token": Secret("t.t")}, {"base_url": base.base_url + "/x"}):
        assert transport_for(server.settings(**change)) is not same
    request(way, same, "POST", chat(same), json={})
