"""Answers as bytes: heads, and where the content ends."""

from __future__ import annotations

import http.client

import pytest

from litellm_gigachat_provider.transport.incoming import Incoming


def taken(data: bytes, method: str = "POST", step: int = 0):
    """The head, and the content behind it; fed whole or in pieces of ``step`` bytes."""
    incoming = Incoming(method)
    step = step or max(len(data), 1)
    content = b"".join(incoming.feed(data[at : at + step]) for at in range(0, len(data), step))
    if incoming.head is None:
        incoming.finish()
    return incoming.head, content


def read(text: str, method: str = "POST"):
    return taken(text.replace("\n", "\r\n").encode("latin-1"), method)


def test_a_usual_answer_and_not_a_byte_more():
    head, rest = read("HTTP/1.1 200 OK\nContent-Type: application/json\nX-Request-ID:  a b \nContent-Length: 2\n\n{}")
    assert head.status == 200
    first = [(b"Content-Type", b"application/json"), (b"X-Request-ID", b"a b")]
    assert head.headers == [*first, (b"Content-Length", b"2")]
    assert (head.chunked, head.length, head.will_close) == (False, 2, False)
    assert rest == b"{}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\nContent-Length: 5\n\n", (True, None, False)),
        ("HTTP/1.1 200 OK\n\n", (False, None, True)),
        ("HTTP/1.1 200\nContent-Length: 0\nConnection: Close\n\n", (False, 0, True)),
        ("HTTP/1.1 204 No Content\n\n", (False, 0, False)),
        ("HTTP/1.0 200 OK\nContent-Length: 3\n\n", (False, 3, True)),
        ("HTTP/1.0 200 OK\nContent-Length: 3\nConnection: Keep-Alive\n\n", (False, 3, False)),
        ("HTTP/1.1 200 OK\nContent-Length: many\n\n", (False, None, True)),
    ],
)
def test_where_the_body_ends(text, expected):
    head, _ = read(text)
    assert (head.chunked, head.length, head.will_close) == expected


def test_go_on_is_passed_over():
    assert read("HTTP/1.1 100 Continue\n\nHTTP/1.1 201 Created\nContent-Length: 0\n\n")[0].status == 201


def test_a_folded_header():
    assert read("HTTP/1.1 200 OK\nX: a\n  b\nContent-Length: 0\n\n")[0].headers[0] == (b"X", b"a b")


def test_bare_line_feeds():
    head, content = taken(b"HTTP/1.1 200 OK\nContent-Length: 5\n\na\r\n\r\n", "GET")
    assert (head.length, content) == (5, b"a\r\n\r\n")


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", http.client.RemoteDisconnected),
        ("HTTP/1.1 200", http.client.IncompleteRead),
        ("HTTP/1.1 200 OK\nContent-Le", http.client.IncompleteRead),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n", http.client.IncompleteRead),
        ("<html>\n\n", http.client.BadStatusLine),
        ("HTTP/2 200 OK\n\n", http.client.BadStatusLine),
        ("HTTP/1.1 2x0 OK\n\n", http.client.BadStatusLine),
        ("HTTP/1.1 042 OK\n\n", http.client.BadStatusLine),
        ("HTTP/1.1 200 OK\nX: " + "a" * 70_000 + "\n\n", http.client.LineTooLong),
        ("HTTP/1.1 200 OK\n" + "X: a\n" * 101 + "\n", http.client.HTTPException),
    ],
)
def test_what_is_no_answer(text, failure):
    with pytest.raises(failure):
        read(text)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
COUNTED = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 5\n\nabcde"


@pytest.mark.parametrize("answer", [CHUNKED, COUNTED])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_however_the_network_cuts_it(answer, step):
    head, content = taken(answer, step=step)
    assert (head.status, content) == (200, b"abcde")


@pytest.mark.parametrize("answer", [CHUNKED, COUNTED])
def test_a_connection_is_reusable_after_the_last_byte_and_no_more(answer):
    incoming = Incoming("POST")
    incoming.feed(answer[:-1])
    assert not incoming.ended
    assert not incoming.reusable
    with pytest.raises(http.client.IncompleteRead):
        incoming.finish()
    incoming.feed(answer[-1:])
    assert incoming.ended
    assert incoming.reusable
    assert incoming.feed(b"HTTP/1.1 200 OK") == b""
    assert not incoming.reusable


def test_an_answer_with_more_behind_it_is_not_followed_by_another():
    incoming = Incoming("POST")
    assert incoming.feed(COUNTED + b"!") == b"abcde"
    assert (incoming.ended, incoming.reusable) == (True, False)


def test_a_body_that_ends_with_the_connection():
    incoming = Incoming("POST")
    assert incoming.feed(b"HTTP/1.1 200 OK\r\n\r\nab") == b"ab"
    assert not incoming.ended
    incoming.finish()
    assert (incoming.ended, incoming.reusable) == (True, False)
