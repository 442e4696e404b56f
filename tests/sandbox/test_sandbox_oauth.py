"""Tokens: every OAuth code, expiry, revocation, the other ways in."""

from __future__ import annotations

import base64
import time
import uuid

import httpx
import pytest


def ask(sandbox, *, key=None, scheme="Basic", rquid=None, scope="GIGACHAT_API_PERS", headers=None):
    sent = {"Authorization": f"{scheme} {key or sandbox.credentials}", "RqUID": rquid or str(uuid.uuid4())}
    sent.update(headers or {})
    data = {"scope": scope} if scope is not None else None
    return httpx.post(sandbox.auth_url, headers=sent, data=data, trust_env=False)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_token_and_its_shape(gigachat_sandbox):
    answer = ask(gigachat_sandbox)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "x-request-id" not in answer.headers
    assert set(answer.json()) == {"access_token", "expires_at"}
    token = answer.json()["access_token"]
    assert token.startswith("eyJ")
    assert token.count(".") == 4
    assert 1100 < len(token) < 1300
    assert answer.json()["expires_at"] / 1000 == pytest.approx(time.time() + 1800, abs=5)
    models = httpx.get(
        f"{gigachat_sandbox.base_url}/models", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    assert models.status_code == 200
    assert gigachat_sandbox.oauth_count == 1
    assert gigachat_sandbox.refused == []


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"scope": "GIGACHAT_API_X"}, 400, 1, "scope data format invalid"),
        ({"key": "not base64!"}, 400, 4, "Can't decode 'Authorization' header"),
        ({"key": "bm8gY29sb24="}, 400, 4, "Can't decode 'Authorization' header"),
        ({"scheme": "Bearer"}, 400, 4, "Can't decode 'Authorization' header"),
        ({"scope": None}, 400, 5, "scope is empty"),
        ({"headers": {"Content-Type": "application/json"}}, 400, 5, "scope is empty"),
        ({"key": encoded("someone:else")}, 401, 6, "credentials doesn't match db data"),
        ({"scope": "GIGACHAT_API_B2B"}, 400, 7, "scope from db not fully includes consumed scope"),
    ],
)
def test_codes(gigachat_sandbox, changes, status, code, message):
    answer = ask(gigachat_sandbox, **changes)
    assert (answer.status_code, answer.json()) == (status, {"code": code, "message": message})
    assert len(gigachat_sandbox.refused) == 1


def test_request_id_is_a_uuid_and_fresh(gigachat_sandbox):
    assert ask(gigachat_sandbox, rquid="123").status_code == 400
    again = str(uuid.uuid4())
    assert ask(gigachat_sandbox, rquid=again).status_code == 200
    answer = ask(gigachat_sandbox, rquid=again)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}


def test_secrets_are_not_in_the_log(gigachat_sandbox):
    ask(gigachat_sandbox)
    shown = repr(gigachat_sandbox.requests)
    assert gigachat_sandbox.credentials not in shown
    assert gigachat_sandbox.requests[0].headers["authorization"].startswith("Basic sha256:")


def test_no_token_wrong_token_expired_token(client):
    sandbox = client.sandbox
    url = f"{sandbox.base_url}/models"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {sandbox.credentials}"}):
        answer = httpx.get(url, headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()) == (401, {"status": 401, "message": "Unauthorized"})
    assert client.get("/models").status_code == 200
    sandbox.advance(1801)
    answer = client.get("/models")
    assert (answer.status_code, answer.json()) == (401, {"status": 401, "message": "Token has expired"})
    assert sandbox.refused == []  # a token's end is nobody's fault


def test_expire_and_revoke(client):
    client.sandbox.expire_tokens()
    assert client.get("/models").json()["message"] == "Token has expired"
    client.sandbox.revoke_tokens()
    assert client.get("/models").json()["message"] == "Unauthorized"


def test_token_life_is_a_knob(gigachat_sandbox):
    gigachat_sandbox.knobs.token_ttl = 60
    assert ask(gigachat_sandbox).json()["expires_at"] / 1000 == pytest.approx(time.time() + 60, abs=5)
    gigachat_sandbox.knobs.expires_in_seconds = True
    assert ask(gigachat_sandbox).json()["expires_at"] == pytest.approx(time.time() + 60, abs=5)


def test_user_and_password(gigachat_sandbox):
    url = f"{gigachat_sandbox.base_url}/token"
    answer = httpx.post(url, auth=gigachat_sandbox.user, trust_env=False)
    assert answer.status_code == 200
    assert set(answer.json()) == {"tok", "exp"}
    assert answer.json()["exp"] == pytest.approx(time.time() + 1800, abs=5)
    assert httpx.post(url, auth=("sandbox", "wrong"), trust_env=False).status_code == 401
    gigachat_sandbox.knobs.exp_in_ms = True
    answer = httpx.post(url, auth=gigachat_sandbox.user, trust_env=False)
    assert answer.json()["exp"] / 1000 == pytest.approx(time.time() + 1800, abs=5)


def test_another_account_has_its_own_scope(gigachat_sandbox):
    other = gigachat_sandbox.add_account("GIGACHAT_API_CORP")
    assert ask(gigachat_sandbox, key=other, scope="GIGACHAT_API_CORP").status_code == 200
    assert ask(gigachat_sandbox, key=other).json()["code"] == 7


def test_fixed_header_and_no_header(gigachat_sandbox):
    url = f"{gigachat_sandbox.base_url}/models"
    gigachat_sandbox.knobs.fixed_header = ("X-Key", "open")
    assert httpx.get(url, headers={"X-Key": "open"}, trust_env=False).status_code == 200
    assert gigachat_sandbox.requests[0].headers["x-key"].startswith("sha256:")
    assert httpx.get(url, headers={"X-Key": "shut"}, trust_env=False).status_code == 401
    gigachat_sandbox.knobs.fixed_header = None
    gigachat_sandbox.knobs.accept_without_auth = True
    assert httpx.get(url, trust_env=False).status_code == 200


def test_two_starts_give_one_key():
    from litellm_gigachat_provider.sandbox import Sandbox

    assert Sandbox().credentials == Sandbox().credentials
