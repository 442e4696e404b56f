"""The sandbox as a running server: its own thread, its own event loop, loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from .knobs import Fault, FaultKind, Knobs, Where
from .state import USER, Recorded, World

if TYPE_CHECKING:
    from hypercorn.config import Config
    from starlette.types import ASGIApp, Scope

HOST: Final = "127.0.0.1"
_START_TIMEOUT: Final = 10.0
_STOP_TIMEOUT: Final = 5.0
_GRACE: Final = 0.5
# Refusals a correct client meets in the normal course of things.
_EXPECTED: Final = {(401, "Token has expired"), (401, "Unauthorized"), (429, "Too many requests")}


class Sandbox:
    """A local GigaChat: ``with Sandbox() as sandbox: …``. Safe to read and to turn from any thread.

    ``tls=True`` serves HTTPS with a certificate of its own throw-away authority (``ca_file``) and, unless
    ``http2=False``, HTTP/2.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: bool = False,
        http2: bool = True,
        token_ttl: float = 1800.0,
        scope: str = "GIGACHAT_API_PERS",
        host: str = HOST,
    ) -> None:
        self._host, self._port, self._tls, self._http2 = host, port, tls, http2
        self.scope = scope
        self.world = World(scope=scope, token_ttl=token_ttl)
        self.ca_file: str | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._writers: dict[tuple[str, int], asyncio.StreamWriter] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._app: ASGIApp | None = None

    # -- addresses and credentials

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def auth_url(self) -> str:
        return f"{self.origin}/api/v2/oauth"

    @property
    def port(self) -> int:
        return self._port

    @property
    def credentials(self) -> str:
        return self.world.account.credentials

    @property
    def client_id(self) -> str:
        return self.world.account.client_id

    @property
    def client_secret(self) -> str:
        return self.world.account.client_secret

    @property
    def user(self) -> tuple[str, str]:
        """A user and password that ``POST /token`` accepts."""
        return USER

    @property
    def env(self) -> dict[str, str]:
        """The variables that point a client at this sandbox."""
        out = {
            "GIGACHAT_BASE_URL": self.base_url,
            "GIGACHAT_AUTH_URL": self.auth_url,
            "GIGACHAT_CREDENTIALS": self.credentials,
            "GIGACHAT_SCOPE": self.scope,
        }
        if self.ca_file is not None:
            out["GIGACHAT_CA_BUNDLE_FILE"] = self.ca_file
        return out

    def add_account(self, scope: str = "GIGACHAT_API_PERS") -> str:
        """One more project; returns its authorization key."""
        return self.world.new_account(scope).credentials

    def issue_token(self, ttl: float | None = None) -> str:
        """A ready access token of the default account."""
        return self.world.office.issue(self.world.account, self.knobs.token_ttl if ttl is None else ttl).value

    def revoke_tokens(self) -> None:
        """All issued tokens: 401 ``Unauthorized`` from now on."""
        self.world.office.revoke()

    def expire_tokens(self) -> None:
        """All issued tokens: 401 ``Token has expired`` from now on."""
        self.world.office.expire()

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock: tokens and cache entries age."""
        self.world.clock_offset += seconds

    # -- what happened

    @property
    def knobs(self) -> Knobs:
        return self.world.knobs

    @property
    def requests(self) -> list[Recorded]:
        with self.world.lock:
            return list(self.world.requests)

    @property
    def refused(self) -> list[Recorded]:
        """Requests the judge turned down; expired tokens and the concurrency limit don't count."""
        return [
            record
            for record in self.requests
            if record.refusal is not None
            and (record.where == "oauth" or (record.status, record.refusal) not in _EXPECTED)
        ]

    @property
    def chat_requests(self) -> list[Recorded]:
        return [record for record in self.requests if record.where == "chat"]

    @property
    def chat_bodies(self) -> list[Any]:
        return [record.json for record in self.chat_requests]

    @property
    def oauth_count(self) -> int:
        return sum(record.where in ("oauth", "token") for record in self.requests)

    def clear(self) -> None:
        """Forgets the request log; tokens, files and knobs stay."""
        with self.world.lock:
            self.world.requests.clear()

    def reset(self) -> None:
        """As freshly started: no log, no tokens, no files, default knobs."""
        self.world.reset()

    def fail_next(
        self,
        where: Where = "chat",
        *,
        status: int = 429,
        kind: FaultKind = "status",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        times: int = 1,
        delay: float = 0.0,
        drip: float = 0.05,
    ) -> None:
        """Scripts the next ``times`` answers of ``where``; calls queue up. See :class:`Fault`."""
        fault = Fault(where, kind, status, body, dict(headers or {}), html, times, delay, drip)
        with self.world.lock:
            self.world.faults.append(fault)

    # -- life

    @property
    def app(self) -> ASGIApp:
        if self._app is None:
            from .app import build

            self._app = build(self.world, self._pause, self._abort)
        return self._app

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Sandbox:
        """Listens when it returns. OSError when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("this sandbox is already running")
        app = self.app  # imports happen here, in the caller's thread
        listener = socket.create_server((self._host, self._port), backlog=256)
        self._port = listener.getsockname()[1]
        try:
            context = self._context() if self._tls else None
        except BaseException:
            listener.close()
            raise
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(app, listener, context, ready), name="gigachat-sandbox", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_TIMEOUT):
            raise RuntimeError("the sandbox did not start")
        return self

    def stop(self) -> None:
        """Ends every connection, joins the thread, closes the port. Harmless when not running."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is not None and loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                loop.call_soon_threadsafe(stopping.set)
            thread.join(_STOP_TIMEOUT)
        self._thread = self._loop = self._stopping = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder, self.ca_file = None, None

    def _context(self) -> ssl.SSLContext:
        import trustme

        authority = trustme.CA(organization_name="GigaChat sandbox")
        self._folder = tempfile.TemporaryDirectory(prefix="gigachat-sandbox-")
        path = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        self.ca_file = str(path)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2", "http/1.1"] if self._http2 else ["http/1.1"])
        authority.issue_cert(self._host, "localhost").configure_cert(context)
        return context

    def _run(
        self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext | None, ready: threading.Event
    ) -> None:
        asyncio.run(self._serve(app, listener, context, ready))

    async def _serve(
        self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext | None, ready: threading.Event
    ) -> None:
        """One hypercorn connection handler per connection.

        Hypercorn's own ``serve`` waits for running answers when it stops and hides the sockets; here both matter:
        a stalled stream must not hold up the end of a test, and a reset needs the transport.
        """
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
        for writer in list(self._writers.values()):
            writer.transport.abort()  # first: a TLS connection would wait for the peer's goodbye
        if tasks:
            await asyncio.wait(list(tasks), timeout=_GRACE)
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=_GRACE)

    async def _pause(self, seconds: float) -> None:
        """Sleeps, but no longer than the server lives."""
        stopping = self._stopping
        if stopping is None:
            await asyncio.sleep(min(seconds, 3600.0))
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopping.wait(), None if seconds == float("inf") else seconds)

    async def _abort(self, scope: Scope, reset: bool) -> None:
        """Drops the connection: a clean end of the socket, or RST."""
        client = scope.get("client")
        writer = self._writers.get((client[0], client[1])) if client else None
        if writer is None:
            return
        if reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


def _config(config: Config) -> Config:
    config.errorlog = logging.getLogger("litellm_gigachat_provider.sandbox")
    config.accesslog = None
    config.include_server_header = False
    config.server_names = []
    config.keep_alive_timeout = 30
    config.h2_max_inbound_frame_size = 2**14
    return config


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Broken handshakes and resets are what the tests ask for; anything else is worth a line."""
    error = context.get("exception")
    if not isinstance(error, (OSError, asyncio.CancelledError)):  # ssl.SSLError is an OSError
        loop.default_exception_handler(context)


def run_forever(host: str = HOST, port: int = 0, tls: bool = False) -> None:
    """Serves until Ctrl+C; prints the lines that point a shell's clients here."""
    with Sandbox(host=host, port=port, tls=tls) as sandbox:
        for name, value in sandbox.env.items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
