"""The event-loop side of the server: hypercorn's connection handler, connections one can reset, a quick stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hypercorn.config import Config
    from starlette.types import ASGIApp, Scope

_GRACE: Final = 0.5  # seconds for connections to notice the end


class Runtime:
    """Serves one application on one socket until :meth:`stop`.

    Hypercorn's own ``serve`` waits for running answers when it stops and hides the sockets; here both matter: a
    stalled stream must not hold up the end of a test, and a reset needs the transport.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._writers: dict[tuple[str, int], asyncio.StreamWriter] = {}

    def run(
        self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext | None, ready: threading.Event
    ) -> None:
        """The thread's body."""
        asyncio.run(self._serve(app, listener, context, ready))

    def stop(self) -> None:
        """From any thread."""
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def pause(self, seconds: float) -> None:
        """Sleeps, but no longer than the server lives."""
        if self._stopping is None:
            raise RuntimeError("pauses need a running sandbox")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), None if seconds == float("inf") else seconds)

    async def abort(self, scope: Scope, reset: bool) -> None:
        """Drops the client's connection: a plain end of the socket, or RST."""
        client = scope.get("client")
        writer = self._writers.get((client[0], client[1])) if client else None
        if writer is None:
            return
        if reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def _serve(
        self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext | None, ready: threading.Event
    ) -> None:
        from hypercorn.asyncio.tcp_server import TCPServer
        from hypercorn.asyncio.worker_context import WorkerContext
        from hypercorn.config import Config
        from hypercorn.utils import wrap_app

        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_quiet)
        self._stopping = asyncio.Event()
        config = _config(Config())
        wrapped = wrap_app(app, config.wsgi_max_body_size, "asgi")  # type: ignore[arg-type]
        worker = WorkerContext(None)
        tasks: set[asyncio.Task[Any]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            peer = writer.get_extra_info("peername")
            if task is None or peer is None:
                writer.close()
                return
            tasks.add(task)
            self._writers[peer[:2]] = writer
            try:
                await TCPServer(wrapped, asyncio.get_running_loop(), config, worker, {}, reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()
            finally:
                self._writers.pop(peer[:2], None)
                tasks.discard(task)

        server = await asyncio.start_server(connected, sock=listener, ssl=context)
        ready.set()
        await self._stopping.wait()
        server.close()
        await worker.terminated.set()  # ends hypercorn's idle timers
        for writer in list(self._writers.values()):
            writer.transport.abort()  # first: a TLS connection would wait for the peer's goodbye
        if tasks:
            await asyncio.wait(list(tasks), timeout=_GRACE)
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=_GRACE)


def _config(config: Config) -> Config:
    config.errorlog = logging.getLogger("litellm_gigachat_provider.sandbox")
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = 30
    return config


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Broken handshakes and resets are what the tests ask for; anything else is worth a line."""
    error = context.get("exception")
    if not isinstance(error, (OSError, asyncio.CancelledError)):  # ssl.SSLError is an OSError
        loop.default_exception_handler(context)
