"""Bytes of one request or answer that must not be taken for another's.

A server may answer before it has read the body, as front proxies do with one that is too large or a token that is
too old. What it does then (reads on, does nothing, closes) must not concern the next call; above all, no head
with its token may reach it as the rest of the old body.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid

import aiohttp  # noqa: F401 - so that no time limit here pays for loading it
import litellm
import pytest
from callers import aask, ask, point_at
from loopback import WAYS, answer, in_thread, serving

from litellm_gigachat_provider.errors import GigaChatError
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport.client import Transport, close_all

pytestmark = pytest.mark.parametrize("way", WAYS)
LARGE = 100_000
SIZES = {"1 MB": 1_000_000, "3 MB": 3_000_000, "10 MB": 10_000_000}
THEN = ("reads on", "does nothing", "closes")
CHAT = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "да"}}],
        "created": 1700000000, "model": "GigaChat-2-Max", "object": "chat.completion",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip


class Front:
    """Refuses a large body unread: always with 413, or with 401 where the token is the first one. Keeps every byte."""

    def __init__(self, status, then):
        self.status, self.then = status, then
        self.key = base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()  # tokens are kept by it
        self.heads, self.bodies = [], []
        self.tokens = 0
        self.port = 0

    def settings(self):
        urls = {"base_url": f"{self.origin}/v1", "auth_url": f"{self.origin}/oauth"}
        return Settings(credentials=Secret(self.key), **urls)

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                refused = length > LARGE and (self.status == 413 or b"token-1-" in head)
                if refused:
                    writer.write(answer({"status": self.status, "message": "unread"}, f"{self.status} No"))
                    await writer.drain()
                    await self.go_on(writer)
                await self.read(reader, length)
                if not refused:
                    writer.write(answer(self.token() if head.startswith(b"POST /oauth") else CHAT))
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def read(self, reader, length):
        try:
            self.bodies.append(await reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            self.bodies.append(error.partial)
            raise

    async def go_on(self, writer):
        """The answer is on its way; now do as told."""
        if self.then == "does nothing":
            writer.transport.pause_reading()
            await asyncio.Event().wait()
        await asyncio.sleep(0.1)
        if self.then == "closes":
            writer.transport.abort()
            raise ConnectionAbortedError

    def token(self):
        self.tokens += 1
        name = f"token-{self.tokens}-{'a' * 20}"
        return {"access_token": name, "expires_at": int((time.time() + 1800) * 1000)}

    def assert_in_step(self):
        assert [head.split(b" ")[0] for head in self.heads] == [b"POST"] * len(self.heads)
        for body in self.bodies:
            assert b"HTTP/1.1" not in body
            assert b"Bearer" not in body


@pytest.fixture
def front():
    """``front(status, then)`` serves until the test is over."""
    contexts = []

    def start(status, then):
        made = Front(status, then)
        contexts.append(in_thread(made.serve))
        made.port = contexts[-1].__enter__()
        return made

    yield start
    close_all()
    for context in contexts:
        context.__exit__(None, None, None)


def in_turn(way, transport, *requests):
    """What each of the requests led to, one after the other, on one event loop where it is async."""
    got = []

    async def main():
        for url, more in requests:
            try:
                got.append((await transport.arequest("POST", url, timeout=5, **more)).status)
            except GigaChatError as error:
                got.append(getattr(error, "status", repr(error)))

    if way == "async":
        asyncio.run(main())
        return got
    for url, more in requests:
        try:
            got.append(transport.request("POST", url, timeout=5, **more).status)
        except GigaChatError as error:
            got.append(getattr(error, "status", repr(error)))
    return got


def requests_of(settings, kind, size):
    """A large one of the kind, and a usual one."""
    small = settings.url("chat/completions"), {"json": {"messages": []}}
    if kind == "prompt":
        large = settings.url("chat/completions"), {"json": {"messages": [{"role": "user", "content": "x" * size}]}}
    else:
        parts = {"file": ("a.txt", b"x" * size, "text/plain"), "purpose": (None, "general")}
        large = settings.url("files"), {"files": parts, "where": "files"}
    return large, small


@pytest.mark.parametrize("kind", ["prompt", "upload"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("then", THEN)
def test_a_body_refused_unread(way, front, then, size, kind):
    server = front(413, then)
    transport = Transport(server.settings())
    large, small = requests_of(server.settings(), kind, SIZES[size])
    assert in_turn(way, transport, large, small, large, small) == [413, 200, 413, 200]
    close_all()
    server.assert_in_step()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("then", THEN)
def test_an_old_token_refused_unread(way, front, then, size):
    """The replay sends the body again, with the new token, and is answered."""
    server = front(401, then)
    transport = Transport(server.settings())
    kind = "upload" if size == "3 MB" else "prompt"
    large, small = requests_of(server.settings(), kind, SIZES[size])
    assert in_turn(way, transport, large, small) == [200, 200]
    close_all()
    assert server.tokens == 2
    assert [b"token-2-" in head for head in server.heads if not head.startswith(b"POST /oauth")] == [False, True, True]
    server.assert_in_step()


@pytest.mark.parametrize("stream", [False, True])
def test_a_long_prompt_and_the_next_call_through_litellm(way, front, monkeypatch, stream):
    server = front(413, "does nothing")
    point_at(monkeypatch, f"{server.origin}/v1", CREDENTIALS=server.key, AUTH_URL=f"{server.origin}/oauth")
    long = "слово " * 100_000

    async def main():
        with pytest.raises(litellm.ContextWindowExceededError):
            await aask(long, 5, stream)
        assert await aask("?", 5, stream=False) == "да"

    if way == "async":
        asyncio.run(main())
    else:
        with pytest.raises(litellm.ContextWindowExceededError):
            ask(long, 5, stream)
        assert ask("?", 5, stream=False) == "да"
    server.assert_in_step()


@pytest.mark.parametrize("later", [False, True], ids=["at once", "while the connection is idle"])
def test_an_answer_nobody_asked_for_is_nobodys(way, later):
    """As a gateway's 408 to an idle connection, or the second answer of one that is out of step itself."""
    with serving() as server:

        def script(seen):
            mine, stray = answer({"n": json.loads(seen.body)["n"]}), answer({"n": "stray"})
            return [mine, 0.03, stray] if later else [mine + stray]

        server.scripts["/v1/chat/completions"] = script
        transport = Transport(server.settings())
        url = transport.settings.url("chat/completions")

        async def main():
            got = []
            for number in range(3):
                got.append((await transport.arequest("POST", url, json={"n": number}, timeout=5)).json()["n"])
                await asyncio.sleep(0.15)
            return got

        def sync():
            got = []
            for number in range(3):
                got.append(transport.request("POST", url, json={"n": number}, timeout=5).json()["n"])
                time.sleep(0.15)
            return got

        assert (asyncio.run(main()) if way == "async" else sync()) == [0, 1, 2]
        close_all()
