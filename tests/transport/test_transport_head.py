"""Heads of answers, byte for byte."""

from __future__ import annotations

import http.client
import io

import pytest

from litellm_gigachat_provider.transport.head import read_head


def read(text: str, method: str = "POST"):
    reader = io.BytesIO(text.replace("\n", "\r\n").encode("latin-1"))
    return read_head(reader, method), reader.read()


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
    assert read_head(io.BytesIO(b"HTTP/1.1 200 OK\nContent-Length: 1\n\n"), "GET").length == 1


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
