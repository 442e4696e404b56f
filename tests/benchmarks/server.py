"""The cheap local server: HTTP/1.1 on a bare asyncio protocol, canned bytes, one process of its own.

The first part of a path says how to answer: ``/plain/<delay ms>/v1/…``, ``/burst/0/v1/…`` (a stream written in one
go), ``/drip/<ms between chunks>/v1/…``; ``/oauth/<life in ms>`` gives tokens. Asked to stream or not: the path
decides. ``/control`` answers with the counters and the connections, ``/control/reset`` also clears the counters.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any

from .payloads import ANSWER, events

_IDS = b"X-Request-ID: 6a1a9a1e-3f0d-4ce5-9dd9-0e8e0f8d0001\r\nX-Session-ID: 6a1a9a1e-3f0d-4ce5-9dd9-0e8e0f8d0002\r\n"
_JSON = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n" + _IDS + b"Content-Length: %d\r\n\r\n%s"
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + _IDS + b"Transfer-Encoding: chunked\r\n\r\n"
_REFUSED = json.dumps({"status": 401, "message": "Token has expired"}).encode()


def _reply(body: bytes, status: bytes = b"200 OK") -> bytes:
    return _JSON % (status, len(body), body)


def _part(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


PLAIN = _reply(ANSWER)
EVENTS = [_part(event) for event in events()]
BURST = _STREAM + _part(b"".join(events())) + b"0\r\n\r\n"


class State:
    """Counters since the last reset, and the tokens that were given out."""

    def __init__(self) -> None:
        self.tokens: dict[bytes, float] = {}
        self.open: dict[str, int] = {"chat": 0, "oauth": 0}
        self.serial = itertools.count()
        self.reset()

    def reset(self) -> None:
        self.counts = {"oauth": 0, "chat": 0, "refused": 0}
        self.made = {"chat": 0, "oauth": 0}

    def report(self) -> dict[str, Any]:
        return {**self.counts, "made": self.made, "open": self.open}


class Peer(asyncio.Protocol):
    """One connection. Requests of one connection come one after the other."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.kind = ""
        self.buffer = b""
        self.transport: Any = None
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.kind in self.state.open:
            self.state.open[self.kind] -= 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self.buffer[:head_end]
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < head_end + 4 + length:
            return
        self.buffer = self.buffer[head_end + 4 + length :]
        self.answer(head)

    def answer(self, head: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        _, word, number, *_ = [*path.split("/"), "", ""]
        kind = word if word in {"oauth", "control"} else "chat"
        if not self.kind and kind != "control":
            self.kind = kind
            self.state.made[kind] += 1
            self.state.open[kind] += 1
        if kind == "control":
            self.write(_reply(json.dumps(self.state.report()).encode()))
            if number == "reset":
                self.state.reset()
        elif kind == "oauth":
            self.state.counts["oauth"] += 1
            self.loop.call_later(0.02, self.write, self.token(int(number)))
        elif not self.knows(head):
            self.state.counts["refused"] += 1
            self.write(_reply(_REFUSED, b"401 Unauthorized"))
        else:
            self.state.counts["chat"] += 1
            self.chat(word, int(number) / 1000)

    def token(self, life: int) -> bytes:
        token = f"token-{next(self.state.serial)}"
        expires = time.time() + life / 1000
        self.state.tokens[token.encode()] = expires
        return _reply(json.dumps({"access_token": token, "expires_at": int(expires * 1000)}).encode())

    def knows(self, head: bytes) -> bool:
        at = head.lower().find(b"authorization: bearer ")
        token = head[at + 22 :].split(b"\r\n", 1)[0]
        return at >= 0 and time.time() < self.state.tokens.get(token, 0.0)

    def chat(self, word: str, seconds: float) -> None:
        if word == "drip":
            self.write(_STREAM)
            self.drip(0, self.loop.time(), seconds)
        elif seconds:
            self.loop.call_later(seconds, self.write, PLAIN)
        else:
            self.write(BURST if word == "burst" else PLAIN)

    def drip(self, index: int, start: float, seconds: float) -> None:
        """Chunk ``index`` is due at ``start + index * seconds``; what is overdue goes in writes of its own."""
        now = self.loop.time()
        while index < len(EVENTS) and now >= start + index * seconds:
            self.write(EVENTS[index])
            index += 1
        if index == len(EVENTS):
            self.write(b"0\r\n\r\n")
        elif not self.transport.is_closing():
            self.loop.call_at(start + index * seconds, self.drip, index, start, seconds)

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


async def serve() -> None:
    """Listen on a free port of 127.0.0.1, print it, and go on until stdin ends."""
    state = State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(state), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
