"""Heads that no server should send: a typed error soon, and never a hang, a bare ValueError or a wrong body.

The server says nothing more after its bytes and keeps the connection open, so whoever waits, waits for the timeout.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time

import aiohttp  # noqa: F401 - so that no time limit here pays for loading it
import litellm
import pytest
from callers import outcome
from loopback import END, WAYS, answer, chunk, event, in_thread

from litellm_gigachat_provider.errors import GigaChatError
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport.client import Transport, close_all

PATH = "/v1/chat/completions"
TIMEOUT = 12.0
SOON = 10.0  # seconds: what a busy machine may need for what is done at once
TEXT = "Чайка"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
COMMON = {"created": 1700000000, "model": "GigaChat-2-Max", "object": "chat.completion"}
PLAIN = json.dumps({
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}],
    **COMMON, "usage": USAGE,
}).encode()  # fmt: skip
STREAM = event({
    "choices": [{"index": 0, "finish_reason": "stop", "delta": {"role": "assistant", "content": TEXT}}],
    **COMMON, "usage": USAGE,
}) + event("[DONE]")  # fmt: skip


def length(*values):
    """The headers, with the body's true length where a value has ``%d``."""
    lines = b"".join(b"Content-Length: %s\r\n" % value for value in values)
    return lambda body: lines.replace(b"%d", str(len(body)).encode()), body_is


def body_is(body):
    return body


def chunked(header, pack=body_is):
    return lambda body: header, lambda body: chunk(pack(body)) + END


# What stands in the head (made from the body), and how the body is sent.
REFUSED = {
    "two different lengths": length(b"%d", b"3"),
    "two different lengths in one line": length(b"%d, 3"),
    "a negative length": length(b"-%d"),
    "a length of 5000 digits": length(b"9" * 5000),
    "a length that is none": length(b"0x7"),
    "a name without a colon": (lambda body: b"X-Odd\r\n" + length(b"%d")[0](body), body_is),
    "NUL in a value": (lambda body: b"X-Odd: a\x00b\r\n" + length(b"%d")[0](body), body_is),
    "a chunk of negative size": (lambda body: b"Transfer-Encoding: chunked\r\n", lambda body: b"-" + chunk(body) + END),
}
# RFC 9112 lets a recipient take these (equal lengths, 6.3; folding, 5.2) or their meaning is plain: a library that
# reads them right may, one that refuses them may too. But neither may wait for more, nor hand on another body.
EITHER = {
    "7, 7": length(b"%d, %d"),
    "the same length twice": length(b"%d", b"%d"),
    "a signed length": length(b"+%d"),
    "a length with zeros in front": length(b"0" * 4000 + b"%d"),
    "a folded header": (lambda body: b"X-Odd: a\r\n b\r\n" + length(b"%d")[0](body), body_is),
    "a folded length": length(b"\r\n %d"),
    "a length folded on": length(b"%d\r\n 9"),
    "packed, then chunked": chunked(b"Transfer-Encoding: gzip, chunked\r\n", gzip.compress),
    "chunked twice": chunked(b"Transfer-Encoding: chunked, chunked\r\n"),
    "a length and chunked": chunked(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    "a space before the colon": (lambda body: b"Content-Length : %d\r\n" % len(body), body_is),
}


def script(head, stream, first=b"HTTP/1.1 200 OK"):
    headers, framed = head
    body, kind = (STREAM, b"text/event-stream") if stream else (PLAIN, b"application/json")
    return [first + b"\r\nContent-Type: " + kind + b"\r\n" + headers(body) + b"\r\n" + framed(body)]


def asked(way, stream):
    began = time.monotonic()
    got = outcome(way, "?", TIMEOUT, stream)
    assert time.monotonic() - began < SOON
    return got


def assert_typed(error):
    """LiteLLM makes the same of any exception, a ValueError too; what it was made of is one of ours."""
    failure = getattr(error, "original_exception", None) or error
    assert isinstance(failure, litellm.APIConnectionError), repr(error)
    assert not isinstance(failure, litellm.Timeout), repr(error)
    assert isinstance(failure.__cause__, GigaChatError), repr(failure.__cause__)


def assert_the_next_call_is_well(server, way):
    server.scripts.clear()
    server.default = answer(PLAIN)
    assert outcome(way, "?", TIMEOUT, stream=False) == TEXT


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_in_one_way_only_is_refused(way, server, name, stream):
    server.scripts[PATH] = script(REFUSED[name], stream)
    assert_typed(asked(way, stream))
    assert_the_next_call_is_well(server, way)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EITHER)
def test_what_is_odd_is_read_right_or_refused(way, server, name, stream):
    server.scripts[PATH] = script(EITHER[name], stream)
    got = asked(way, stream)
    if got != TEXT:
        assert_typed(got)
    assert_the_next_call_is_well(server, way)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [b"HTTP/1.1 2000 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 abc OK", b"HTTP/1.1 -200 OK"])
def test_a_status_has_three_digits(way, server, first, stream):
    server.scripts[PATH] = script(length(b"%d"), stream, first)
    assert_typed(asked(way, stream))
    assert_the_next_call_is_well(server, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_header_of_other_letters_is_read(way, server):
    """Not ASCII and not even UTF-8: seen in names of files and of gateways."""
    odd = b"X-Odd: \xd0\xbf\xe9\r\n"
    for stream in (False, True):
        server.scripts[PATH] = script((lambda body: odd + length(b"%d")[0](body), body_is), stream)
        assert asked(way, stream) == TEXT


# --- the name of a host in other letters ---------------------------------------------------------------

NAME, WIRE = "чат.пример.рф", b"xn--80a0bn.xn--e1afmkfd.xn--p1ai"


@pytest.fixture
def heads():
    """A server or proxy that notes heads and refuses: the port, and the heads."""
    noted = []

    async def serve(reader, writer):
        noted.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer({"message": "noted"}, "403 No", Connection="close"))
        writer.close()

    with in_thread(serve) as port:
        yield port, noted


def send_to(way, base_url):
    """A call and a stream, which are refused."""
    transport = Transport(Settings(access_token=Secret("token-" + "a" * 20), base_url=base_url))
    url = transport.settings.url("chat/completions")
    asked = {
        "sync": (
            lambda: transport.request("POST", url, json={}, timeout=5),
            lambda: transport.open_stream(url, json={}, timeout=5),
        ),
        "async": (
            lambda: asyncio.run(transport.arequest("POST", url, json={}, timeout=5)),
            lambda: asyncio.run(transport.aopen_stream(url, json={}, timeout=5)),
        ),
    }
    for ask in asked[way]:
        with pytest.raises(GigaChatError):
            ask()
    close_all()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("way", WAYS)
def test_a_host_in_other_letters_is_named_to_a_proxy_as_on_the_wire(way, heads, monkeypatch, scheme):
    port, noted = heads
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://127.0.0.1:{port}")
    send_to(way, f"{scheme}://{NAME}:8443/v1")
    start = b"CONNECT " + WIRE + b":8443 " if scheme == "https" else b"POST http://" + WIRE + b":8443/v1/chat/"
    assert len(noted) == 2
    for head in noted:
        assert head.startswith(start)
        assert b"\r\nhost: " + WIRE + b":8443\r\n" in head.lower()
        assert head.isascii()


@pytest.mark.parametrize("way", WAYS)
def test_a_host_in_other_letters_is_named_to_itself_as_on_the_wire(way, heads, monkeypatch):
    port, noted = heads
    found = socket.getaddrinfo

    def at_home(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        return found("127.0.0.1" if name in (NAME, WIRE.decode()) else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", at_home)
    send_to(way, f"http://{NAME}:{port}/v1")
    assert len(noted) == 2
    assert all(b"\r\nhost: " + WIRE + b":%d\r\n" % port in head.lower() for head in noted)
