"""Resolution of settings: precedence, shapes of keys, addresses, ``.env``, and the secrets that must not show."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import time
import traceback
import uuid
from pathlib import Path

import pytest

from litellm_gigachat_provider.errors import CredentialsError, InvalidRequestError
from litellm_gigachat_provider.settings import NO_OVERRIDES, Overrides, Secret, explain, resolve
from litellm_gigachat_provider.settings.environment import NAMES, clean


def make_key(name: str = "", secret: str = "") -> str:
    pair = f"{name or uuid.uuid4()}:{secret or uuid.uuid4()}"
    return base64.b64encode(pair.encode()).decode()


def make_token() -> str:
    return "eyJ" + ".".join(uuid.uuid4().hex for _ in range(5))


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


# --- Secret ------------------------------------------------------------------------------------------


def test_a_secret_shows_only_its_fingerprint() -> None:
    secret = Secret("very-private-canary")
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!r}",
        repr([secret]),
    ):
        assert "canary" not in shown
        assert "Secret(sha256:" in shown
    assert secret.reveal() == "very-private-canary"
    assert secret == Secret("very-private-canary")
    assert secret != Secret("other")
    assert len({secret, Secret("very-private-canary"), Secret("other")}) == 2


def test_a_secret_is_copied_by_reference_and_never_pickled() -> None:
    secret = Secret("canary")
    assert copy.deepcopy([secret])[0] is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)


# --- precedence --------------------------------------------------------------------------------------


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key()
    settings = resolve(api_key=key)
    assert settings.credentials == Secret(key)
    assert settings.scope == "GIGACHAT_API_PERS"
    assert settings.base_url == "https://api.giga.chat/v1"
    assert settings.url("chat/completions") == "https://api.giga.chat/v1/chat/completions"
    assert settings.v2_chat_url == "https://api.giga.chat/v2/chat/completions"
    assert settings.auth_url == "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
    assert (settings.verify, settings.api_version, settings.max_concurrency, settings.client_id) == (
        True,
        None,
        None,
        None,
    )
    assert settings.auth_mode == "key"


def test_constructor_beats_call_beats_environment_beats_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = [make_key() for _ in range(4)]
    (tmp_path / ".env").write_text(
        f"GIGACHAT_CREDENTIALS={keys[3]}\nGIGACHAT_SCOPE=CORP\nGIGACHAT_BASE_URL=https://d.example/v1\n"
    )
    assert resolve().credentials == Secret(keys[3])
    assert resolve().scope == "GIGACHAT_API_CORP"
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", keys[2])
    monkeypatch.setenv("GIGACHAT_SCOPE", "B2B")
    monkeypatch.setenv("GIGACHAT_BASE_URL", "https://e.example/v1")
    assert (resolve().credentials, resolve().scope) == (Secret(keys[2]), "GIGACHAT_API_B2B")
    called = resolve(api_key=keys[1], api_base="https://c.example/v1", scope="PERS", api_version="v2")
    assert (called.credentials, called.base_url, called.scope, called.api_version) == (
        Secret(keys[1]), "https://c.example/v1", "GIGACHAT_API_PERS", "v2",
    )  # fmt: skip
    own = Overrides(credentials=keys[0], base_url="https://o.example/v1", scope="CORP", api_version="v1")
    built = resolve(own, api_key=keys[1], api_base="https://c.example/v1", scope="PERS", api_version="v2")
    assert (built.credentials, built.base_url, built.scope, built.api_version) == (
        Secret(keys[0]), "https://o.example/v1", "GIGACHAT_API_CORP", "v1",
    )  # fmt: skip
    assert "GIGACHAT_AUTH_KEY" not in os.environ


@pytest.mark.parametrize("name", ["GIGACHAT_CREDENTIALS", "GIGACHAT_AUTH_KEY", "GIGACHAT_API_KEY"])
def test_each_name_of_the_key_is_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    key = make_key()
    monkeypatch.setenv(name, f'  "{key}" \n')
    assert resolve().credentials == Secret(key)


def test_the_first_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = make_key(), make_key()
    monkeypatch.setenv("GIGACHAT_API_KEY", last)
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", first)
    assert resolve().credentials == Secret(first)
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", "  ")  # empty counts as unset
    assert resolve().credentials == Secret(last)


def test_litellms_default_base_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key()
    legacy = "https://gigachat.devices.sberbank.ru/api/v1"
    assert resolve(api_key=key, api_base=legacy).base_url == "https://api.giga.chat/v1"
    assert resolve(api_key=key, api_base=legacy + "/").base_url == "https://api.giga.chat/v1"
    monkeypatch.setenv("GIGACHAT_BASE_URL", "https://e.example/v1")
    assert resolve(api_key=key, api_base=legacy).base_url == "https://e.example/v1"
    monkeypatch.setenv("GIGACHAT_BASE_URL", legacy)  # in the environment somebody meant it
    settings = resolve(api_key=key)
    assert settings.base_url == legacy
    assert settings.v2_chat_url == "https://gigachat.devices.sberbank.ru/api/v2/chat/completions"


def test_the_environments_v2_address_does_not_follow_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIGACHAT_CHAT_V2_URL", "https://e.example/two")
    key = make_key()
    assert resolve(api_key=key).v2_chat_url == "https://e.example/two"
    assert resolve(api_key=key, api_base="https://c.example/v1").v2_chat_url == "https://c.example/v2/chat/completions"


# --- who we are --------------------------------------------------------------------------------------


def test_a_calls_key_beats_every_mode_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", make_token())
    monkeypatch.setenv("GIGACHAT_USER", "ivan")
    monkeypatch.setenv("GIGACHAT_PASSWORD", "p")
    key = make_key()
    settings = resolve(api_key=key)
    assert (settings.auth_mode, settings.credentials) == ("key", Secret(key))
    assert (settings.access_token, settings.user, settings.password) == (None, None, None)


def test_modes_inside_one_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIGACHAT_CERT_FILE", "/c.pem")
    assert resolve().auth_mode == "mtls"
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_NAME", "X-Client-Id")
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_VALUE", "abc")
    assert resolve().auth_mode == "header"
    assert resolve().auth_header == ("X-Client-Id", Secret("abc"))
    monkeypatch.setenv("GIGACHAT_USER", "ivan")
    monkeypatch.setenv("GIGACHAT_PASSWORD", "p")
    assert resolve().auth_mode == "password"
    assert resolve().token_url == "https://api.giga.chat/v1/token"
    monkeypatch.setenv("GIGACHAT_CLIENT_ID", "some-id")
    monkeypatch.setenv("GIGACHAT_CLIENT_SECRET", "some-secret")
    assert resolve().auth_mode == "key"
    assert resolve().credentials == Secret(make_key("some-id", "some-secret"))
    token = make_token()
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", f"Bearer {token}")
    settings = resolve()
    assert (settings.auth_mode, settings.access_token, settings.renewable) == ("token", Secret(token), True)
    assert settings.cert_file == "/c.pem"


def test_the_environments_key_is_not_outdone_by_a_token_in_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"GIGACHAT_ACCESS_TOKEN={make_token()}\nGIGACHAT_CLIENT_SECRET=s\n")
    key = make_key()
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", key)
    assert (resolve().auth_mode, resolve().access_token) == ("key", None)


def test_dotenv_may_complete_a_pair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GIGACHAT_CLIENT_SECRET=the-secret\n")
    monkeypatch.setenv("GIGACHAT_CLIENT_ID", "the-id")
    assert resolve().credentials == Secret(make_key("the-id", "the-secret"))


def test_a_key_is_read_from_many_spellings() -> None:
    name, secret = str(uuid.uuid4()), str(uuid.uuid4())
    key = make_key(name, secret)
    spellings = [
        key, f" {key}\n", f"Basic {key}", f"basic  {key}", f"Bearer {key}", f"Authorization: Basic {key}", f"'{key}'",
        key[:40] + "\n" + key[40:], key.rstrip("="), f"{name}:{secret}", f"\ufeff{key}",
    ]  # fmt: skip
    for spelling in spellings:
        assert resolve(api_key=spelling).credentials == Secret(key), spelling


def test_a_whole_key_in_place_of_the_secret_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    name = str(uuid.uuid4())
    key = make_key(name)
    monkeypatch.setenv("GIGACHAT_CLIENT_ID", name)
    monkeypatch.setenv("GIGACHAT_CLIENT_SECRET", key)
    assert resolve().credentials == Secret(key)


def test_a_token_given_as_key_is_told_apart() -> None:
    token = make_token()
    settings = resolve(api_key=token)
    assert (settings.auth_mode, settings.access_token, settings.credentials) == ("token", Secret(token), None)
    assert not settings.renewable


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sk-proj-1234567890canary", "another provider's key"),
        ("https://canary.example/v1", "an address"),
        (str(uuid.UUID(int=77)), "a bare id"),
        ("canary canary canary", "base64 of 'client_id:client_secret'"),
        (base64.b64encode(b"canary without a colon").decode(), "base64 of 'client_id:client_secret'"),
        ("ключ-canary", "base64 of 'client_id:client_secret'"),
    ],
)
def test_a_broken_key_is_explained_without_being_shown(value: str, words: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        resolve(api_key=value)
    assert words in str(caught.value)
    assert "developers.sber.ru" in str(caught.value)
    assert value not in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_key_in_place_of_a_token_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", make_key())
    with pytest.raises(CredentialsError, match="GIGACHAT_ACCESS_TOKEN holds an authorization key"):
        resolve()


def test_no_credential_names_what_was_looked_up() -> None:
    with pytest.raises(CredentialsError) as caught:
        resolve()
    text = str(caught.value)
    for name in (
        "api_key",
        "GIGACHAT_CREDENTIALS",
        "GIGACHAT_API_KEY",
        "GIGACHAT_ACCESS_TOKEN",
        "GIGACHAT_CERT_FILE",
        ".env",
    ):
        assert name in text
    assert "https://developers.sber.ru" in text
    assert "\n" not in text


def test_no_frame_of_ours_holds_the_key_in_a_traceback() -> None:
    canary = "canary" + uuid.uuid4().hex + " !"
    try:
        resolve(api_key=canary)
    except CredentialsError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert error.__context__ is None
        assert error.__cause__ is None
        frames = [frame for frame in told.stack if "/litellm_gigachat_provider/" in frame.filename.replace("\\", "/")]
        assert frames
        assert not [frame for frame in frames if canary[:30] in str(frame.locals)]


# --- other values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "value"), [("true", True), ("1", True), ("YES", True), ("off", False), ("0", False), ("No", False)]
)
def test_booleans(monkeypatch: pytest.MonkeyPatch, word: str, value: bool) -> None:
    monkeypatch.setenv("GIGACHAT_VERIFY_SSL_CERTS", word)
    assert resolve(api_key=make_key()).verify is value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIGACHAT_VERIFY_SSL_CERTS", "flase"),
        ("GIGACHAT_MAX_CONCURRENCY", "many"),
        ("GIGACHAT_MAX_CONCURRENCY", "-1"),
        ("GIGACHAT_API_VERSION", "v3"),
        ("GIGACHAT_SCOPE", "what; is this"),
        ("GIGACHAT_BASE_URL", "api.giga.chat/v1"),
        ("GIGACHAT_BASE_URL", "ftp://api.giga.chat/v1"),
        ("GIGACHAT_BASE_URL", "http://api.giga.chat/v1"),
        ("GIGACHAT_BASE_URL", "https://user:canary@api.giga.chat/v1"),
        ("GIGACHAT_BASE_URL", "https://api.giga.chat/v1?key=canary"),
        ("GIGACHAT_BASE_URL", "https://[api/v1"),
        ("GIGACHAT_BASE_URL", "https://host:port/v1"),
        ("GIGACHAT_AUTH_URL", "http://ngw.devices.sberbank.ru:9443/api/v2/oauth"),
    ],
)
def test_a_broken_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidRequestError) as caught:
        resolve(api_key=make_key())
    assert caught.value.field == name
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.giga.chat/v1/", "https://api.giga.chat/v1"),
        ("https://API.giga.chat/v1/chat/completions", "https://api.giga.chat/v1"),
        ("https://corp.example:8443/giga/v1/embeddings/", "https://corp.example:8443/giga/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_base_url_is_tidied(given: str, kept: str) -> None:
    assert resolve(api_key=make_key(), api_base=given).base_url == kept


def test_concurrency_zero_is_unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "3")
    assert resolve(api_key=make_key()).max_concurrency == 3
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "0")
    assert resolve(api_key=make_key()).max_concurrency is None


@pytest.mark.parametrize("name", ["api_key", "api_base", "api_version", "scope"])
def test_a_call_value_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="must be a string"):
        resolve(**{"api_key": make_key(), name: ["x"]})  # type: ignore[arg-type]


# --- .env --------------------------------------------------------------------------------------------


def test_dotenv_is_found_upward_and_never_written_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key()
    (tmp_path / ".env").write_text(f"export GIGACHAT_CREDENTIALS='{key}'\nOTHER=1\n", encoding="utf-8-sig")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert resolve().credentials == Secret(key)
    assert "GIGACHAT_CREDENTIALS" not in os.environ
    assert "OTHER" not in os.environ


def test_a_changed_dotenv_is_noticed(tmp_path: Path) -> None:
    first, second = make_key(), make_key() + ""
    (tmp_path / ".env").write_text(f"GIGACHAT_CREDENTIALS={first}\n")
    assert resolve().credentials == Secret(first)
    (tmp_path / ".env").write_text(f"# changed\nGIGACHAT_CREDENTIALS={second}\n")
    assert resolve().credentials == Secret(second)


def test_a_named_dotenv_replaces_the_found_one(tmp_path: Path) -> None:
    found, named = make_key(), make_key()
    (tmp_path / ".env").write_text(f"GIGACHAT_CREDENTIALS={found}\n")
    other = tmp_path / "prod.env"
    other.write_text(f"GIGACHAT_CREDENTIALS={named}\n")
    assert resolve(Overrides(env_file=other)).credentials == Secret(named)
    with pytest.raises(CredentialsError):
        resolve(Overrides(env_file=False))


def test_an_unreadable_dotenv_matters_only_when_needed(tmp_path: Path) -> None:
    broken = tmp_path / ".env"
    broken.write_bytes(b"GIGACHAT_CREDENTIALS=\xff\xfe\x00canary")
    assert resolve(api_key=make_key()).auth_mode == "key"
    with pytest.raises(InvalidRequestError) as caught:
        resolve()
    assert str(broken) in str(caught.value)
    assert "canary" not in str(caught.value)
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        resolve(Overrides(env_file=tmp_path / "missing.env"), api_key=make_key())


# --- keys of caches ----------------------------------------------------------------------------------


def test_settings_are_cache_keys() -> None:
    key = make_key()
    one, two = resolve(api_key=key), resolve(api_key=key)
    assert one is two
    assert hash(one) == hash(copy.deepcopy(one))
    assert one == copy.deepcopy(one)
    base = {one, resolve(api_key=make_key()), resolve(api_key=key, scope="CORP"), resolve(api_key=key, client_id="u1")}
    assert len(base) == 4
    user = resolve(api_key=key, client_id="u1")
    assert user.token_key == one.token_key
    assert user.tenant_key != one.tenant_key
    assert resolve(api_key=key, scope="CORP").token_key != one.token_key
    assert resolve(Overrides(auth_url="https://other.example/oauth"), api_key=key).token_key != one.token_key
    assert resolve(Overrides(cert_file="/a.pem"), api_key=key).token_key != one.token_key
    assert resolve(api_key=key, api_base="https://c.example/v1").token_key == one.token_key
    assert resolve(api_key=key, api_base="https://c.example/v1").tenant_key != one.tenant_key


def test_nothing_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "password": "canary-password",
        "key_file_password": "canary-key",
        "auth_header": ("X-Key", "canary-header"),
    }
    own = Overrides(
        credentials=make_key("canary-id", "canary-secret"), access_token="canary.token", user="ivan", **values
    )  # type: ignore[arg-type]
    settings = resolve(own)
    shown = repr(own) + repr(settings) + repr(explain(own)) + repr(settings.token_key) + repr(settings.tenant_key)
    assert "canary" not in shown
    assert make_key("canary-id", "canary-secret") not in shown


def test_explain_names_sources_and_problems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GIGACHAT_SCOPE=CORP\n")
    monkeypatch.setenv("GIGACHAT_VERIFY_SSL_CERTS", "perhaps")
    lines = {line.name: line for line in explain(Overrides(base_url="https://o.example/v1"))}
    assert "no GigaChat credential" in lines["credentials"].problem
    assert lines["scope"].value == "GIGACHAT_API_CORP"
    assert lines["scope"].source == f"GIGACHAT_SCOPE in {tmp_path / '.env'}"
    assert lines["base_url"].source == "base_url of the constructor"
    assert "GIGACHAT_VERIFY_SSL_CERTS" in lines["verify"].problem
    assert lines["auth_url"].source == "default"
    monkeypatch.setenv("GIGACHAT_AUTH_KEY", make_key("canary-id", "x"))
    lines = {line.name: line for line in explain()}
    assert (lines["auth_mode"].value, lines["auth_mode"].source) == ("key", "GIGACHAT_AUTH_KEY")
    assert "canary" not in repr(lines)


def test_a_hit_is_cheap() -> None:
    key = make_key()
    resolve(api_key=key)
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(200):
            resolve(NO_OVERRIDES, api_key=key, api_base="https://gigachat.devices.sberbank.ru/api/v1")
        best = min(best, (time.perf_counter() - started) / 200)
    assert best < 250e-6  # 5 µs on an idle machine; the bound only catches a lost cache


def test_clean() -> None:
    assert clean(None) is None
    assert clean(' "" ') is None
    assert clean("' a b '") == "a b"
