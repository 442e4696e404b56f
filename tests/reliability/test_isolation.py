"""Tenants share nothing: no token, file id, session id or connection; and a thousand of them take bounded memory."""

# ruff: noqa: E501 - tables

from __future__ import annotations

import base64
import gc
import itertools
import os
import uuid
from dataclasses import replace
from pathlib import Path

import litellm
import pytest
from faultserver import CHAT, OAUTH, FaultServer, answer, new_key, token
from probe import wait_until
from ways import MODEL

from litellm_gigachat_provider import GigaChatLLM
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import auth, client, tls

HELLO = [{"role": "user", "content": "Привет!"}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = [{"role": "user", "content": [
    {"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
]}]  # fmt: skip
BODY = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "да"}}],
    "created": 1700000000, "model": "GigaChat-2-Max:2.0.28.2", "object": "chat.completion",
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
ONE = Settings(credentials=Secret(new_key()), base_url="https://one.invalid/v1", auth_url="https://one.invalid/oauth")
# What another tenant may differ in, and whether it still is the same credential (and so the same token).
DIFFERENCES = {
    "key": (replace(ONE, credentials=Secret(new_key())), False),
    "scope": (replace(ONE, scope="GIGACHAT_API_CORP"), False),
    "OAuth URL": (replace(ONE, auth_url="https://two.invalid/oauth"), False),
    "base URL": (replace(ONE, base_url="https://two.invalid/v1"), True),
    "client certificate": (replace(ONE, cert_file="/c.pem", key_file="/k.pem"), False),
    "CA bundle": (replace(ONE, ca_bundle_file="/ca.pem"), False),
    "X-Client-ID": (replace(ONE, client_id="someone"), True),
    "ready token": (replace(ONE, credentials=None, access_token=Secret("t" * 20)), False),
    "user": (replace(ONE, credentials=None, user="u", password=Secret("p" * 8)), False),
    "password": (replace(ONE, credentials=None, user="u", password=Secret("q" * 8)), False),
}


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(["none", *DIFFERENCES], 2)))
def test_no_two_tenants_have_a_key_in_common(first, second):
    one, same_one = (ONE, True) if first == "none" else DIFFERENCES[first]
    two, same_two = DIFFERENCES[second]
    assert one.tenant_key != two.tenant_key
    assert one.tenant_digest != two.tenant_digest, "equal conversations would get the same session id"
    assert (one.token_key == two.token_key) is (same_one and same_two)
    assert client.transport_for(one) is not client.transport_for(two)


@pytest.fixture
def ask(gigachat_sandbox):
    """One call of a handler of its own, straight; gives the request as the server saw it."""

    def run(handler=None, messages=HELLO, **kwargs):
        made = GigaChatLLM() if handler is None else handler
        made.completion(
            model="GigaChat-2-Max", messages=messages, model_response=litellm.ModelResponse(), optional_params={},
            litellm_params={}, timeout=10, **kwargs,
        )  # fmt: skip
        return gigachat_sandbox.chat_requests[-1]

    return run


def uploads(sandbox):
    return sum(record.where == "files" and record.method == "POST" for record in sandbox.requests)


def test_files_and_sessions_of_keys(gigachat_sandbox, ask):
    other = gigachat_sandbox.add_account()
    first = ask(messages=PICTURE)
    again = ask(messages=PICTURE)
    stranger = ask(messages=PICTURE, api_key=other)
    assert uploads(gigachat_sandbox) == 2, "one for each tenant"
    files = [seen.json["messages"][0]["attachments"] for seen in (first, again, stranger)]
    assert files[0] == files[1] != files[2]
    sessions = [seen.headers["x-session-id"] for seen in (first, again, stranger)]
    assert sessions[0] == sessions[1] != sessions[2]
    assert first.headers["authorization"] != stranger.headers["authorization"]
    assert gigachat_sandbox.oauth_count == 2


def test_files_and_sessions_of_client_ids(gigachat_sandbox, ask):
    seen = [ask(messages=PICTURE, headers={"X-Client-ID": who}) for who in ("anna", "boris", "anna")]
    assert uploads(gigachat_sandbox) == 2
    files = [one.json["messages"][0]["attachments"] for one in seen]
    assert files[0] == files[2] != files[1]
    sessions = [one.headers["x-session-id"] for one in seen]
    assert sessions[0] == sessions[2] != sessions[1]
    assert [one.headers["x-client-id"] for one in seen] == ["anna", "boris", "anna"]
    assert gigachat_sandbox.oauth_count == 1, "the token belongs to the credential"


def test_a_scope_and_an_oauth_url_have_tokens_of_their_own(gigachat_sandbox, ask):
    ask()
    ask(GigaChatLLM(auth_url=gigachat_sandbox.auth_url.replace("127.0.0.1", "localhost")))
    assert gigachat_sandbox.oauth_count == 2
    with pytest.raises(litellm.AuthenticationError):  # the key is of another scope: no token of the first is used
        ask(GigaChatLLM(scope="GIGACHAT_API_CORP"))
    assert gigachat_sandbox.oauth_count == 3


@pytest.fixture
def server(monkeypatch):
    with FaultServer(good={CHAT: answer(BODY), OAUTH: token()}) as made:
        client.close_all()
        monkeypatch.setenv("GIGACHAT_BASE_URL", made.origin + "/v1")
        monkeypatch.setenv("GIGACHAT_AUTH_URL", made.origin + OAUTH)
        monkeypatch.setenv("GIGACHAT_CREDENTIALS", new_key())
        yield made
        client.close_all()


def straight(**kwargs):
    handler = kwargs.pop("handler", None) or GigaChatLLM()
    handler.completion(
        model="GigaChat-2-Max", messages=HELLO, model_response=litellm.ModelResponse(), optional_params={},
        litellm_params={}, timeout=20, **kwargs,
    )  # fmt: skip


def test_an_idle_connection_is_anybodys_and_a_token_is_not(server):
    """A connection carries no credential: four tenants with three keys use one, each call with its own token."""
    server.plans[OAUTH] = [[answer({"access_token": f"token-{name}", "expires_at": 9999999999000})] for name in "abc"]
    straight()
    straight(api_key=new_key())
    straight(headers={"X-Client-ID": "anna"})
    straight(handler=GigaChatLLM(scope="GIGACHAT_API_CORP"))
    assert wait_until(lambda: server.open == 1), f"{server.open} connections"
    sent = [seen.headers for seen in server.requests if seen.path == CHAT]
    assert [(headers["authorization"][7:], headers.get("x-client-id")) for headers in sent] == [
        ("token-a", None), ("token-b", None), ("token-a", "anna"), ("token-c", None),
    ]  # fmt: skip


def ready_token():
    """Shaped like an access token, so that no OAuth request is made for it."""
    return "eyJ" + base64.urlsafe_b64encode(uuid.uuid4().bytes * 4).decode().rstrip("=") + ".x.y"


def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_a_thousand_tenants_stay_bounded(server, figure):
    def round_of(count):
        for _ in range(count):
            straight(api_key=ready_token())

    sizes = [resident()]
    for _ in range(3):
        round_of(1000)
        sizes.append(resident())
    rounds = [later - earlier for earlier, later in itertools.pairwise(sizes)]
    assert wait_until(lambda: server.open <= client._TENANTS), f"{server.open} connections"
    counts = {
        "transports": len(client._tenants),
        "tokens": len(auth.STORE),
        "TLS contexts": len(tls._contexts),
    }
    figure(
        f"three times 1000 new tenants: {', '.join(f'{size:+.1f}' for size in rounds)} MiB; {counts}, {server.open} connections"
    )
    assert counts["transports"] <= 256
    assert counts["tokens"] <= 1024
    assert counts["TLS contexts"] <= 64
    assert rounds[2] < 6, "by then each new tenant takes the place of an old one"


def test_oauth_tokens_of_many_tenants_are_bounded():
    store = auth.TokenStore(lambda settings: auth.Token(Secret("t")))
    for _ in range(3000):
        store.entry(replace(ONE, credentials=Secret(new_key())))
    assert len(store) <= 1024


def test_models_of_one_tenant_share(gigachat_sandbox):
    """The other side: what is the same tenant does not pay twice."""
    for model in (MODEL, "gigachat/GigaChat-2"):
        litellm.completion(model=model, messages=HELLO)
    assert gigachat_sandbox.oauth_count == 1
