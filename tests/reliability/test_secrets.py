"""Canaries for every secret; everything that is written anywhere, at any log level, is searched for them."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import datetime
import logging

import litellm
import pytest
from canaries import Canaries, Everything, deep
from litellm.integrations.custom_logger import CustomLogger
from ways import MODEL, WAYS

import litellm_gigachat_provider
from litellm_gigachat_provider.settings import Overrides, resolve
from litellm_gigachat_provider.transport import client

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "Привет!"}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]}]
FAULTS = {
    "none": {},
    "oauth refuses": {"where": "oauth", "status": 401},
    "oauth 500": {"where": "oauth", "status": 500, "times": 3},
    "oauth reset": {"where": "oauth", "kind": "reset", "times": 3},
    "oauth not JSON": {"where": "oauth", "kind": "truncated"},
    "401 for ever": {"status": 401, "times": 9},
    "400": {"status": 400},
    "429": {"status": 429},
    "500": {"status": 500},
    "HTML": {"status": 502, "html": True},
    "reset": {"kind": "reset"},
    "stall": {"kind": "stall"},
    "truncated": {"kind": "truncated"},
}


LOGGERS = (
    "LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "httpcore", "hpack", "hpack.hpack", "hpack.table", "h2",
    "aiohttp", "asyncio", "urllib3", "litellm_gigachat_provider",
)  # fmt: skip


class Collector(CustomLogger):
    """What callbacks get."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, kwargs, *_, **__):
        self.seen.append(deep(kwargs, skip=()))

    log_pre_api_call = lambda self, model, messages, kwargs: self.note(kwargs)  # noqa: E731
    log_success_event = log_failure_event = note

    async def anote(self, kwargs, *_, **__):
        self.note(kwargs)

    async_log_success_event = async_log_failure_event = anote


@pytest.fixture
def canaries(monkeypatch, capfd):
    """Plant in it; on the way out all that was logged or printed is searched."""
    planted, handler, collector = Canaries(), Everything(), Collector()
    root = logging.getLogger()
    loggers = [root] + [logging.getLogger(name) for name in LOGGERS]
    levels = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    root.addHandler(handler)
    monkeypatch.setattr(litellm, "callbacks", [collector])
    planted.collector, planted.handler = collector, handler
    yield planted
    litellm_logs = handler.text.getvalue()
    root.removeHandler(handler)
    for logger, level, propagate in levels:
        logger.setLevel(level)
        logger.propagate = propagate
    out, err = capfd.readouterr()
    planted.search("the logs", litellm_logs)
    planted.search("stdout", out)
    planted.search("stderr", err)
    planted.search("callbacks", "\n".join(collector.seen))
    planted.search("stats()", repr(litellm_gigachat_provider.stats()))
    planted.search("repr of the transports", repr(list(client._tenants.values())) + repr(client._tenants))
    planted.search("repr of the handler", repr(litellm_gigachat_provider.gigachat))
    from litellm_gigachat_provider.transport.auth import STORE

    planted.search("repr of the token store", repr(vars(STORE)))
    assert planted.found == []
    assert planted.searched > 3000


def ask(way, **kwargs):
    kwargs = {"model": MODEL, "messages": HELLO, "timeout": 0.4, "stream": way.endswith("stream"), **kwargs}
    if way in ("completion", "stream"):
        answer = litellm.completion(**kwargs)
        return list(answer) if kwargs["stream"] else answer

    async def main():
        try:
            answer = await litellm.acompletion(**kwargs)
            return [chunk async for chunk in answer] if kwargs["stream"] else answer
        finally:
            await asyncio.sleep(0.03)  # LiteLLM's logging worker has its turn

    return asyncio.run(main())


def plant_account(canaries, sandbox):
    canaries.plant("authorization key", sandbox.credentials)
    canaries.plant("client secret", sandbox.client_secret)


def plant_tokens(canaries, sandbox):
    for token in list(sandbox.world.office._tokens):
        canaries.plant("access token", token)
        canaries.plant("start of the access token", token[:60])


def run(canaries, sandbox, way, **kwargs):
    try:
        ask(way, **kwargs)
    except Exception as error:
        plant_tokens(canaries, sandbox)
        canaries.search_error(way, error)
    plant_tokens(canaries, sandbox)
    canaries.search("token_info", repr(litellm_gigachat_provider.token_info()))
    canaries.search("repr of the settings", repr(resolve(Overrides())) + str(resolve(Overrides())))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", list(FAULTS))
def test_authorization_key(gigachat_sandbox_tls, canaries, way, fault):
    """Over HTTP/2, whose header packer would log ``Authorization`` in clear."""
    sandbox = gigachat_sandbox_tls
    plant_account(canaries, sandbox)
    if FAULTS[fault]:
        sandbox.fail_next(**FAULTS[fault])
    run(canaries, sandbox, way, messages=PICTURE if fault in ("none", "500") else HELLO)


@pytest.mark.parametrize("way", WAYS)
def test_key_given_with_the_call(gigachat_sandbox, canaries, way, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    key = gigachat_sandbox.credentials
    for fault in ("none", "500", "oauth refuses"):
        if FAULTS[fault]:
            gigachat_sandbox.fail_next(**FAULTS[fault])
        gigachat_sandbox.revoke_tokens()
        try:
            ask(way, api_key=key)
        except Exception as error:
            canaries.plant("authorization key", key)
            canaries.search_error(way, error)
            canaries.secrets.clear()
    # LiteLLM before 1.83 logs ``api_key='…'`` of its own arguments at DEBUG: its logs are searched for the rest.
    canaries.plant("client secret", gigachat_sandbox.client_secret)
    plant_tokens(canaries, gigachat_sandbox)
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", key)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", ["none", "401 for ever", "reset"])
def test_user_and_password(gigachat_sandbox, canaries, way, fault, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    user, password = gigachat_sandbox.user
    monkeypatch.setenv("GIGACHAT_USER", user)
    monkeypatch.setenv("GIGACHAT_PASSWORD", password)
    canaries.plant("password", password)
    if FAULTS[fault]:
        gigachat_sandbox.fail_next(**FAULTS[fault])
    run(canaries, gigachat_sandbox, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", ["none", "401 for ever", "reset"])
def test_ready_token(gigachat_sandbox, canaries, way, fault, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    token = gigachat_sandbox.issue_token()
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", token)
    canaries.plant("ready token", token)
    if FAULTS[fault]:
        gigachat_sandbox.fail_next(**FAULTS[fault])
    run(canaries, gigachat_sandbox, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", ["none", "500"])
def test_fixed_header(gigachat_sandbox, canaries, way, fault, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    secret = "fixed-header-canary-" + "7" * 16
    gigachat_sandbox.knobs.fixed_header = ("X-Gateway-Key", secret)
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_NAME", "X-Gateway-Key")
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_VALUE", secret)
    canaries.plant("fixed header", secret)
    if FAULTS[fault]:
        gigachat_sandbox.fail_next(**FAULTS[fault])
    run(canaries, gigachat_sandbox, way)


@pytest.fixture
def client_certificate(tmp_path):
    """A certificate whose key is encrypted, and the password."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    password = "certificate-password-canary-" + "5" * 12
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    now = datetime.datetime(2020, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now.replace(year=2040))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.BestAvailableEncryption(password.encode())
    (tmp_path / "k.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    return tmp_path / "c.pem", tmp_path / "k.pem", password


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("right", [True, False])
def test_certificate_password(gigachat_sandbox_tls, canaries, way, right, client_certificate, monkeypatch):
    certificate, key, password = client_certificate
    given = password if right else "another-password-canary-" + "3" * 12
    canaries.plant("certificate password", given)
    plant_account(canaries, gigachat_sandbox_tls)
    monkeypatch.setenv("GIGACHAT_CERT_FILE", str(certificate))
    monkeypatch.setenv("GIGACHAT_KEY_FILE", str(key))
    monkeypatch.setenv("GIGACHAT_KEY_FILE_PASSWORD", given)
    if not right:
        with pytest.raises(litellm.AuthenticationError) as caught:
            ask(way)
        canaries.search_error(way, caught.value)
        caught = None
    run(canaries, gigachat_sandbox_tls, way)


@pytest.mark.parametrize("kind", ["embedding", "aembedding", "image_generation", "aimage_generation"])
@pytest.mark.parametrize("fault", [{}, {"status": 500, "where": "any", "skip": 1}])
def test_other_calls(gigachat_sandbox, canaries, kind, fault):
    plant_account(canaries, gigachat_sandbox)
    if fault:
        gigachat_sandbox.fail_next(**fault)
    kwargs = (
        {"model": "gigachat/Embeddings", "input": ["текст"]}
        if "embedding" in kind
        else {"model": MODEL, "prompt": "кот"}
    )
    made = getattr(litellm, kind)
    try:
        asyncio.run(_await(made, kwargs)) if kind.startswith("a") else made(**kwargs)
    except Exception as error:
        plant_tokens(canaries, gigachat_sandbox)
        canaries.search_error(kind, error)
    plant_tokens(canaries, gigachat_sandbox)


async def _await(made, kwargs):
    return await made(**kwargs)
