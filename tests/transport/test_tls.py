"""TLS: what is trusted, what is shown, and that nothing global changes."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import httpx
import pytest
import trustme

from litellm_gigachat_provider.errors import ConnectionFailureError, CredentialsError, InvalidRequestError
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import tls
from litellm_gigachat_provider.transport.oauth import TokenFetcher
from litellm_gigachat_provider.transport.tls import context_for, tls_hint
from litellm_gigachat_provider.transport.tokens import Failure

# SHA-256 of the DER, as published by the Ministry of Digital Development (gosuslugi.ru/crt).
PINS = {
    "russian_trusted_root_ca.pem": "d26d2d0231b7c39f92cc738512ba54103519e4405d68b5bd703e9788ca8ecf31",
    "russian_trusted_sub_ca_2024.pem": "2155785036c900dbb5f1bb2a1569c80c55595bd6bf94867a29bbddbc7d88a3f2",
}


@pytest.fixture(autouse=True)
def no_system_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    tls._contexts.clear()


def settings_of(**more: object) -> Settings:
    return Settings(credentials=Secret("k"), **more)  # type: ignore[arg-type]


def fingerprints(context: ssl.SSLContext) -> set[str]:
    return {hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True)}


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[str]:
    """Answers every request with a token."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stopped = threading.Event()
    body = b'{"access_token":"over-tls","expires_at":0}'
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def serve() -> None:
        while not stopped.is_set():
            try:
                raw, _ = listener.accept()
            except TimeoutError:
                continue
            raw.settimeout(1)
            try:
                with context.wrap_socket(raw, server_side=True) as connection:
                    received = b""
                    while b"scope=" not in received:  # closing with unread data would reset the connection
                        received += connection.recv(65536) or b"scope="
                    connection.sendall(answer)
            except OSError:
                raw.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/oauth"
    finally:
        stopped.set()
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


# --- the bundle --------------------------------------------------------------------------------------


def test_the_bundled_certificates_are_the_published_ones() -> None:
    assert {path.name for path in tls.CERTS.iterdir()} == set(PINS) == set(tls.BUNDLED)
    for name, pin in PINS.items():
        text = (tls.CERTS / name).read_text("ascii")
        assert text.count("BEGIN CERTIFICATE") == 1
        assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest() == pin


def test_the_default_context_trusts_certifi_and_the_russian_roots() -> None:
    context = context_for(settings_of())
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own.load_verify_locations(cafile=certifi.where())
    assert fingerprints(context) == fingerprints(own) | set(PINS.values())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_nothing_global_is_touched(caplog: pytest.LogCaptureFixture) -> None:
    def state() -> tuple[object, ...]:
        digest = hashlib.sha256(Path(certifi.where()).read_bytes()).hexdigest()
        default = ssl.create_default_context()
        return (
            digest,
            certifi.where(),
            ssl._create_default_https_context,
            ssl.create_default_context,
            fingerprints(default),
            {name: value for name, value in os.environ.items() if name.startswith(("SSL", "CURL", "GIGACHAT"))},
        )

    before = state()
    context_for(settings_of())
    context_for(settings_of(verify=False))
    assert state() == before


def test_contexts_are_cached_per_identity_and_bounded(tmp_path: Path, authority: trustme.CA) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    plain, own = settings_of(), settings_of(ca_bundle_file=str(bundle))
    assert context_for(plain) is context_for(settings_of(base_url="https://other.example/v1"))
    assert context_for(plain) is not context_for(own)
    assert context_for(plain) is not context_for(plain, http2=True)
    first = context_for(own)
    bundle.write_bytes(bundle.read_bytes() + b"\n# rotated\n")
    assert context_for(own) is not first
    for number in range(tls._CONTEXTS_KEPT + 10):
        context_for(settings_of(verify=False, key_file_password=Secret(str(number))))
    assert len(tls._contexts) <= tls._CONTEXTS_KEPT


# --- the peer ----------------------------------------------------------------------------------------


def fetch(settings: Settings) -> object:
    async def no_pause(seconds: float) -> None:
        pass

    return PORTAL.call(TokenFetcher(sleep=no_pause)(settings))


def test_an_unknown_authority_is_refused_and_explained(server_context: ssl.SSLContext) -> None:
    with tls_server(server_context) as url:
        outcome = fetch(settings_of(auth_url=url))
    assert isinstance(outcome, Failure)
    error = outcome.make()
    assert isinstance(error, ConnectionFailureError)
    assert "GIGACHAT_CA_BUNDLE_FILE" in str(error)
    assert "Russian roots" in str(error)


@pytest.mark.parametrize("form", ["file", "folder", "SSL_CERT_FILE"])
def test_an_own_authority_is_added(
    form: str, server_context: ssl.SSLContext, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "corporate.crt"
    authority.cert_pem.write_to_path(str(bundle))
    (tmp_path / "readme.txt").write_text("not a certificate")
    place = {"file": str(bundle), "folder": str(tmp_path), "SSL_CERT_FILE": None}[form]
    if place is None:
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with tls_server(server_context) as url:
        settings = settings_of(auth_url=url, ca_bundle_file=place)
        outcome = fetch(settings)
        assert not isinstance(outcome, Failure), outcome.make()
        assert set(PINS.values()) < fingerprints(context_for(settings))
        assert isinstance(
            fetch(settings_of(auth_url=url.replace("localhost", "127.0.0.1"), ca_bundle_file=place)), Failure
        )


def test_verification_off_is_said_once(server_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    tls._warned.clear()
    with tls_server(server_context) as url:
        settings = settings_of(auth_url=url, verify=False, base_url="https://off.example/v1")
        for _ in range(3):
            outcome = fetch(settings)
        assert not isinstance(outcome, Failure), outcome.make()
    warnings = [
        record for record in caplog.records if record.levelno == logging.WARNING and "TLS" in record.getMessage()
    ]
    assert len(warnings) == 1
    assert "off.example" in warnings[0].getMessage()


def test_a_broken_system_bundle_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(broken))
    assert set(PINS.values()) < fingerprints(context_for(settings_of()))


@pytest.mark.parametrize("kind", ["missing", "no certificate", "empty folder"])
def test_a_broken_bundle_names_the_variable(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "ca"
    if kind == "no certificate":
        place.write_text("hello")
    elif kind == "empty folder":
        place.mkdir()
    with pytest.raises(InvalidRequestError) as caught:
        context_for(settings_of(ca_bundle_file=str(place)))
    assert caught.value.field == "GIGACHAT_CA_BUNDLE_FILE"
    assert str(place) in str(caught.value)
    assert caught.value.remedy


# --- our own certificate -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client_files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization

    folder = tmp_path_factory.mktemp("client")
    leaf = authority.issue_cert("client@example.org")
    files = {name: str(folder / name) for name in ("cert.pem", "key.pem", "locked.pem", "other.pem", "both.pem")}
    leaf.cert_chain_pems[0].write_to_path(files["cert.pem"])
    leaf.private_key_pem.write_to_path(files["key.pem"])
    leaf.private_key_and_cert_chain_pem.write_to_path(files["both.pem"])
    authority.issue_cert("other@example.org").private_key_pem.write_to_path(files["other.pem"])
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"canary-password"),
    )
    Path(files["locked.pem"]).write_bytes(locked)
    return files


def test_a_client_certificate_is_shown(authority: trustme.CA, client_files: dict[str, str], tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that a missing certificate fails in the handshake
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    ways = [
        {"cert_file": client_files["cert.pem"], "key_file": client_files["key.pem"]},
        {"cert_file": client_files["both.pem"]},
        {
            "cert_file": client_files["cert.pem"],
            "key_file": client_files["locked.pem"],
            "key_file_password": Secret("canary-password"),
        },
    ]
    with tls_server(context) as url:
        for way in ways:
            outcome = fetch(settings_of(auth_url=url, ca_bundle_file=str(bundle), **way))
            assert not isinstance(outcome, Failure), outcome.make()
        outcome = fetch(settings_of(auth_url=url, ca_bundle_file=str(bundle)))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.make(), ConnectionFailureError)


@pytest.mark.parametrize(
    ("key", "password", "words"),
    [
        ("locked.pem", Secret("canary-wrong"), "GIGACHAT_KEY_FILE_PASSWORD is wrong"),
        ("locked.pem", None, "set GIGACHAT_KEY_FILE_PASSWORD"),
        ("other.pem", None, "do not belong together"),
        ("cert.pem", None, "not PEM or are incomplete"),
    ],
)
def test_a_key_that_does_not_open_is_explained(
    key: str, password: Secret | None, words: str, client_files: dict[str, str]
) -> None:
    settings = settings_of(cert_file=client_files["cert.pem"], key_file=client_files[key], key_file_password=password)
    with pytest.raises(CredentialsError) as caught:
        context_for(settings)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_missing_files_of_the_certificate(client_files: dict[str, str], tmp_path: Path) -> None:
    for field, variable in (("cert_file", "GIGACHAT_CERT_FILE"), ("key_file", "GIGACHAT_KEY_FILE")):
        files = {
            "cert_file": client_files["cert.pem"],
            "key_file": client_files["key.pem"],
            field: str(tmp_path / "none.pem"),
        }
        with pytest.raises(InvalidRequestError) as caught:
            context_for(settings_of(**files))
        assert caught.value.field == variable
    with pytest.raises(InvalidRequestError, match="GIGACHAT_CERT_FILE"):
        context_for(settings_of(key_file=client_files["key.pem"]))


def test_hints() -> None:
    failed = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate"
    assert "GIGACHAT_CA_BUNDLE_FILE" in tls_hint(failed)
    assert "GIGACHAT_CERT_FILE" in tls_hint(
        "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
    )
    assert "does not speak TLS" in tls_hint("[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert tls_hint("[Errno 111] Connection refused") == ""
    assert isinstance(httpx.ConnectError(failed), httpx.TransportError)
