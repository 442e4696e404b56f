"""Tokens: one refresh in flight, renewal before the end, what a 401 does, and failures that disturb nobody."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from litellm_gigachat_provider.errors import (
    ConnectionFailureError,
    CredentialsError,
    GigaChatError,
    HttpFailureError,
    TimeoutFailureError,
)
from litellm_gigachat_provider.portal import PORTAL, Portal
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import auth as auth_module
from litellm_gigachat_provider.transport import tokens
from litellm_gigachat_provider.transport.auth import GigaChatAuth
from litellm_gigachat_provider.transport.oauth import TokenFetcher
from litellm_gigachat_provider.transport.tokens import Failure, Token, TokenStore

URL = "https://api.giga.chat/v1/chat/completions"


def new_key() -> str:
    return base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()


async def no_pause(seconds: float) -> None:
    """Instead of a pause."""


class World:
    """An OAuth server and an API behind one mock transport, with a store and a clock of their own."""

    def __init__(self, *, life: float = 1800.0, delay: float = 0.0) -> None:
        self.life, self.delay = life, delay
        self.oauth: list[httpx.Request] = []
        self.calls: list[str] = []
        self.refused: set[str] = set()
        self.oauth_answer: Callable[[httpx.Request], httpx.Response | Exception] | None = None
        self.shift = 0.0
        self.transport = httpx.MockTransport(self.answer)
        fetcher = TokenFetcher(way=lambda settings, url: self.transport, clock=self.clock, sleep=no_pause)
        self.store = TokenStore(fetcher, clock=self.clock)
        self.settings = Settings(credentials=Secret(new_key()))

    def clock(self) -> float:
        return time.time() + self.shift

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/oauth", "/token")):
            self.oauth.append(request)
            await asyncio.sleep(self.delay)
            if self.oauth_answer is not None:
                given = self.oauth_answer(request)
                if isinstance(given, Exception):
                    raise given
                return given
            token = f"token-{len(self.oauth)}-{uuid.uuid4().hex}"
            end = self.clock() + self.life
            if request.url.path.endswith("/token"):
                return httpx.Response(200, json={"tok": token, "exp": end})
            return httpx.Response(200, json={"access_token": token, "expires_at": int(end * 1000)})
        sent = request.headers.get("authorization", "-")
        self.calls.append(sent)
        if sent.removeprefix("Bearer ").split("-")[1:2] and sent.split("-")[1] in self.refused:
            return httpx.Response(401, json={"status": 401, "message": "Token has expired"})
        return httpx.Response(200, json={"sent": sent})

    def call(self, settings: Settings | None = None, **options: Any) -> httpx.Response:
        return PORTAL.call(self.acall(settings, **options))

    async def acall(self, settings: Settings | None = None, **options: Any) -> httpx.Response:
        auth = GigaChatAuth(settings or self.settings, self.store)
        async with httpx.AsyncClient(transport=self.transport, auth=auth) as client:
            return await client.post(URL, json={}, **options)

    def run(self, way: str, settings: Settings | None = None, **options: Any) -> httpx.Response:
        return self.call(settings, **options) if way == "sync" else asyncio.run(self.acall(settings, **options))


BOTH = pytest.mark.parametrize("way", ["sync", "async"])


def settle(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


# --- the wire ----------------------------------------------------------------------------------------


@BOTH
def test_the_oauth_request(way: str) -> None:
    world = World()
    assert world.run(way).status_code == 200
    (request,) = world.oauth
    assert str(request.url) == "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
    assert request.method == "POST"
    assert request.headers["authorization"] == f"Basic {world.settings.credentials.reveal()}"  # type: ignore[union-attr]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["accept"] == "application/json"
    assert uuid.UUID(request.headers["rquid"]).version == 4
    assert request.headers["user-agent"].startswith("litellm-gigachat-provider")
    assert request.read() == b"scope=GIGACHAT_API_PERS"
    assert world.calls[0].startswith("Bearer token-1-")


@BOTH
def test_user_and_password_use_token(way: str) -> None:
    world = World()
    settings = Settings(user="иван", password=Secret("p:w"), base_url="https://inner.example/api/v1")
    assert world.run(way, settings).status_code == 200
    (request,) = world.oauth
    assert str(request.url) == "https://inner.example/api/v1/token"
    assert request.headers["authorization"] == "Basic " + base64.b64encode("иван:p:w".encode()).decode()
    assert request.read() == b""


@BOTH
def test_modes_without_a_token_server(way: str) -> None:
    world = World()
    world.run(way, Settings(access_token=Secret("ready-token")))
    world.run(way, Settings(auth_header=("Authorization-Key", Secret("k")), cert_file=None))
    world.run(way, Settings(cert_file="/c.pem"))
    assert world.calls == ["Bearer ready-token", "-", "-"]
    assert world.oauth == []


def test_the_fixed_header_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401)

    settings = Settings(auth_header=("X-Client-Id", Secret("the-id")))

    async def main() -> int:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=GigaChatAuth(settings)) as client:
            return (await client.get(URL)).status_code

    assert asyncio.run(main()) == 401
    assert [request.headers["x-client-id"] for request in seen] == ["the-id"]


# --- one refresh in flight ---------------------------------------------------------------------------


def test_200_cold_threads_make_one_oauth_request() -> None:
    world = World(delay=0.1)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: world.call(), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.oauth) == 1
    assert len(set(world.calls)) == 1


def test_200_cold_tasks_make_one_oauth_request() -> None:
    world = World(delay=0.1)

    async def main() -> list[httpx.Response]:
        auth = GigaChatAuth(world.settings, world.store)
        async with httpx.AsyncClient(transport=world.transport, auth=auth) as client:
            return await asyncio.gather(*(client.post(URL) for _ in range(200)))

    assert {answer.status_code for answer in asyncio.run(main())} == {200}
    assert len(world.oauth) == 1


def test_threads_and_loops_together_make_one_oauth_request() -> None:
    world = World(delay=0.15)
    finished: list[int] = []

    async def many() -> None:
        await asyncio.gather(*(world.acall() for _ in range(20)))

    def work(number: int) -> None:
        asyncio.run(many()) if number % 2 else world.call()
        finished.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(finished) == list(range(12))
    assert len(world.oauth) == 1
    assert len(world.calls) == 6 + 6 * 20


def test_tenants_do_not_share() -> None:
    world = World()
    one = world.settings
    others = [
        Settings(credentials=Secret(new_key())),
        Settings(credentials=one.credentials, scope="GIGACHAT_API_CORP"),
        Settings(credentials=one.credentials, auth_url="https://other.example/oauth"),
        Settings(credentials=one.credentials, verify=False),
        Settings(credentials=one.credentials, cert_file="/c.pem"),
    ]
    for settings in (one, *others):
        world.call(settings)
    assert len(world.oauth) == len(set(world.calls)) == 6
    world.call(replace(one, client_id="somebody"))  # an end user is another tenant, but not another token
    assert len(world.oauth) == 6


def test_cancelling_a_waiter_leaves_the_refresh_to_the_others() -> None:
    world = World(delay=0.15)

    async def main() -> httpx.Response:
        first = asyncio.create_task(world.acall())
        await asyncio.sleep(0.03)
        second = asyncio.create_task(world.acall())
        await asyncio.sleep(0.03)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    assert asyncio.run(main()).status_code == 200
    assert len(world.oauth) == 1


def test_a_loop_that_ends_early_leaves_the_refresh_to_the_next(caplog: pytest.LogCaptureFixture) -> None:
    world = World(delay=0.15)

    async def gone() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(world.acall(), 0.03)

    asyncio.run(gone())
    assert asyncio.run(world.acall()).status_code == 200
    assert len(world.oauth) == 1
    assert "exception calling callback" not in caplog.text


@BOTH
def test_a_waiter_keeps_its_own_deadline(way: str) -> None:
    world = World(delay=1.5)
    started = time.monotonic()
    with pytest.raises(TimeoutFailureError, match="access token"):
        world.run(way, extensions={"gigachat_deadline": time.monotonic() + 0.05})
    assert time.monotonic() - started < 1.4
    assert world.run(way).status_code == 200
    assert len(world.oauth) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_during_a_refresh_leaves_a_working_child() -> None:
    world = World(delay=0.2)
    waiter = threading.Thread(target=world.call)
    waiter.start()
    settle(lambda: len(world.oauth) == 1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        world.store.reset_after_fork()
        outcome = b"bad"
        try:
            outcome = str(world.call(extensions={"gigachat_deadline": time.monotonic() + 2}).status_code).encode()
        finally:
            os.write(write, outcome)
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"200"
    waiter.join()
    os.close(read)
    os.close(write)


def test_the_store_is_bounded() -> None:
    world = World()
    world.store.limit = 50
    kept = world.settings
    for number in range(300):
        world.call(Settings(credentials=Secret(f"key-{number}")))
        world.store.ready(kept)
    assert len(world.store) <= 50
    world.call(kept)
    count = len(world.oauth)
    world.call(kept)
    assert len(world.oauth) == count


# --- the life of a token -----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1, 1000])
@BOTH
def test_expiry_is_read_by_magnitude(unit: int, way: str) -> None:
    world = World()
    world.oauth_answer = lambda request: httpx.Response(
        200, json={"access_token": f"token-{len(world.oauth)}", "expires_at": int((world.clock() + 1800) * unit)}
    )
    world.run(way)
    token = world.store.entry(world.settings).token
    assert token is not None
    assert token.expires_at == pytest.approx(world.clock() + 1800, abs=3)
    world.shift = 1000
    world.run(way)
    assert len(world.oauth) == 1
    world.shift = 1801
    world.run(way)
    assert len(world.oauth) == 2


@pytest.mark.parametrize(
    "body", [{}, {"expires_at": 0}, {"expires_at": None}, {"expires_at": "soon"}, {"expires_at": -5}]
)
def test_a_token_without_an_end_is_kept(body: dict[str, Any]) -> None:
    world = World()
    world.oauth_answer = lambda request: httpx.Response(200, json={"access_token": "token-1", **body})
    world.call()
    world.shift = 1e6
    world.call()
    assert len(world.oauth) == 1


def test_a_wrong_local_clock_does_not_end_tokens_at_once() -> None:
    world = World()
    real = time.time()
    world.shift = 7200.0  # this machine is two hours ahead of the server

    def answer(request: httpx.Request) -> httpx.Response:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(real))
        body = {"access_token": "token-1", "expires_at": int((real + 1800) * 1000)}
        return httpx.Response(200, json=body, headers={"Date": date})

    world.oauth_answer = answer
    for _ in range(3):
        world.call()
    assert len(world.oauth) == 1
    token = world.store.entry(world.settings).token
    assert token is not None
    assert token.expires_at == pytest.approx(world.clock() + 1800, abs=5)


@BOTH
def test_renewal_happens_in_the_background(way: str) -> None:
    world = World(delay=1.0)
    world.run(way)
    world.shift = 0.9 * 1800
    started = time.monotonic()
    for _ in range(5):
        world.run(way)
    assert time.monotonic() - started < 1.0 or way == "async"
    assert set(world.calls) == {world.calls[0]}  # the old token served meanwhile
    settle(lambda: world.store.entry(world.settings).flight is None)
    world.run(way)
    assert world.calls[-1].startswith("Bearer token-2-")
    assert len(world.oauth) == 2


def test_tokens_under_load_cost_one_request_a_life_and_no_wait_after_the_first() -> None:
    world = World(delay=0.02)
    world.call()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            world.call()
            time.sleep(0.004)

    threads = [threading.Thread(target=work) for _ in range(8)]
    waits = world.store.counters.waits
    for thread in threads:
        thread.start()
    for life in range(3):
        seen = len(world.calls)
        settle(lambda seen=seen: len(world.calls) >= seen + 16)
        assert len(world.oauth) == life + 1
        world.shift += 0.85 * world.life  # past the time to renew, before the last use
        settle(lambda life=life: world.calls[-1].startswith(f"Bearer token-{life + 2}-"))
    over.set()
    for thread in threads:
        thread.join()
    assert world.store.counters.waits == waits
    assert len(world.oauth) == 4


def test_a_dead_oauth_server_disturbs_nobody_while_the_token_is_good() -> None:
    world = World()
    world.call()
    world.oauth_answer = lambda request: httpx.ConnectError("refused")
    world.shift = 0.9 * 1800
    for _ in range(20):
        assert world.call().status_code == 200
        settle(lambda: world.store.entry(world.settings).flight is None)
    attempts = len(world.oauth)
    assert attempts <= 1 + 3  # one background refresh of three attempts; then it backs off
    world.shift += 1.0  # past the pause: another try
    world.call()
    settle(lambda: len(world.oauth) == attempts + 3 and world.store.entry(world.settings).flight is None)
    world.oauth_answer = None  # the server is back
    world.shift += 5.0
    world.call()
    settle(lambda: world.store.entry(world.settings).flight is None)
    world.call()
    assert world.calls[-1] != world.calls[0]
    assert world.store.entry(world.settings).background_failures == 0


@BOTH
def test_a_dead_oauth_server_is_an_error_once_the_token_is_over_and_recovers(way: str) -> None:
    world = World()
    world.run(way)
    world.oauth_answer = lambda request: httpx.ConnectError("[Errno 111] Connection refused")
    world.shift = 1800.0
    with pytest.raises(ConnectionFailureError, match="access token.*cannot connect to"):
        world.run(way)
    assert len(world.oauth) == 1 + 3
    world.oauth_answer = None
    assert world.run(way).status_code == 200


# --- 401 ---------------------------------------------------------------------------------------------


@BOTH
def test_a_401_renews_once_and_replays_once(way: str) -> None:
    world = World()
    world.run(way)
    world.refused.add("1")
    assert world.run(way).status_code == 200
    assert len(world.oauth) == 2
    assert [call.split("-")[1] for call in world.calls] == ["1", "1", "2"]


@BOTH
def test_a_second_401_is_final_and_oauth_is_not_flooded(way: str) -> None:
    world = World()
    world.refused.update(str(number) for number in range(100))
    answer = world.run(way)
    assert answer.status_code == 401
    assert (len(world.oauth), len(world.calls)) == (2, 2)
    for _ in range(5):
        assert world.run(way).status_code == 401
    assert (len(world.oauth), len(world.calls)) == (2, 7)
    world.shift = 20.0
    world.refused.remove("3")
    assert world.run(way).status_code == 200


def test_many_callers_with_a_revoked_token_renew_once() -> None:
    world = World(delay=0.05)
    world.call()
    world.refused.add("1")

    async def main() -> list[httpx.Response]:
        return await asyncio.gather(*(world.acall() for _ in range(50)))

    assert {answer.status_code for answer in asyncio.run(main())} == {200}
    assert len(world.oauth) == 2


def test_a_newer_token_is_not_dropped_by_a_late_401() -> None:
    world = World()
    world.call()
    old = world.store.entry(world.settings).token
    assert old is not None
    world.refused.add("1")
    world.call()
    assert world.store.refuse(world.settings, old)
    newer = world.store.entry(world.settings).token
    assert newer is not None
    assert newer != old


@BOTH
def test_a_ready_token_is_not_replayed_without_other_credentials(way: str) -> None:
    world = World()
    world.refused.add("ready")
    settings = Settings(access_token=Secret("token-ready"))
    assert world.run(way, settings).status_code == 401
    assert (len(world.calls), len(world.oauth)) == (1, 0)
    renewable = Settings(access_token=Secret("token-ready"), credentials=world.settings.credentials)
    assert world.run(way, renewable).status_code == 200
    assert [call.split("-")[1] for call in world.calls[1:]] == ["ready", "1"]
    assert world.run(way, renewable).status_code == 200
    assert len(world.oauth) == 1


@BOTH
def test_a_key_that_was_revoked_meanwhile_is_told(way: str) -> None:
    world = World()
    world.run(way)
    world.refused.add("1")
    world.oauth_answer = lambda request: httpx.Response(
        401, json={"code": 6, "message": "credentials doesn't match db data"}
    )
    with pytest.raises(CredentialsError, match="wrong or was revoked"):
        world.run(way)


# --- what people see ---------------------------------------------------------------------------------


@contextmanager
def global_store(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(auth_module, "STORE", world.store)
        yield


def test_status_refresh_and_stats(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    with global_store(monkeypatch, world):
        before = auth_module.token_status(world.settings)
        assert (before["has_token"], before["valid"], before["seconds_left"]) == (False, False, None)
        first = auth_module.refresh_token(world.settings)
        assert first["valid"]
        assert first["seconds_left"] == pytest.approx(1800, abs=3)
        second = auth_module.refresh_token(world.settings)
        assert second["fingerprint"] != first["fingerprint"]
        assert len(world.oauth) == 2
        world.oauth_answer = lambda request: httpx.Response(503, text="down")
        with pytest.raises(HttpFailureError):
            auth_module.refresh_token(world.settings)
        after = auth_module.token_status(world.settings)
        assert after["valid"]  # the good token stays
        assert "503" in after["last_error"]
        shown = json.dumps([before, first, second, after, auth_module.stats()])
        assert "token-" not in shown.replace("token-server", "")
        assert auth_module.stats()["token_refreshes"] == 3
        with pytest.raises(CredentialsError, match="nothing to refresh"):
            auth_module.refresh_token(Settings(access_token=Secret("x")))


def test_no_thread_to_be_had_is_a_typed_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr(tokens, "PORTAL", Portal())
    with pytest.raises(ConnectionFailureError, match="can't start new thread"):
        world.call()


def test_a_hung_refresh_is_left_behind() -> None:
    world = World()
    release = threading.Event()
    hung = Settings(credentials=Secret(new_key()))
    real = world.store.fetch

    async def held(settings: Settings) -> Token | Failure:
        await asyncio.to_thread(release.wait, 5)
        return await real(settings)

    world.store.fetch = held
    with pytest.raises(TimeoutFailureError):
        world.call(hung, extensions={"gigachat_deadline": time.monotonic() + 0.02})
    world.store.fetch = real
    world.shift = 61.0
    assert world.call(hung, extensions={"gigachat_deadline": time.monotonic() + 2}).status_code == 200
    newest = world.store.entry(hung).token
    release.set()
    settle(lambda: len(world.oauth) == 2)
    time.sleep(0.02)
    assert world.store.entry(hung).token == newest


def test_canaries_are_nowhere(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    canary = new_key()
    settings = Settings(credentials=Secret(canary), key_file_password=Secret("canary-pass"))
    answers: list[Callable[[httpx.Request], httpx.Response | Exception]] = [
        lambda request: httpx.Response(500, text=str(dict(request.headers))),
        lambda request: httpx.Response(401, json={"code": 6, "message": request.headers["authorization"]}),
        lambda request: httpx.Response(403, text=request.headers["authorization"]),
        lambda request: httpx.ReadTimeout("slow", request=request),
        lambda request: httpx.ConnectError("no", request=request),
        lambda request: httpx.LocalProtocolError(
            f"Illegal header value {request.headers['authorization']}", request=request
        ),
        lambda request: httpx.Response(200, text=request.headers["authorization"]),
    ]
    shown = ""
    for answer in answers:
        world.oauth_answer = answer
        world.shift += 5.0
        for way in ("sync", "async"):
            world.store.clear()
            with pytest.raises(GigaChatError) as caught:
                world.run(way, settings)
            error: BaseException | None = caught.value
            told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            ours = [frame for frame in told.stack if "/litellm_gigachat_provider/" in frame.filename]
            assert ours
            shown += str([frame.locals for frame in ours])
            while error is not None:
                assert not isinstance(error, httpx.HTTPError)
                shown += repr(error) + str(error) + str(vars(error))
                error = error.__cause__ or error.__context__
    world.oauth_answer = None
    world.call(settings)
    token = world.calls[-1].removeprefix("Bearer ")
    shown += repr(world.store.entry(settings)) + repr(GigaChatAuth(settings)) + caplog.text + str(capsys.readouterr())
    for secret in (canary, "canary-pass", token):
        assert secret not in shown


def test_the_hot_path_takes_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.call()
    entry = world.store.entry(world.settings)
    with entry.lock, world.store._lock:
        token = world.store.ready(world.settings)
    assert isinstance(token, Token)
