from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_gigachat_provider.errors import BadAnswerError
from litellm_gigachat_provider.transport.sse import Event, SSEDecoder


def decode(*pieces):
    decoder = SSEDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b'data: {"a":1}\n\n', [("message", '{"a":1}')]),
        (b'data:{"a":1}\n\n', [("message", '{"a":1}')]),
        (b"data:  two spaces\n\n", [("message", " two spaces")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a"), ("message", "b")]),
        (b"data: a\r\rdata: b\r\r", [("message", "a"), ("message", "b")]),
        (b"data: a\n\r\ndata: b\r\n\n", [("message", "a"), ("message", "b")]),
        (b": comment\n\ndata: a\n: other\n\n", [("message", "a")]),
        (b"data: one\ndata: two\n\n", [("message", "one\ntwo")]),
        (b"event: response.message.done\ndata: {}\n\n", [("response.message.done", "{}")]),
        (b"event:x\nid: 7\nretry: 10\ndata: {}\nunknown: y\nbare\n\n", [("x", "{}")]),
        (b"event: x\n\ndata: y\n\n", [("message", "y")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a")]),
        (b"data\n\ndata:\n\ndata: a\n\n", [("message", "a")]),
        (b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [("message", "a"), ("message", "b")]),
        ("data: Привет\n\n".encode(), [("message", "Привет")]),
        (b"data: \xff\n\n", [("message", "�")]),
        (b"data: [DONE]\n", []),
        (b"", []),
    ],
)
def test_reads_every_form_of_the_format(stream, expected):
    assert decode(stream) == [Event(*pair) for pair in expected]
    assert decode(*[stream[i : i + 1] for i in range(len(stream))]) == [Event(*pair) for pair in expected]


_LINES = st.sampled_from(
    ["data: a", "data:b", "data: Привет", "data", "event: x", ": c", "id: 1", "", "", "junk", "data: {}", "retry: 3"]
)


@given(st.lists(st.tuples(_LINES, st.sampled_from(["\n", "\r\n", "\r"]))), st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_any_split_gives_the_same_events(lines, bom, data):
    stream = (b"\xef\xbb\xbf" if bom else b"") + "".join(line + end for line, end in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(*pieces) == decode(stream)
    assert decode(*[stream[i : i + 1] for i in range(len(stream))]) == decode(stream)


def test_line_ends_do_not_matter():
    stream = b"event: x\ndata: a\ndata: b\n\n: c\n\ndata: d\n\n"
    for end in (b"\r\n", b"\r"):
        assert decode(stream.replace(b"\n", end)) == decode(stream)


def test_an_event_without_its_blank_line_is_kept_for_the_end():
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n\ndata: [DONE]\n") == [Event("message", "a")]
    assert decoder.flush() == [Event("message", "[DONE]")]
    assert decoder.flush() == []


def test_an_endless_event_is_stopped():
    decoder = SSEDecoder(limit=1000)
    with pytest.raises(BadAnswerError, match="longer than 1000"):
        for _ in range(200):
            decoder.feed(b"data: aaaaaaaaaa")


def test_a_long_event_in_small_pieces_takes_linear_time():
    decoder = SSEDecoder()
    began = time.perf_counter()
    for _ in range(8 * 1024):
        assert decoder.feed(b"x" * 1024) == []
    assert time.perf_counter() - began < 10
    (event,) = decoder.feed(b"\ndata: x\n\n")
    assert event.data == "x"
