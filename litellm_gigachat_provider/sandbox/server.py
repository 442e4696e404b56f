"""The sandbox as a running server: its own thread, its own event loop, loopback only."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from .brain.script import Scripted, Wanted
from .knobs import Fault, FaultKind, Knobs, Where
from .runtime import Runtime
from .state import USER, Recorded, World

HOST: Final = "127.0.0.1"
_START_TIMEOUT: Final = 10.0
_STOP_TIMEOUT: Final = 5.0
_NEEDED: Final = ("starlette.applications", "hypercorn.asyncio.tcp_server")
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
        self._runtime = Runtime()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

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

    def reset(self, *, new_key: bool = False) -> None:
        """As freshly started: no log, no tokens, no files, default knobs.

        ``new_key`` also changes ``credentials``, so that nothing a client has cached for the old key is used again.
        """
        self.world.reset()
        if new_key:
            self.world.account = self.world.new_account(self.scope)

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
        skip: int = 0,
        delay: float = 0.0,
        drip: float = 0.05,
    ) -> None:
        """Scripts the next ``times`` answers of ``where`` after letting ``skip`` pass; calls queue up."""
        fault = Fault(where, kind, status, body, dict(headers or {}), html, times, skip, delay, drip)
        with self.world.lock:
            self.world.faults.append(fault)

    def script(self, answers: Iterable[Scripted], *, when: Wanted = lambda _: True) -> None:
        """The model's next chat answers in order, over both contracts, plain and streamed.

        An answer is a text, a ``Call(name, arguments)``, a ``Reply(text, calls=[…])`` or a ``Fault(status=402)``. v1
        has one call a turn, so there several calls come one after another. What the judge refuses uses no answer up.
        ``when`` picks the questions: ``lambda question: question.functions`` leaves an assistant's side requests
        (titles, summaries) to the model's own prose. Of several scripts that want a question the oldest with answers
        left gives the next one; without any, the model answers by itself.
        """
        self.world.scripts.add(answers, when)

    @property
    def script_left(self) -> int:
        """Scripted answers that nobody has asked for yet."""
        return self.world.scripts.left

    # -- life

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
        for module in _NEEDED:  # here, so that a missing extra is the caller's error and not the thread's
            import_module(module)
        from .app import build

        app = build(self.world, self._runtime.pause, self._runtime.abort)
        context = self._context() if self._tls else None
        try:
            listener = socket.create_server((self._host, self._port), backlog=256)
        except OSError:
            self.stop()
            raise
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._runtime.run, args=(app, listener, context, ready), name="gigachat-sandbox", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_TIMEOUT):
            raise RuntimeError("the sandbox did not start")
        return self

    def stop(self) -> None:
        """Ends every connection, joins the thread, closes the port. Harmless when not running."""
        if self._thread is not None:
            self._runtime.stop()
            self._thread.join(_STOP_TIMEOUT)
            self._thread = None
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


def run_forever(host: str = HOST, port: int = 0, tls: bool = False) -> None:
    """Serves until Ctrl+C; prints the lines that point a shell's clients here."""
    with Sandbox(host=host, port=port, tls=tls) as sandbox:
        for name, value in sandbox.env.items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
