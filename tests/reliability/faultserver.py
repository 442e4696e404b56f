"""A GigaChat of exact bytes: a plan per path and request, silent or broken where the plan says so, counting what is open."""

# ruff: noqa: E501 - tables

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

OAUTH, CHAT, FILES, EMBEDDINGS = "/api/v2/oauth", "/v1/chat/completions", "/v1/files", "/v1/embeddings"
RESET, CLOSE, STALL = "RST", "FIN", "silence until the peer leaves"

Plan = list[Any]  # bytes are sent, floats are pauses, the three above are what they say


def answer(body: Any = b"{}", status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: Any, end: bytes = b"\n") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return b"data: " + text.encode() + end + end


def new_key() -> str:
    return base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FaultServer:
    """``plans[path]``: one plan for each next request; the last one repeats. Without one: ``good[path]``."""

    good: dict[str, bytes] = field(default_factory=dict)
    plans: dict[str, list[Plan]] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    open: int = 0
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        return sum(seen.path == path for seen in self.requests)

    def wait_open(self, at_most: int, seconds: float = 2.0) -> bool:
        until = time.monotonic() + seconds
        while self.open > at_most and time.monotonic() < until:
            time.sleep(0.003)
        return self.open <= at_most

    def reset(self) -> None:
        self.plans.clear()
        self.requests.clear()

    def release(self) -> None:
        """End every silence; what is asked from now on is answered well."""
        self.plans.clear()
        self._loop.call_soon_threadsafe(self._end_silences)

    # --- life

    def __enter__(self) -> FaultServer:
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main(started)), name="fault-server", daemon=True
        )
        self._thread.start()
        assert started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    async def _main(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._playing: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512, limit=1 << 22)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        self._end_silences()
        server.close()

    def _end_silences(self) -> None:
        for task in list(self._playing.values()):
            if task is not None:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while seen := await _read(reader):
                self.requests.append(seen)
                if not await self._play(self._plan(seen), reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._playing.pop(writer, None)
            writer.transport.abort()

    def _plan(self, seen: Seen) -> Plan:
        path = FILES if seen.path.startswith(FILES) else seen.path
        waiting = self.plans.get(path)
        if not waiting:
            return [self.good[path]]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def _play(self, plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self._playing[writer] = asyncio.current_task() if len(plan) > 1 or STALL in plan else None
        for step in plan:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step is STALL:
                await reader.read()
                return False
            else:
                if step is CLOSE:
                    writer.close()  # what was written goes out first
                    await writer.wait_closed()
                elif step is RESET:
                    await asyncio.sleep(0.01)  # what was written must reach the peer before the RST destroys it
                    now = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                    writer.transport.abort()
                return False
        self._playing.pop(writer, None)
        return True


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)


def token(life: float = 1800.0) -> bytes:
    return answer({"access_token": f"token-{uuid.uuid4().hex}", "expires_at": int((time.time() + life) * 1000)})
