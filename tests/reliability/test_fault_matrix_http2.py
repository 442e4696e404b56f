"""Streams over TLS and HTTP/2, which is what GigaChat itself speaks: another lane than the one of plain HTTP."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import time

import litellm
import pytest
from probe import busy, own_tasks, own_threads, streams_open, unwrapped, wait_until

import litellm_gigachat_provider  # noqa: F401 - registers
from litellm_gigachat_provider.transport import client

pytestmark = pytest.mark.slow

LIMIT = 0.8
SLACK = 2.5
MODEL = "gigachat/GigaChat-2-Max"
HELLO = [{"role": "user", "content": "Расскажи о море"}]
TEXT = "Море шумит, чайки кричат, волны бегут. " * 20
E = litellm.exceptions

# knobs of the stream; the exception (None: none); whether text comes before it
CELLS = {
    "cut between chunks": ({"cut_after": 2}, E.APIConnectionError),
    # With a pause: httpcore acknowledges what it has read before it hands it out, and a reset in between takes it.
    "reset between chunks": ({"reset_after": 3, "chunk_delay": 0.04}, E.APIConnectionError),
    "a clean end without a finish": ({"end_after": 2}, E.APIConnectionError),
    "silence between chunks": ({"stall_after": 2}, E.Timeout),
    "silence before the first byte of the body": ({"stall_after": 0}, E.Timeout),
    "an error event": ({"error_after": 2}, E.InternalServerError),
    "an error event 429": ({"error_after": 2, "error_event": {"status": 429, "message": "Too many"}}, E.RateLimitError),
    "cut mid-character": ({"split_utf8": True, "cut_after": 2}, E.APIConnectionError),
    "characters split": ({"split_utf8": True}, None),
    "CRLF": ({"crlf": True}, None),
    "comments": ({"comments": True}, None),
    "several data lines": ({"split_data_lines": True}, None),
    "no space": ({"no_space": True}, None),
    "unknown events": ({"unknown_events": True}, None),
    "[DONE] twice": ({"double_done": True}, None),
    "no [DONE]": ({"no_done": True}, None),
    "all in one write": ({"buffered": True}, None),
    "one event": ({"single_event": True}, None),
    "JSON instead of a stream": ({"as_json": True}, E.APIConnectionError),
}
FORCED = {
    "401 once": ({"status": 401}, None),
    "401 for ever": ({"status": 401, "times": 9}, E.AuthenticationError),
    "403": ({"status": 403}, E.PermissionDeniedError),
    "404": ({"status": 404}, E.NotFoundError),
    "413": ({"status": 413}, E.ContextWindowExceededError),
    "422": ({"status": 422}, E.BadRequestError),
    "429": ({"status": 429, "headers": {"Retry-After": "4"}}, E.RateLimitError),
    "500": ({"status": 500}, E.InternalServerError),
    "502 HTML": ({"status": 502, "html": True}, E.ServiceUnavailableError),
    "503": ({"status": 503}, E.ServiceUnavailableError),
    "504": ({"status": 504}, E.Timeout),
    "error under 200": ({"status": 429, "kind": "error200"}, E.RateLimitError),
    "empty": ({"kind": "empty"}, E.APIConnectionError),
    "closed": ({"kind": "close"}, E.APIConnectionError),
    "reset": ({"kind": "reset"}, E.APIConnectionError),
    "silence": ({"kind": "stall"}, E.Timeout),
}


def ask(way):
    """Text, failure, seconds, tasks left."""
    kwargs = {"model": MODEL, "messages": HELLO, "stream": True, "timeout": LIMIT}
    text, left, failure = [], [], None
    began = time.monotonic()

    async def main():
        try:
            async for chunk in await litellm.acompletion(**kwargs):
                text.append(chunk.choices[0].delta.content or "")
        finally:
            await asyncio.sleep(0.01)
            left.extend(own_tasks())

    try:
        if way == "async":
            asyncio.run(main())
        else:
            for chunk in litellm.completion(**kwargs):
                text.append(chunk.choices[0].delta.content or "")
    except Exception as error:
        failure = unwrapped(error)
    return "".join(text), failure, time.monotonic() - began, left


@pytest.fixture
def sandbox(gigachat_sandbox_tls):
    gigachat_sandbox_tls.knobs.answer = TEXT
    litellm.completion(model=MODEL, messages=HELLO, timeout=10)  # the handshake and the token are not the cell's
    gigachat_sandbox_tls.clear()
    yield gigachat_sandbox_tls
    client.close_all()


def check(sandbox, seen, error, *, requests=1, partial=True):
    text, failure, seconds, tasks = seen
    assert seconds < LIMIT + SLACK, f"took {seconds:.2f} s"
    if error is None:
        assert failure is None, repr(failure)
        assert text == TEXT
    else:
        assert type(failure) is error, repr(failure)
        assert TEXT.startswith(text)
        assert text != TEXT
        assert bool(text) is partial
    assert len(sandbox.chat_requests) == requests
    assert sandbox.chat_requests[0].http_version == "2"
    assert tasks == []
    assert wait_until(lambda: streams_open() == 0)
    assert wait_until(lambda: busy() == 0)
    assert wait_until(lambda: not own_threads()), own_threads()


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("cell", list(CELLS))
def test_stream(sandbox, way, cell):
    knobs, error = CELLS[cell]
    for name, value in knobs.items():
        setattr(sandbox.knobs.stream, name, value)
    partial = any(name.endswith("_after") and value for name, value in knobs.items())
    check(sandbox, ask(way), error, partial=partial)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("cell", list(FORCED))
def test_before_the_first_byte(sandbox, way, cell):
    fault, error = FORCED[cell]
    sandbox.fail_next("chat", **fault)
    seen = ask(way)
    if cell == "429":
        assert seen[1].response.headers["retry-after"] == "4"
    check(sandbox, seen, error, requests=2 if cell.startswith("401") else 1, partial=False)
