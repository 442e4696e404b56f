"""``doctor``: what it finds, what it advises, what it skips, and that nothing in it is secret."""

from __future__ import annotations

import base64
import json
import socket
import time
import uuid

import pytest

from litellm_gigachat_provider import SeamError
from litellm_gigachat_provider.bridge import registration
from litellm_gigachat_provider.commands import doctor_local, doctor_remote

ORDER = [
    "versions", "provider", "settings", "key", "clock", "tls_oauth", "tls_api", "proxies", "oauth", "model",
    "completion", "balance",
]  # fmt: skip
NETWORK = {"clock", "tls_oauth", "tls_api", "oauth", "model", "completion", "balance"}


@pytest.fixture
def examine(run):
    """``examine()`` -> (exit code, checks by name); the text output is asked for as well and must agree."""

    def examine(*words):
        code, out, err = run("doctor", "--json", *words)
        report = json.loads(out)
        assert err == ""
        checks = {check["name"]: check for check in report["checks"]}
        assert list(checks) == ORDER
        assert report["failed"] == [name for name, check in checks.items() if check["status"] == "FAIL"]
        assert report["ok"] == (code == 0) == (not report["failed"])
        return code, checks

    return examine


def statuses(checks):
    return {name: check["status"] for name, check in checks.items()}


def key(client_id=None, secret=None):
    return base64.b64encode(f"{client_id or uuid.uuid4()}:{secret or uuid.uuid4()}".encode()).decode()


def dead_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# --- all is well -------------------------------------------------------------------------------------


def test_all_is_well(gigachat_sandbox, examine):
    code, checks = examine()
    assert code == 0
    assert set(statuses(checks).values()) == {"OK"}
    assert checks["provider"]["data"]["ours"] is True
    assert "lives 30 minutes" in checks["oauth"]["detail"]
    assert "GigaChat 900000" in checks["balance"]["detail"]
    assert gigachat_sandbox.refused == []
    assert [r.json["model"] for r in gigachat_sandbox.chat_requests] == ["GigaChat-2-Max"]


def test_all_is_well_over_tls(gigachat_sandbox_tls, examine):
    code, checks = examine("--model", "gigachat/GigaChat-2")
    assert code == 0
    for name in ("tls_oauth", "tls_api"):
        assert "issued by GigaChat sandbox" in checks[name]["detail"]
        assert checks[name]["data"]["days_left"] > 14
    assert gigachat_sandbox_tls.chat_bodies[0]["model"] == "GigaChat-2"
    probes = [r for r in gigachat_sandbox_tls.requests if "authorization" not in r.headers]
    assert len(probes) == 1  # one host, asked once


def test_text(gigachat_sandbox, run):
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if line.startswith("[")]
    assert len(lines) == len(ORDER)
    assert all(line.startswith("[  OK] ") for line in lines)
    assert f"{gigachat_sandbox.base_url}  " in out
    assert out.endswith("Nothing stands in the way.\n")


def test_offline(gigachat_sandbox, examine):
    code, checks = examine("--offline")
    assert code == 0
    assert {name for name, status in statuses(checks).items() if status == "SKIP"} == NETWORK
    assert gigachat_sandbox.requests == []


# --- the versions, who answers -----------------------------------------------------------------------


def test_h2_is_missing(gigachat_sandbox, examine, monkeypatch):
    known = doctor_local.installed
    monkeypatch.setattr(doctor_local, "installed", lambda name: None if name == "h2" else known(name))
    _, checks = examine("--offline")
    assert checks["versions"]["status"] == "WARN"
    assert "HTTP/2" in checks["versions"]["remedy"]


def test_somebody_else_answers(gigachat_sandbox, examine, monkeypatch):
    def fail():
        raise SeamError("completion did not reach the handler")

    monkeypatch.setattr(registration, "self_check", fail)
    code, checks = examine()
    assert code == 1
    assert "did not reach the handler" in checks["provider"]["detail"]
    assert checks["completion"]["detail"] == "skipped: needs Who answers gigachat/"
    assert checks["balance"]["status"] == "OK"
    assert gigachat_sandbox.chat_requests == []


# --- settings and credentials ------------------------------------------------------------------------


def test_where_settings_come_from(gigachat_sandbox, examine, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(f"GIGACHAT_MAX_CONCURRENCY=3\nGIGACHAT_AUTH_KEY={gigachat_sandbox.credentials}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    code, checks = examine()
    rows = {row["setting"]: (row["value"], row["from"]) for row in checks["settings"]["rows"]}
    assert code == 0
    assert rows["env_file"][0] == "~/.env"
    assert rows["max_concurrency"] == ("3", "GIGACHAT_MAX_CONCURRENCY in ~/.env")
    assert rows["base_url"] == (gigachat_sandbox.base_url, "GIGACHAT_BASE_URL")
    assert rows["verify"] == ("True", "default")
    assert checks["key"]["detail"].startswith("GIGACHAT_AUTH_KEY is an authorization key")


def test_broken_setting(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_BASE_URL", "http://example.com/v1")
    code, checks = examine()
    assert code == 1
    assert "plain http" in checks["settings"]["detail"]
    assert {statuses(checks)[name] for name in NETWORK | {"key"}} == {"SKIP"}
    assert gigachat_sandbox.requests == []


def test_no_key(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    code, checks = examine()
    assert code == 1
    assert "no GigaChat credential" in checks["key"]["detail"]
    assert "developers.sber.ru" in checks["key"]["remedy"]
    assert checks["oauth"]["detail"] == "skipped: needs Credentials"
    assert checks["completion"]["detail"] == "skipped: needs Access token"


SHAPES = {
    "other provider": (lambda s: "sk-" + "a" * 40, "FAIL", "another provider's key"),
    "bare id": (lambda s: str(uuid.uuid4()), "FAIL", "bare id"),
    "encoded twice": (lambda s: base64.b64encode(s.credentials.encode()).decode(), "FAIL", "not a GigaChat"),
    "not two uuids": (lambda s: key("someone", "something"), "WARN", "not two UUIDs"),
    "same twice": (lambda s: key(s.client_id, s.client_id), "WARN", "are the same text"),
    "in clear": (lambda s: f"{s.client_id}:{s.client_secret}", "OK", "encoded here"),
    "access token": (lambda s: s.issue_token(), "WARN", "holds an access token"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shape_of_the_key(gigachat_sandbox, examine, monkeypatch, shape):
    make, status, words = SHAPES[shape]
    value = make(gigachat_sandbox)
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", value)
    _, checks = examine("--offline")
    found = checks["key"]
    assert (found["status"], words in found["detail"]) == (status, True), found
    assert bool(found.get("remedy")) == (status != "OK")
    assert value not in json.dumps(checks)


def test_encoded_twice_is_told(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", base64.b64encode(gigachat_sandbox.credentials.encode()).decode())
    assert "encoded twice" in examine("--offline")[1]["key"]["remedy"]


def test_ready_token(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", gigachat_sandbox.issue_token())
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    code, checks = examine()
    assert code == 0
    assert "cannot be renewed" in checks["key"]["detail"]
    assert "not needed" in checks["tls_oauth"]["detail"]
    assert gigachat_sandbox.oauth_count == 0


# --- clock, TLS, proxies -----------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "words"), [(7200, "2 hours ahead of"), (-300, "5 minutes behind")])
def test_clock_is_wrong(gigachat_sandbox, examine, monkeypatch, seconds, words):
    monkeypatch.setattr(doctor_remote, "now", lambda: time.time() + seconds)
    code, checks = examine()
    assert code == 0
    assert checks["clock"]["status"] == "WARN"
    assert words in checks["clock"]["detail"]
    assert "NTP" in checks["clock"]["remedy"]


def test_certificate_ends_soon(gigachat_sandbox_tls, examine, monkeypatch):
    monkeypatch.setattr(doctor_remote, "_days_left", lambda certificate: 3.0)
    _, checks = examine()
    assert checks["tls_api"]["status"] == "WARN"
    assert "expires in 3 days" in checks["tls_api"]["detail"]


def test_unknown_authority(gigachat_sandbox_tls, examine, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CA_BUNDLE_FILE")
    code, checks = examine()
    assert code == 1
    for name in ("tls_oauth", "tls_api"):
        assert checks[name]["status"] == "FAIL"
        assert "unable to get local issuer certificate" in checks[name]["detail"]
        assert "GIGACHAT_CA_BUNDLE_FILE" in checks[name]["remedy"]
    assert checks["oauth"]["detail"] == "skipped: needs TLS to the token server"
    assert gigachat_sandbox_tls.requests == []


def test_verification_is_off(gigachat_sandbox_tls, examine, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CA_BUNDLE_FILE")
    monkeypatch.setenv("GIGACHAT_VERIFY_SSL_CERTS", "false")
    code, checks = examine()
    assert code == 0
    assert checks["tls_api"]["status"] == "WARN"
    assert "NOT checked" in checks["tls_api"]["detail"]


def test_certificate_file_is_missing(gigachat_sandbox_tls, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_CA_BUNDLE_FILE", "/home/somebody/none.pem")
    code, checks = examine()
    assert code == 1
    assert "~/none.pem does not exist" in checks["tls_api"]["detail"]
    assert "somebody" not in json.dumps(checks)


def test_dead_api_host(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_BASE_URL", f"http://127.0.0.1:{dead_port()}/v1")
    code, checks = examine()
    assert code == 1
    assert statuses(checks)["oauth"] == "OK"
    assert checks["clock"]["detail"] == "skipped: needs TLS to the API"
    assert checks["tls_api"]["status"] == "FAIL"
    assert "firewall" in checks["tls_api"]["remedy"]
    assert checks["completion"]["detail"] == "skipped: needs TLS to the API"


def test_proxy_without_its_password(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://someone:pa55word@127.0.0.1:{dead_port()}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    code, checks = examine()
    text = json.dumps(checks)
    assert code == 1
    assert checks["proxies"]["rows"][0]["through"].startswith("http://127.0.0.1:")
    assert checks["tls_api"]["status"] == "FAIL"
    assert "pa55word" not in text
    assert "someone" not in text


def test_proxy_that_is_not_used(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    _, checks = examine("--offline")
    assert "not used" in checks["proxies"]["detail"]


def test_proxy_that_cannot_be_read(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("http_proxy", "ftp://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    code, checks = examine()
    assert code == 0
    assert checks["proxies"]["status"] == "WARN"
    assert "HTTP_PROXY" in checks["proxies"]["detail"]


# --- token, model, completion, balance ---------------------------------------------------------------


def test_wrong_secret(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", key(gigachat_sandbox.client_id))
    code, checks = examine()
    assert code == 1
    assert "code 6" in checks["oauth"]["detail"]
    assert "issue a new one" in checks["oauth"]["remedy"]
    assert {statuses(checks)[name] for name in ("model", "completion", "balance")} == {"SKIP"}


def test_wrong_scope(gigachat_sandbox, examine, monkeypatch):
    monkeypatch.setenv("GIGACHAT_SCOPE", "B2B")
    _, checks = examine()
    assert "code 7" in checks["oauth"]["detail"]
    assert "GIGACHAT_SCOPE" in checks["oauth"]["remedy"]


def test_token_that_ends_at_once(gigachat_sandbox, examine):
    gigachat_sandbox.knobs.token_ttl = 90
    _, checks = examine()
    assert checks["oauth"]["status"] == "WARN"


def test_model_of_another_host(gigachat_sandbox, examine):
    gigachat_sandbox.knobs.missing_models = {"GigaChat-3-Ultra"}
    code, checks = examine("--model", "GigaChat-3-Ultra")
    assert code == 1
    assert checks["model"]["status"] == "FAIL"
    assert "GigaChat-2-Max" in checks["model"]["remedy"]
    assert "Embeddings" not in checks["model"]["remedy"]
    assert checks["completion"]["status"] == "SKIP"
    assert checks["balance"]["status"] == "OK"


def test_host_that_does_not_list_models(gigachat_sandbox, examine):
    gigachat_sandbox.fail_next("models", status=404, skip=1)  # the first request asks for the time
    code, checks = examine()
    assert code == 0
    assert checks["model"]["status"] == "WARN"
    assert checks["completion"]["status"] == "OK"


@pytest.mark.parametrize(("status", "words"), [(402, "package"), (429, "wait"), (500, "trouble")])
def test_completion_fails(gigachat_sandbox, examine, status, words):
    gigachat_sandbox.fail_next("chat", status=status)
    code, checks = examine()
    assert code == 1
    assert str(status) in checks["completion"]["detail"]
    assert words in checks["completion"]["remedy"]
    assert len(gigachat_sandbox.chat_requests) == 1


def test_account_that_pays_as_it_goes(gigachat_sandbox, examine):
    gigachat_sandbox.knobs.balance_forbidden = True
    code, checks = examine()
    assert code == 0
    assert "pays as it goes" in checks["balance"]["detail"]


def test_used_up(gigachat_sandbox, examine):
    gigachat_sandbox.fail_next("balance", status=200, body={"balance": [{"usage": "GigaChat", "value": 0}]})
    _, checks = examine()
    assert checks["balance"]["status"] == "WARN"
    assert "used up: GigaChat 0" in checks["balance"]["detail"]


# --- nothing secret ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["oauth", "models", "chat", "balance"])
def test_a_server_that_quotes_secrets(gigachat_sandbox, run, where, monkeypatch):
    """Whatever an error text says, no spelling of the key gets out; nor does the account's name."""
    monkeypatch.setattr("getpass.getuser", lambda: "jane.doe")
    sandbox = gigachat_sandbox
    quoted = f"{sandbox.credentials} {sandbox.client_id}:{sandbox.client_secret} {sandbox.client_secret} jane.doe"
    status = 403 if where == "oauth" else 400
    sandbox.fail_next(where, status=status, body={"status": status, "message": quoted}, skip=where == "models")
    for words in (("doctor",), ("doctor", "--json")):
        _, out, err = run(*words)
        for secret in (sandbox.credentials, sandbox.client_id, sandbox.client_secret, "jane.doe"):
            assert secret not in out + err


def test_user_and_password(gigachat_sandbox, run, monkeypatch):
    user, password = gigachat_sandbox.user
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    monkeypatch.setenv("GIGACHAT_USER", user)
    monkeypatch.setenv("GIGACHAT_PASSWORD", password)
    code, out, err = run("doctor")
    assert code == 0
    assert "password" in out  # the mode's name
    assert f" {user} " not in out
    assert err == ""
    assert "sha256" not in out
