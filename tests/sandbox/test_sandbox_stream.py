"""What stream knobs do to the bytes."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from litellm_gigachat_provider.sandbox.knobs import StreamKnobs
from litellm_gigachat_provider.sandbox.stream import Frame, encode


def read(client, prompt="Считай: count from 1 to 9", **fields):
    """The network reads of a v1 stream and the error that ended it, if any."""
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": prompt}], "stream": True, **fields}
    pieces, failure = [], None
    url = f"{client.sandbox.base_url}/chat/completions"
    try:
        with client.http.stream("POST", url, json=body, timeout=0.2) as answer:
            pieces.extend(answer.iter_raw())
    except httpx.HTTPError as error:
        failure = type(error)
    return b"".join(pieces).decode(), failure


@pytest.mark.parametrize(
    ("knob", "failure"),
    [
        ("cut_after", httpx.RemoteProtocolError),
        ("reset_after", httpx.ReadError),
        ("stall_after", httpx.ReadTimeout),
        ("end_after", None),
    ],
)
def test_a_stream_that_stops_early(client, knob, failure):
    setattr(client.sandbox.knobs.stream, knob, 2)
    text, seen = read(client)
    assert text.count("data: ") == 2
    assert seen is failure


def test_an_error_inside(client):
    client.sandbox.knobs.stream.error_after = 1
    text, _ = read(client)
    assert text.endswith('data: {"status_code":500,"message":"Internal Server Error"}\n\n')


@pytest.mark.parametrize(("knob", "count"), [("no_done", 0), ("double_done", 2)])
def test_done_marks(client, knob, count):
    setattr(client.sandbox.knobs.stream, knob, True)
    assert read(client)[0].count("[DONE]") == count


def test_single_event(client):
    client.sandbox.knobs.stream.single_event = True
    text, _ = read(client)
    chunk = json.loads(text.split("\n\n")[0][6:])
    assert chunk["choices"][0] == {
        "delta": {"content": "1, 2, 3, 4, 5, 6, 7, 8, 9", "role": "assistant"},
        "index": 0,
        "finish_reason": "stop",
    }
    assert "usage" in chunk
    assert text.count("data: ") == 2


def test_plain_json_instead_of_a_stream(client):
    client.sandbox.knobs.stream.as_json = True
    assert "choices" in json.loads(read(client)[0])


def test_noise_between_events(client):
    knobs = client.sandbox.knobs.stream
    knobs.comments = knobs.unknown_events = knobs.crlf = knobs.bom = True
    text, _ = read(client)
    assert text.startswith("\ufeff: keep-alive\r\n\r\nevent: ping\r\n")
    assert "\n\n" not in text


def test_multi_byte_characters_are_cut(client):
    client.sandbox.knobs.stream.split_utf8 = True
    text, failure = read(client, "Скажи: привет")
    assert "привет" in text
    assert failure is None


def test_several_data_lines():
    text = encode(Frame({"a": {"b": 1}}, "e"), StreamKnobs(split_data_lines=True)).decode()
    assert text == 'event: e\ndata: {\ndata:  "a": {\ndata:   "b": 1\ndata:  }\ndata: }\n\n'


def test_no_space_after_the_colon():
    assert encode(Frame({"a": 1}), StreamKnobs(no_space=True)) == b'data:{"a":1}\n\n'


def test_a_client_that_leaves_early_is_noticed(client):
    client.sandbox.knobs.stream.stall_after = 1
    client.sandbox.knobs.max_generations = 1
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "count from 1 to 9"}], "stream": True}
    with client.http.stream("POST", f"{client.sandbox.base_url}/chat/completions", json=body) as answer:
        next(answer.iter_raw())
    deadline = time.monotonic() + 2
    while not client.sandbox.requests[0].closed_early and time.monotonic() < deadline:
        time.sleep(0.005)
    assert client.sandbox.requests[0].closed_early
    assert client.chat().status_code == 200  # the slot is free again


def test_a_stream_read_to_its_end_was_not_closed_early(client):
    read(client)
    assert not client.sandbox.requests[0].closed_early
