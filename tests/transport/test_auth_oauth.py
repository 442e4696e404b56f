"""What the OAuth server may answer, and how it may fail: a typed error with a remedy, repeated where that helps."""

from __future__ import annotations

import base64
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from litellm_gigachat_provider.errors import (
    BadAnswerError,
    ConnectionFailureError,
    CredentialsError,
    GigaChatError,
    HttpFailureError,
    InvalidRequestError,
    TimeoutFailureError,
)
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import oauth
from litellm_gigachat_provider.transport.oauth import TokenFetcher
from litellm_gigachat_provider.transport.tokens import Failure, Token, TokenStore


def settings_of(url: str = "https://oauth.example/api/v2/oauth", **more: Any) -> Settings:
    key = base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()
    return Settings(credentials=Secret(key), auth_url=url, **more)


class Server:
    """Answers by script through a mock transport; ``pauses`` are the waits between attempts."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        transport = httpx.MockTransport(self._answer)
        self.fetch = TokenFetcher(way=lambda settings, url: transport, sleep=self.pause)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def failure(self, settings: Settings | None = None) -> tuple[GigaChatError, bool]:
        outcome = PORTAL.call(self.fetch(settings or settings_of()))
        assert isinstance(outcome, Failure)
        return outcome.make(), outcome.final


def good() -> httpx.Response:
    return httpx.Response(200, json={"access_token": "the-token", "expires_at": int((time.time() + 1800) * 1000)})


REFUSALS = [
    (400, 1, "scope data format invalid", "GIGACHAT_SCOPE"),
    (400, 4, "Can't decode 'Authorization' header", "copy it again"),
    (401, 4, "Can't decode 'Authorization' header", "copy it again"),
    (400, 5, "scope is empty", "GIGACHAT_SCOPE"),
    (401, 6, "credentials doesn't match db data", "issue a new one"),
    (400, 7, "scope from db not fully includes consumed scope", "GIGACHAT_SCOPE"),
    (401, 7, "scope from db not fully includes consumed scope", "GIGACHAT_API_B2B"),
    (500, 6, "credentials doesn't match db data", "issue a new one"),
]


@pytest.mark.parametrize(("status", "code", "message", "remedy"), REFUSALS)
def test_the_servers_own_codes_are_final(status: int, code: int, message: str, remedy: str) -> None:
    server = Server(httpx.Response(status, json={"code": code, "message": message}))
    error, final = server.failure()
    assert isinstance(error, CredentialsError)
    assert final
    assert message in str(error)
    assert remedy in str(error)
    assert f"code {code}" in str(error)
    assert len(server.requests) == 1


def test_a_refusal_without_a_code() -> None:
    error, final = Server(httpx.Response(401, text="<html>no</html>")).failure()
    assert (type(error), final) == (CredentialsError, True)
    error, final = Server(httpx.Response(401, json={"message": "Unauthorized"})).failure(
        Settings(user="u", password=Secret("p"))
    )
    assert isinstance(error, CredentialsError)
    assert "user and password" in str(error)
    error, final = Server(httpx.Response(400, json={"message": "RqUID is missing"})).failure()
    assert isinstance(error, HttpFailureError)
    assert (error.status, error.where, final) == (400, "oauth", True)
    error, _ = Server(httpx.Response(302, headers={"Location": "https://rogue.example/"})).failure()
    assert isinstance(error, HttpFailureError)
    assert error.status == 302


def test_a_redirect_is_not_followed() -> None:
    server = Server(httpx.Response(307, headers={"Location": "https://rogue.example/"}), good())
    server.failure()
    assert [request.url.host for request in server.requests] == ["oauth.example"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_answers_are_repeated_twice_then_told(status: int) -> None:
    server = Server(httpx.Response(status, text="<html><body>busy</body></html>"))
    error, final = server.failure()
    assert isinstance(error, HttpFailureError)
    assert (error.status, error.where, error.url, final) == (
        status,
        "oauth",
        "https://oauth.example/api/v2/oauth",
        False,
    )
    assert "busy" in str(error)
    assert len(server.requests) == 3
    assert len({request.headers["rquid"] for request in server.requests}) == 3
    assert 0.15 <= server.pauses[0] <= 0.25
    assert 0.45 <= server.pauses[1] <= 0.75


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(503), httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")],
)
def test_a_short_trouble_is_bridged(trouble: httpx.Response | Exception) -> None:
    server = Server(trouble, good())
    outcome = PORTAL.call(server.fetch(settings_of()))
    assert isinstance(outcome, Token)
    assert outcome.value == Secret("the-token")


def test_retry_after_is_kept_when_short_and_handed_on_when_long() -> None:
    server = Server(httpx.Response(429, headers={"Retry-After": "1"}), good())
    assert isinstance(PORTAL.call(server.fetch(settings_of())), Token)
    assert server.pauses == [1.0]
    server = Server(httpx.Response(429, headers={"Retry-After": "30"}))
    error, _ = server.failure()
    assert isinstance(error, HttpFailureError)
    assert error.headers["retry-after"] == "30"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing"),
        (b"<html><body>Sign in</body></html>", "an HTML page"),
        (b'{"access_token": "abc', "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"{}", "without a usable access_token"),
        (b'{"access_token": 5}', "without a usable access_token"),
        (b'{"access_token": "a b\\n"}', None),
        (b'{"access_token": "a\\nb"}', "without a usable access_token"),
        (b'{"access_token": "\\u0442"}', "without a usable access_token"),
        (b"[" * 100_000, "no JSON object"),
    ],
)
def test_a_200_that_is_no_token(content: bytes, words: str | None) -> None:
    outcome = PORTAL.call(Server(httpx.Response(200, content=content)).fetch(settings_of()))
    if words is None:
        assert isinstance(outcome, Token)
        return
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, BadAnswerError)
    assert words in str(error)
    assert "GIGACHAT_AUTH_URL" in str(error)


def test_each_waiter_gets_an_exception_of_its_own() -> None:
    server = Server(httpx.Response(401, json={"code": 6, "message": "no"}))
    store = TokenStore(server.fetch)
    settings = settings_of()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            PORTAL.call(store.wait(settings, time.monotonic() + 5))
        except CredentialsError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 200
    assert len({id(error) for error in errors}) == 200
    assert len({str(error) for error in errors}) == 1
    assert len(server.requests) == 1  # a final refusal is remembered for a second


def test_a_final_refusal_is_forgotten_soon_and_a_transient_one_at_once() -> None:
    now = [1000.0]
    server = Server(httpx.Response(401, json={"code": 6, "message": "no"}), httpx.Response(404), good())
    store = TokenStore(server.fetch, clock=lambda: now[0])
    settings = settings_of()
    for _ in range(3):
        with pytest.raises(CredentialsError):
            PORTAL.call(store.wait(settings, None))
    assert len(server.requests) == 1
    now[0] += 1.1
    with pytest.raises(HttpFailureError):
        PORTAL.call(store.wait(settings, None))
    now[0] += 1.1
    assert PORTAL.call(store.wait(settings, None)).value == Secret("the-token")
    server = Server(*[httpx.Response(503)] * 3, good())
    store = TokenStore(server.fetch)
    with pytest.raises(HttpFailureError):
        PORTAL.call(store.wait(settings, None))
    assert PORTAL.call(store.wait(settings, None)).value == Secret("the-token")


# --- over real sockets -------------------------------------------------------------------------------


@contextmanager
def http_server(handle: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            handle(self)

        def log_message(self, *arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            """A client that stopped reading is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/oauth"
    finally:
        server.shutdown()
        server.server_close()


def quick(settings: Settings) -> Token | Failure:
    """One exchange over the real network, without its pauses."""

    async def no_pause(seconds: float) -> None:
        pass

    return PORTAL.call(TokenFetcher(sleep=no_pause)(settings))


def test_a_real_exchange() -> None:
    bodies: list[bytes] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        bodies.append(request.rfile.read(int(request.headers["Content-Length"])))
        answer = b'{"access_token":"real","expires_at":0}'
        request.send_response(200)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    with http_server(handle) as url:
        outcome = quick(settings_of(url, scope="GIGACHAT_API_CORP"))
    assert isinstance(outcome, Token)
    assert outcome.value == Secret("real")
    assert bodies == [b"scope=GIGACHAT_API_CORP"]


def test_a_stall_and_a_slow_drip_are_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "EXCHANGE_SECONDS", 0.15)
    monkeypatch.setattr(oauth, "ATTEMPTS", 1)

    def stall(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.25)

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        for _ in range(10):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.03)

    for handle in (stall, drip):
        with http_server(handle) as url:
            started = time.monotonic()
            outcome = quick(settings_of(url))
            assert time.monotonic() - started < 5
        assert isinstance(outcome, Failure)
        assert isinstance(outcome.make(), TimeoutFailureError)


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(1 << 30))
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65536)
        except OSError:
            pass

    with http_server(handle) as url:
        outcome = quick(settings_of(url))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.make(), BadAnswerError)


def test_refused_and_reset_connections() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outcome = quick(settings_of(f"http://127.0.0.1:{port}/oauth"))
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, ConnectionFailureError)
    assert f"127.0.0.1:{port}" in str(error)

    def cut(request: BaseHTTPRequestHandler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    with http_server(cut) as url:
        outcome = quick(settings_of(url))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.make(), ConnectionFailureError)


def test_https_against_plain_http_is_explained() -> None:
    with http_server(lambda request: None) as url:
        outcome = quick(settings_of(url.replace("http:", "https:")))
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, ConnectionFailureError)


def test_broken_tls_settings_and_proxies_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = quick(settings_of(ca_bundle_file="/nowhere/ca.pem"))
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, InvalidRequestError)
    assert error.field == "GIGACHAT_CA_BUNDLE_FILE"
    assert outcome.final
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:canary@proxy.example:1")
    outcome = quick(settings_of())
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, ConnectionFailureError)
    assert "canary" not in str(error)
