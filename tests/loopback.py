"""A server for faults: it plays a script per path, byte by byte, and counts what is open."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from litellm_gigachat_provider.errors import GigaChatError
from litellm_gigachat_provider.settings import Secret, Settings

WAYS = ("sync", "async")
RESET = object()
CLOSE = object()
STALL = object()  # says nothing more until the peer goes away


def answer(body=b"{}", status="200 OK", kind="application/json", **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def stream_head(kind="text/event-stream", **headers):
    fields = {"Content-Type": kind, "Transfer-Encoding": "chunked", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data, name=None):
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


END = b"0\r\n\r\n"
DONE = event("[DONE]")


@dataclass
class Seen:
    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Server:
    """``scripts[path]`` is a list of steps, or a list of such lists (one per request, the last repeats)."""

    scripts: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    open: int = 0
    accepted: int = 0
    port: int = 0
    default: bytes = answer({"choices": []})

    def settings(self, **changes):
        made = {"access_token": Secret("token-" + "a" * 20), "base_url": f"http://127.0.0.1:{self.port}/v1"}
        return Settings(**(made | changes))

    def wait_closed(self, count=0, seconds=10.0):
        """Whether no more than ``count`` connections stay open."""
        until = time.monotonic() + seconds
        while self.open > count and time.monotonic() < until:
            time.sleep(0.005)
        return self.open <= count

    async def serve(self, reader, writer):
        self.open += 1
        self.accepted += 1
        try:
            while seen := await read_request(reader):
                self.requests.append(seen)
                if not await self.play(self.steps_for(seen), reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def steps_for(self, seen):
        steps = self.scripts.get(seen.path, [self.default])
        if callable(steps):
            return steps(seen)
        if steps and isinstance(steps[0], list):
            count = sum(1 for other in self.requests if other.path == seen.path)
            return steps[min(count, len(steps)) - 1]
        return steps

    async def play(self, steps, reader, writer):
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step is STALL:
                await reader.read()  # until the peer closes
                return False
            else:
                if step is RESET:
                    now = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                    writer.transport.abort()
                return False
        return True


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    if path.startswith("http://"):  # as a proxy gets it
        path = "/" + path.split("/", 3)[3]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)


@contextmanager
def in_thread(handler, context=None):
    """Run an asyncio server in a thread; gives its port."""
    started = threading.Event()
    box = {}

    async def main():
        server = await asyncio.start_server(handler, "127.0.0.1", 0, backlog=1000, ssl=context, limit=1 << 20)
        box.update(port=server.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), stop=asyncio.Event())
        started.set()
        await box["stop"].wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    started.wait(5)
    try:
        yield box["port"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(5)


@contextmanager
def serving(context=None):
    server = Server()
    with in_thread(server.serve, context) as port:
        server.port = port
        yield server


def request(way, transport, *args, **kwargs):
    """``Transport.request`` or ``arequest``."""
    kwargs.setdefault("timeout", 5)
    if way == "sync":
        return transport.request(*args, **kwargs)
    return asyncio.run(transport.arequest(*args, **kwargs))


def read_stream(way, transport, url, timeout=5, stop_after=None, **kwargs):
    """Everything a stream gave, as lists per read, and the failure it ended with (or None)."""
    reads = []

    def sync():
        stream = transport.open_stream(url, json={}, timeout=timeout, **kwargs)
        try:
            for events in stream:
                reads.append(events)
                if len(reads) == stop_after:
                    break
        finally:
            stream.close()

    async def main():
        stream = await transport.aopen_stream(url, json={}, timeout=timeout, **kwargs)
        try:
            async for events in stream:
                reads.append(events)
                if len(reads) == stop_after:
                    break
        finally:
            await stream.aclose()

    try:
        sync() if way == "sync" else asyncio.run(main())
    except GigaChatError as error:
        return reads, error
    return reads, None


def data_of(reads):
    return [event.data for events in reads for event in events]
