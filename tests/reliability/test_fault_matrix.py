"""Every endpoint under every fault, through LiteLLM, sync and async.

A cell asserts: LiteLLM's exception class and whether it is worth a retry, the time limit, the text delivered so
far, how many requests reached the server, and that no connection, stream, slot, task or thread stays behind.
"""

# ruff: noqa: BLE001, E501 - whatever comes out of a call is an outcome here; tables

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, replace
from typing import Any

import aiohttp  # noqa: F401 - so that no time limit here pays for loading it
import litellm
import pytest
from faultserver import (
    CHAT,
    CLOSE,
    EMBEDDINGS,
    END,
    FILES,
    OAUTH,
    RESET,
    STALL,
    STREAM_HEAD,
    FaultServer,
    answer,
    chunk,
    event,
    new_key,
    token,
)  # fmt: skip
from probe import nothing_left, own_tasks, unwrapped

import litellm_gigachat_provider  # noqa: F401 - registers
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import client, oauth

pytestmark = pytest.mark.slow

LIMIT = 0.6  # seconds a call that meets silence may take
SLACK = 2.5  # of a busy machine
MODEL = "gigachat/GigaChat-2-Max"
HELLO = [{"role": "user", "content": "Привет!"}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = [{"role": "user", "content": [
    {"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
]}]  # fmt: skip
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "precached_prompt_tokens": 0}
COMPLETION = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Здравствуйте"}}],
    "created": 1700000000, "model": "GigaChat-2-Max:2.0.28.2", "object": "chat.completion", "usage": USAGE,
}  # fmt: skip
VECTORS = {"object": "list", "model": "Embeddings", "data": [
    {"object": "embedding", "embedding": [0.1, 0.2], "index": 0, "usage": {"prompt_tokens": 2}},
]}  # fmt: skip
UPLOADED = {"id": "0198c0de-0000-7000-8000-00000000f11e", "object": "file", "bytes": 68, "created_at": 1700000000,
            "filename": "a.png", "purpose": "general", "access_policy": "private"}  # fmt: skip


def delta(text: str, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, **more}
    return {"choices": [choice], "created": 1700000000, "model": "GigaChat-2-Max:2.0.28.2", "object": "chat.completion"}


A, B = delta("Здравст"), delta("вуйте")
FINISH = {**delta("", finish_reason="stop"), "usage": USAGE}
GOOD_STREAM = STREAM_HEAD + b"".join(chunk(event(e)) for e in (A, B, FINISH, "[DONE]")) + END
WHOLE = "Здравствуйте"

E = litellm.exceptions
RETRYABLE = (E.RateLimitError, E.Timeout, E.APIConnectionError, E.InternalServerError, E.ServiceUnavailableError)


@dataclass(frozen=True)
class Fault:
    """``plans`` for the requests to come, and what must follow. ``sent``: requests that may reach the server."""

    plans: list[Any]
    error: Any = None  # None: the call succeeds
    sent: int = 1
    oauth: int = 1
    text: str = ""  # what a stream delivered before
    header: tuple[str, str] | None = None
    kept: int = 1  # idle connections that may be kept for the next call


def error_body(status: int) -> dict[str, Any]:
    return {"status": status, "message": f"words of {status}"}


def refusal(status: int, **headers: str) -> bytes:
    return answer(error_body(status), status, **headers)


def page(status: int) -> bytes:
    return answer(b"<html><head><title>x</title></head><body><center>nginx</center></body></html>", status, "text/html")


def drip(data: bytes, pause: float = 0.03) -> list[Any]:
    return [piece for at in range(len(data)) for piece in (data[at : at + 1], pause)]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
REVOKED = answer({"status": 401, "message": "Token has expired"}, 401)
PLAIN_ERRORS: dict[str, Fault] = {
    "reset": Fault([[RESET]], E.APIConnectionError, kept=0),
    "closed without an answer": Fault([[CLOSE]], E.APIConnectionError, kept=0),
    "silence": Fault([[STALL]], E.Timeout, kept=0),
    "slow drip of the head": Fault([drip(HEAD)], E.Timeout, kept=0),
    "401 for ever": Fault([[REVOKED]], E.AuthenticationError, sent=2, oauth=2),
    "403": Fault([[refusal(403)]], E.PermissionDeniedError),
    "404": Fault([[refusal(404)]], E.NotFoundError),
    "422": Fault([[refusal(422)]], E.BadRequestError),
    "429": Fault([[refusal(429)]], E.RateLimitError),
    "429 with Retry-After": Fault([[refusal(429, Retry_After="7")]], E.RateLimitError, header=("retry-after", "7")),
    "500": Fault([[refusal(500)]], E.InternalServerError),
    "502 of a proxy": Fault([[page(502)]], E.ServiceUnavailableError),
    "503": Fault([[refusal(503, Retry_After="3")]], E.ServiceUnavailableError, header=("retry-after", "3")),
    "504 of a proxy": Fault([[page(504)]], E.Timeout),
    "HTML under 200": Fault([[page(200)]], E.APIConnectionError),
    "empty body": Fault([[answer(b"")]], E.APIConnectionError),
    "truncated JSON": Fault([[answer(b'{"choices": [{"message": {"role": "assis')]], E.APIConnectionError),
    "error under 200": Fault([[answer(error_body(429), 200)]], E.RateLimitError),
}
BODY_ERRORS = {
    "reset in the body": Fault([[HEAD + b'{"a', RESET]], E.APIConnectionError, kept=0),
    "closed in the body": Fault([[HEAD + b'{"a', CLOSE]], E.APIConnectionError, kept=0),
    "silence in the body": Fault([[HEAD + b'{"a', STALL]], E.Timeout, kept=0),
    "slow drip of the body": Fault([[HEAD, *drip(b"x" * 60)]], E.Timeout, kept=0),
}
RENEWED = {
    "401 once": Fault([[REVOKED], []], sent=2, oauth=2),
    "403 of a file under 403": Fault([[refusal(403)]], E.PermissionDeniedError),
}
TOO_LARGE = {"413": Fault([[refusal(413)]], E.ContextWindowExceededError)}
FILE_TOO_LARGE = {"413": Fault([[refusal(413)]], E.BadRequestError)}


def with_good(faults: dict[str, Fault], good: bytes) -> dict[str, Fault]:
    """An empty plan stands for the usual answer."""
    return {
        name: Fault([plan or [good] for plan in f.plans], f.error, f.sent, f.oauth, WHOLE if f.error is None else f.text,
                    f.header, f.kept)
        for name, f in faults.items()
    }  # fmt: skip


def oauth_refusal(status: int, code: int) -> bytes:
    return answer({"code": code, "message": f"words of code {code}"}, status)


# Three attempts for what may pass, one for what never will; the caller sees one outcome.
OAUTH_FAULTS = {
    "reset": Fault([[RESET]], E.APIConnectionError, sent=0, oauth=3),
    "closed without an answer": Fault([[CLOSE]], E.APIConnectionError, sent=0, oauth=3),
    "silence": Fault([[STALL]], E.Timeout, sent=0, oauth=1),
    "slow drip": Fault([drip(HEAD)], E.Timeout, sent=0, oauth=1),
    "400 code 1": Fault([[oauth_refusal(400, 1)]], E.AuthenticationError, sent=0),
    "400 code 4": Fault([[oauth_refusal(400, 4)]], E.AuthenticationError, sent=0),
    "400 code 5": Fault([[oauth_refusal(400, 5)]], E.AuthenticationError, sent=0),
    "401 code 6": Fault([[oauth_refusal(401, 6)]], E.AuthenticationError, sent=0),
    "400 code 7": Fault([[oauth_refusal(400, 7)]], E.AuthenticationError, sent=0),
    "403": Fault([[page(403)]], E.AuthenticationError, sent=0),
    "404": Fault([[page(404)]], E.AuthenticationError, sent=0),
    "413": Fault([[page(413)]], E.AuthenticationError, sent=0),
    "422": Fault([[oauth_refusal(422, 99)]], E.AuthenticationError, sent=0),
    "429": Fault([[refusal(429)]], E.RateLimitError, sent=0, oauth=3),
    "429 with a long Retry-After": Fault([[refusal(429, Retry_After="30")]], E.RateLimitError, sent=0,
                                         header=("retry-after", "30")),
    "500": Fault([[oauth_refusal(500, 10)]], E.InternalServerError, sent=0, oauth=3),
    "502": Fault([[page(502)]], E.ServiceUnavailableError, sent=0, oauth=3),
    "503": Fault([[page(503)]], E.ServiceUnavailableError, sent=0, oauth=3),
    "504": Fault([[page(504)]], E.Timeout, sent=0, oauth=3),
    "HTML under 200": Fault([[page(200)]], E.APIConnectionError, sent=0),
    "empty body": Fault([[answer(b"")]], E.APIConnectionError, sent=0),
    "truncated JSON": Fault([[answer(b'{"access_token": "eyJ')]], E.APIConnectionError, sent=0),
    "error under 200": Fault([[answer({"code": 6, "message": "credentials doesn't match db data"})]], E.APIConnectionError,
                             sent=0),
    "reset once": Fault([[RESET], []], oauth=2),
    "500 once": Fault([[page(500)], []], oauth=2),
    "429 once with a short Retry-After": Fault([[refusal(429, Retry_After="0.01")], []], oauth=2),
}  # fmt: skip

START = STREAM_HEAD + chunk(event(A))
FIRST = "Здравст"
HALF = event(B)[: event(B).index("в".encode()) + 1]  # ends inside a character
ALL = [event(e) for e in (A, B, FINISH, "[DONE]")]


def streamed(*pieces: bytes, end: bytes = END) -> list[Any]:
    return [STREAM_HEAD + b"".join(chunk(piece) for piece in pieces) + end]


def broken(*steps: Any, error: Any = E.APIConnectionError, text: str = FIRST) -> Fault:
    ended = isinstance(steps[-1], bytes) and steps[-1].endswith(END)
    return Fault([[*steps]], error, text=text, kept=int(ended))


BETWEEN_CHUNKS = {
    "reset": broken(START, RESET),
    "closed": broken(START, CLOSE),
    "silence": broken(START, STALL, error=E.Timeout),
    "slow drip": broken(START, *[piece for _ in range(40) for piece in (b"1\r\n:\r\n", 0.03)], error=E.Timeout),
    "a clean end without a finish": broken(*streamed(ALL[0])),
    "[DONE] without a finish": broken(*streamed(ALL[0], event("[DONE]"))),
    "an error event": broken(*streamed(ALL[0], event(error_body(500))), error=E.InternalServerError),
    "an error event 429": broken(*streamed(ALL[0], event(error_body(429))), error=E.RateLimitError),
    "a truncated event": broken(*streamed(ALL[0], b'data: {"choices": [{"ind\n\n')),
    "HTML between the events": broken(*streamed(ALL[0], b"data: <html>502</html>\n\n")),
    "an event that is no object": broken(*streamed(ALL[0], b"data: [1, 2]\n\n")),
    "a broken chunk size": broken(START, 0.03, b"zz\r\n", CLOSE, error=(E.APIConnectionError, E.Timeout)),
}
MID_CHARACTER = {
    "reset": broken(START + chunk(HALF), RESET),
    "closed": broken(START + chunk(HALF), CLOSE),
    "silence": broken(START + chunk(HALF), STALL, error=E.Timeout),
    "a clean end": broken(START + chunk(HALF) + END),
    "a pause": Fault([[START + chunk(HALF), 0.03, *[chunk(event(B)[len(HALF):]) + b"".join(map(chunk, ALL[2:])) + END]]],
                     text=WHOLE),
    "every byte alone": Fault([[STREAM_HEAD, b"".join(chunk(bytes([byte])) for byte in b"".join(ALL)) + END]], text=WHOLE),
}  # fmt: skip
FINISHED = STREAM_HEAD + b"".join(map(chunk, ALL[:3]))
AFTER_THE_FINISH = {
    "reset": Fault([[FINISHED, RESET]], text=WHOLE, kept=0),
    "closed": Fault([[FINISHED, CLOSE]], text=WHOLE, kept=0),
    "silence": Fault([[FINISHED, STALL]], text=WHOLE, kept=0),
    "no [DONE]": Fault([[FINISHED + END]], text=WHOLE),
    "[DONE] twice": Fault([streamed(*ALL, ALL[3])], text=WHOLE),
    "rubbish": Fault([streamed(*ALL, b"data: {\n\n", b"\xff\xfe")], text=WHOLE),
}
CALL = {"name": "get_weather", "arguments": {"city": "Омск"}}


def call_delta(**more: Any) -> dict[str, Any]:
    made = delta("", **more)
    made["choices"][0]["delta"]["function_call"] = CALL
    return made


CALL_FINISH = {**delta("", finish_reason="function_call"), "usage": USAGE}
FORMS = {
    "CRLF": streamed(*[event(e, b"\r\n") for e in (A, B, FINISH, "[DONE]")]),
    "comments": streamed(b": keep-alive\n\n", ALL[0], b": ping\n", *ALL[1:]),
    "several data lines": streamed(*[b"data: " + piece[6:].replace(b", ", b",\ndata: ") for piece in ALL]),
    "no space": streamed(*[b"data:" + piece[6:] for piece in ALL]),
    "a byte order mark": streamed(b"\xef\xbb\xbf" + ALL[0], *ALL[1:]),
    "unknown events": streamed(b"event: ping\n" + event({"x": 1}), ALL[0], event({"kind": "news"}), *ALL[1:]),
    "unknown fields": streamed(b"id: 1\nretry: 5\nfoo: bar\n" + event({**A, "new": {"x": []}}), *ALL[1:]),
    "all in one write": streamed(b"".join(ALL)),
    "no transfer coding": [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                           + b"".join(ALL), CLOSE],
}  # fmt: skip
CALL_FORMS = {
    "call and finish apart": streamed(event(call_delta()), event(CALL_FINISH), ALL[3]),
    "call and finish together": streamed(event({**call_delta(finish_reason="function_call"), "usage": USAGE}), ALL[3]),
    "call after text": streamed(ALL[0], event(call_delta()), event(CALL_FINISH), ALL[3]),
}


@pytest.fixture(scope="module")
def fault_server():
    good = {CHAT: answer(COMPLETION), EMBEDDINGS: answer(VECTORS), FILES: answer(UPLOADED)}
    with FaultServer(good=good) as made:
        settings = Settings(access_token=Secret("t"), base_url=f"{made.origin}/v1", auth_url=made.origin + OAUTH)
        client.Transport(settings).request("POST", made.origin + CHAT, json={}, timeout=5)
        made.good[OAUTH] = token()
        oauth.TokenFetcher()(replace(settings, access_token=None, credentials=Secret(new_key())))  # loads what is lazy
        yield made


@pytest.fixture
def server(fault_server, monkeypatch):
    fault_server.reset()
    fault_server.good[OAUTH] = token()
    monkeypatch.setattr(oauth, "PAUSES", (0.01, 0.01))
    for name, value in {
        "GIGACHAT_BASE_URL": f"{fault_server.origin}/v1",
        "GIGACHAT_AUTH_URL": fault_server.origin + OAUTH,
        "GIGACHAT_CREDENTIALS": new_key(),
        "GIGACHAT_SCOPE": "GIGACHAT_API_PERS",
    }.items():
        monkeypatch.setenv(name, value)
    yield fault_server
    fault_server.release()
    client.close_all()
    fault_server.wait_open(0)


@dataclass
class Seen:
    error: BaseException | None = None
    text: str = ""
    calls: list[Any] | None = None
    finish: str | None = None
    seconds: float = 0.0
    tasks: list[str] | None = None


def patience(fault: Fault) -> float:
    """Short only where waiting is what is tested: elsewhere a busy machine would look like a stall."""
    expected = fault.error if isinstance(fault.error, tuple) else (fault.error,)
    return LIMIT if E.Timeout in expected else 5.0


def chat(stream: bool, **kwargs: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": HELLO, "stream": stream, "timeout": LIMIT, **kwargs}


def note(seen: Seen, piece: Any) -> None:
    choice = piece.choices[0]
    part = getattr(choice, "delta", None) or choice.message
    seen.text += part.content or ""
    seen.calls = [*(seen.calls or []), *(part.tool_calls or [])]
    seen.finish = choice.finish_reason or seen.finish


def ask_sync(kwargs: dict[str, Any], seen: Seen) -> None:
    if "input" in kwargs:
        seen.text = WHOLE if litellm.embedding(**kwargs).data[0]["embedding"] == [0.1, 0.2] else "?"
        return
    answered = litellm.completion(**kwargs)
    for piece in answered if kwargs["stream"] else [answered]:
        note(seen, piece)


async def ask_async(kwargs: dict[str, Any], seen: Seen) -> None:
    if "input" in kwargs:
        seen.text = WHOLE if (await litellm.aembedding(**kwargs)).data[0]["embedding"] == [0.1, 0.2] else "?"
        return
    answered = await litellm.acompletion(**kwargs)
    if not kwargs["stream"]:
        note(seen, answered)
        return
    async for piece in answered:
        note(seen, piece)


def outcome(way: str, kwargs: dict[str, Any]) -> Seen:
    seen = Seen()

    async def main() -> None:
        began = time.monotonic()
        try:
            await ask_async(kwargs, seen)
        except Exception as error:
            seen.error = error
        seen.seconds = time.monotonic() - began
        for _ in range(5):
            await asyncio.sleep(0)
        seen.tasks = own_tasks()

    if way == "async":
        asyncio.run(main())
        return seen
    began = time.monotonic()
    try:
        ask_sync(kwargs, seen)
    except Exception as error:
        seen.error = error
    seen.seconds = time.monotonic() - began
    return seen


def check(server: FaultServer, path: str, fault: Fault, seen: Seen, *, limit: float = LIMIT) -> None:
    assert seen.seconds < limit + SLACK, f"took {seen.seconds:.2f} s"
    assert seen.text == fault.text
    sent = server.count(path if path != OAUTH else CHAT)
    error = unwrapped(seen.error) if seen.error is not None else None
    if fault.error is None:
        assert error is None, repr(error)
        assert seen.finish in (None, "stop")
    else:
        expected = fault.error if isinstance(fault.error, tuple) else (fault.error,)
        assert type(error) in expected, repr(error)
        assert litellm._should_retry(error.status_code) is issubclass(expected[0], RETRYABLE), error.status_code
        assert error.llm_provider == "gigachat"
        assert error.__cause__ is not None
        if fault.header is not None:
            assert error.response.headers[fault.header[0]] == fault.header[1]
    assert sent == fault.sent, f"{sent} requests instead of {fault.sent}"
    assert server.count(OAUTH) == fault.oauth
    if path == FILES and fault.error is not None:
        assert server.count(CHAT) == 0
    assert seen.tasks in (None, [])
    seen.error = error = None
    server.release()
    if seen.tasks is not None:
        PORTAL.stop()  # the token's connection, which an async call does not use
    nothing_left(server, fault.kept)


def cells(faults: dict[str, Fault]) -> Any:
    return pytest.mark.parametrize("fault", [pytest.param(f, id=name) for name, f in faults.items()])


both = pytest.mark.parametrize("way", ["sync", "async"])


@both
@cells(with_good(OAUTH_FAULTS, b"OAUTH"))
def test_oauth(server, way, fault):
    good = server.good[OAUTH]
    server.plans[OAUTH] = [[good if step == b"OAUTH" else step for step in plan] for plan in fault.plans]
    limit = LIMIT if fault.error is E.Timeout and fault.oauth == 1 else 3.0
    check(server, OAUTH, fault, outcome(way, chat(False, timeout=limit)), limit=limit)


@both
@cells(with_good({**PLAIN_ERRORS, **BODY_ERRORS, **RENEWED, **TOO_LARGE}, answer(COMPLETION)))
def test_chat(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(False, timeout=patience(fault))))


@both
@cells(with_good({**PLAIN_ERRORS, **RENEWED, **TOO_LARGE}, GOOD_STREAM))
def test_stream_before_the_first_byte(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(True, timeout=patience(fault))))


@both
@cells(BETWEEN_CHUNKS)
def test_stream_between_chunks(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(True, timeout=patience(fault))))


@both
@cells(MID_CHARACTER)
def test_stream_in_the_middle_of_a_character(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(True, timeout=patience(fault))))


@both
@cells(AFTER_THE_FINISH)
def test_stream_after_the_finish(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(True, timeout=patience(fault))))


@both
@cells({name: Fault([plan], text=WHOLE) for name, plan in FORMS.items()})
def test_stream_forms(server, way, fault):
    server.plans[CHAT] = list(fault.plans)
    check(server, CHAT, fault, outcome(way, chat(True, timeout=patience(fault))))


@both
@pytest.mark.parametrize("form", list(CALL_FORMS))
def test_stream_calls(server, way, form):
    server.plans[CHAT] = [CALL_FORMS[form]]
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
    seen = outcome(way, chat(True, tools=[tool]))
    assert seen.error is None
    assert seen.finish == "tool_calls"
    assert [(c.function.name, c.function.arguments) for c in seen.calls] == [("get_weather", '{"city":"Омск"}')]
    assert seen.text == (FIRST if form == "call after text" else "")
    assert server.count(CHAT) == 1
    nothing_left(server, 1)


@both
@cells(with_good({**PLAIN_ERRORS, **BODY_ERRORS, **RENEWED, **FILE_TOO_LARGE}, answer(UPLOADED)))
def test_files(server, way, fault):
    server.plans[FILES] = list(fault.plans)
    check(server, FILES, fault, outcome(way, chat(False, messages=PICTURE, timeout=patience(fault))))


@both
@cells(with_good({**PLAIN_ERRORS, **BODY_ERRORS, **RENEWED, **TOO_LARGE}, answer(VECTORS)))
def test_embeddings(server, way, fault):
    server.plans[EMBEDDINGS] = list(fault.plans)
    call = {"model": "gigachat/Embeddings", "input": ["текст"], "timeout": patience(fault)}
    check(server, EMBEDDINGS, fault, outcome(way, call))


REFUSING = {
    "oauth": ("GIGACHAT_AUTH_URL", OAUTH, chat(False, timeout=3.0)),
    "chat": ("GIGACHAT_BASE_URL", "/v1", chat(False)),
    "stream": ("GIGACHAT_BASE_URL", "/v1", chat(True)),
    "files": ("GIGACHAT_BASE_URL", "/v1", chat(False, messages=PICTURE)),
    "embeddings": ("GIGACHAT_BASE_URL", "/v1", {"model": "gigachat/Embeddings", "input": ["a"], "timeout": LIMIT}),
}


@both
@pytest.mark.parametrize("endpoint", list(REFUSING))
def test_connection_refused(server, way, endpoint, monkeypatch):
    variable, path, call = REFUSING[endpoint]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv(variable, f"http://127.0.0.1:{port}{path}")
    seen = outcome(way, call)
    assert type(unwrapped(seen.error)) is E.APIConnectionError, repr(seen.error)
    assert seen.seconds < LIMIT + SLACK
    assert server.count(CHAT) + server.count(FILES) + server.count(EMBEDDINGS) == 0
    assert seen.tasks in (None, [])
    seen.error = None
    nothing_left(server, 1)


@both
@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
def test_token_revoked_in_mid_life(server, way, stream):
    good = GOOD_STREAM if stream else answer(COMPLETION)
    server.plans[CHAT] = [[good], [REVOKED], [good]]
    assert outcome(way, chat(stream)).error is None
    fault = Fault([], sent=3, oauth=2, text=WHOLE)
    check(server, CHAT, fault, outcome(way, chat(stream, timeout=patience(fault))))


@both
@pytest.mark.parametrize("after", [0, 1], ids=["at once", "after the first text"])
def test_stream_left_by_the_caller(server, way, after):
    """Leaving early closes the connection, whether by ``close``, by dropping the stream, or by cancelling."""
    server.plans[CHAT] = [[START, STALL]]

    def sync() -> None:
        stream = litellm.completion(**chat(True))
        for _ in range(after):
            next(stream)
        del stream

    async def asynchronous() -> None:
        stream = await litellm.acompletion(**chat(True))
        for _ in range(after):
            await stream.__anext__()
        task = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del stream, task
        await asyncio.sleep(0)
        assert own_tasks() == []

    if way == "sync":
        sync()
    else:
        asyncio.run(asynchronous())
        PORTAL.stop()  # the token's connection
    assert server.count(CHAT) == 1
    nothing_left(server, 0)
