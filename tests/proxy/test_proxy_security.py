"""No client of the proxy can send the key elsewhere, weaken TLS, or read a secret back."""

from __future__ import annotations

import json

import pytest

HI = [{"role": "user", "content": "hi"}]
FIELDS = (
    "api_base", "base_url", "api_key", "auth_url", "oauth_url", "token_url", "gigachat_auth_url", "gigachat_base_url",
    "gigachat_api_base", "gigachat_access_token", "gigachat_credentials", "gigachat_verify_ssl_certs",
    "gigachat_ca_bundle_file", "gigachat_cert_file", "gigachat_chat_v2_url", "chat_v2_url", "credentials",
    "access_token", "authorization", "Authorization", "auth_header", "auth_header_name", "user_password",
    "password", "verify", "verify_ssl", "verify_ssl_certs", "ssl_verify", "ssl_context", "ssl_certificate",
    "ca_bundle_file", "ca_cert", "cert_file", "key_file", "key_file_password", "client_cert", "proxy", "proxies",
    "http_proxy", "https_proxy", "mounts", "env_file", "trust_env", "client_id", "client_secret",
    "gigachatAuthUrl", "GIGACHAT_AUTH_URL", "gigachat-auth-url", "x_gigachat_auth_url",
)  # fmt: skip
OTHERS = (  # LiteLLM's own names and other providers': inside extra_body they are fields GigaChat does not know
    "organization", "azure_ad_token", "aws_bedrock_runtime_endpoint", "litellm_credential_name", "user_config",
    "model_list", "proxy_server_request", "secret_fields", "litellm_params", "model_info", "deployment_id",
    "shared_session", "client", "http_client", "custom_provider_map", "custom_llm_provider", "hf_model_name",
)  # fmt: skip
FEW = (
    "api_base", "base_url", "api_key", "gigachat_auth_url", "auth_url", "gigachat_access_token", "gigachat_credentials",
    "gigachat_verify_ssl_certs", "ssl_verify", "ca_bundle_file", "proxy", "Authorization",
)  # fmt: skip
OFF = {name for name in FIELDS if "verify" in name} | {"trust_env"}


@pytest.fixture(autouse=True)
def nothing_leaves(sandbox, rogue, http):
    """After each test: nobody called the rogue, every answer was free of secrets, GigaChat got its own credentials."""
    answers: list[str] = []
    http.event_hooks["response"].append(lambda response: answers.append(response.read().decode(errors="replace")))
    tokens = sandbox.world.office._tokens
    yield
    assert rogue.heard == []
    secrets = [sandbox.credentials, sandbox.client_secret, *tokens]
    assert not [answer for answer in answers if any(secret in answer for secret in secrets)]
    assert not any(rogue.url in json.dumps(record.json) for record in sandbox.requests)


def value_of(name, rogue):
    return False if name in OFF else {"api_base": rogue.url} if name == "litellm_params" else rogue.url


def judged(answer, sandbox, name, rogue):
    """Refused before anything was sent, or answered by the sandbox as if the field were not there."""
    if answer.status_code != 200:
        assert sandbox.requests == [], name
        assert "error" in answer.json(), (name, answer.text)
        return
    for record in sandbox.requests:
        assert rogue.url not in record.body.decode(errors="replace"), name
        assert name not in (record.json or {}), name
    sandbox.clear()


@pytest.mark.parametrize("where", ["top", "extra_body", "extra_body.extra_body"])
def test_fields(http, sandbox, rogue, where):
    refused = []
    names = {"top": FIELDS + OTHERS, "extra_body": FIELDS}.get(where, FEW)
    for name in names:
        more = {name: value_of(name, rogue)}
        for _ in range(where.count("extra_body")):
            more = {"extra_body": more}
        answer = http.post("/v1/chat/completions", json={"model": "gigachat-pro", "messages": HI, **more})
        if answer.status_code != 200:
            refused.append(name)
        judged(answer, sandbox, name, rogue)
    needed = {name for name in names if name.startswith("gigachat_")}
    assert needed <= set(refused)


@pytest.mark.parametrize(
    "place",
    [
        "metadata", "litellm_metadata", "litellm_params", "headers", "extra_headers", "default_headers", "extra_query",
        "model_info", "proxy_server_request", "router_settings_override", "litellm_embedding_config", "user_config",
        "stream_options", "provider_options",
    ],
)  # fmt: skip
def test_fields_in_other_places(http, sandbox, rogue, place):
    for name in FEW:
        body = {"model": "gigachat-pro", "messages": HI, place: {name: value_of(name, rogue)}}
        judged(http.post("/v1/chat/completions", json=body), sandbox, name, rogue)
    everything = {name: value_of(name, rogue) for name in FIELDS + OTHERS}
    body = {"model": "gigachat-pro", "messages": HI, place: everything}
    judged(http.post("/v1/chat/completions", json=body), sandbox, place, rogue)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"model": "gigachat-pro", "max_tokens": 9, "messages": HI}),
        ("/v1/responses", {"model": "gigachat-pro", "input": "hi"}),
        ("/v1/completions", {"model": "gigachat-pro", "prompt": "hi"}),
        ("/v1/embeddings", {"model": "gigachat-embeddings", "input": "hi"}),
        ("/v1/images/generations", {"model": "gigachat-pro", "prompt": "Нарисуй кота"}),
    ],
)
def test_other_endpoints(http, sandbox, rogue, path, body):
    for name in FEW:
        for more in ({name: value_of(name, rogue)}, {"extra_body": {name: value_of(name, rogue)}}):
            judged(http.post(path, json={**body, **more}), sandbox, name, rogue)
    for header in ("Authorization", "Host", "X-Forwarded-Host"):
        judged(http.post(path, json={**body, "extra_headers": {header: rogue.url}}), sandbox, header, rogue)


@pytest.mark.parametrize(
    "model", ["openai/x", "openai/gigachat", "gigachat_ext/GigaChat-2", "http://127.0.0.1:1/gigachat"]
)
def test_models_with_another_prefix(http, sandbox, rogue, model):
    for more in ({}, {"api_base": rogue.url}, {"custom_llm_provider": "openai", "api_key": "sk-x"}):
        answer = http.post("/v1/chat/completions", json={"model": model, "messages": HI, **more})
        assert answer.status_code in (400, 401, 403, 404), answer.text
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "fallback",
    [
        {"model": "gigachat/GigaChat-2", "api_base": "ROGUE"},
        {"model": "openai/x", "api_base": "ROGUE", "api_key": "sk-x"},
        {"model": "gigachat-pro", "gigachat_auth_url": "ROGUE"},
        {"model": "gigachat-pro", "extra_body": {"gigachat_auth_url": "ROGUE"}},
        {"model": "gigachat-pro", "litellm_params": {"api_base": "ROGUE"}},
        {"model": "gigachat-pro", "ssl_verify": False},
        {"gigachat-pro": [{"model": "gigachat/GigaChat-2", "api_base": "ROGUE"}]},
        "openai/ROGUE",
    ],
)
@pytest.mark.parametrize("kind", ["fallbacks", "context_window_fallbacks"])
def test_fallbacks_of_the_client(http, sandbox, rogue, fallback, kind):
    fallback = json.loads(json.dumps(fallback).replace("ROGUE", rogue.url))
    sandbox.fail_next(status=413 if kind != "fallbacks" else 403)
    answer = http.post(
        "/v1/chat/completions", json={"model": "gigachat-pro", "messages": HI, kind: [fallback], "num_retries": 0}
    )
    assert answer.status_code in (200, 400, 401, 403, 404, 413), answer.text


def test_headers_of_the_client_stay_here(http, sandbox):
    headers = {
        "Authorization": "Bearer mine",
        "X-Client-ID": "somebody-else",
        "X-Session-ID": "chosen",
        "X-Request-ID": "chosen",
        "Cookie": "a=b",
        "X-GigaChat-Auth-URL": "http://127.0.0.1:1",
        "x-litellm-api-base": "http://127.0.0.1:1",
        "x-pass-authorization": "Bearer mine",
    }
    answer = http.post("/v1/chat/completions", json={"model": "gigachat-pro", "messages": HI}, headers=headers)
    assert answer.status_code == 200
    (record,) = sandbox.chat_requests
    assert "mine" not in json.dumps(record.headers)
    assert not {"cookie", "x-client-id", "x-gigachat-auth-url", "x-litellm-api-base"} & set(record.headers)
    assert record.headers.get("x-session-id") != "chosen"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"])
def test_pictures_are_not_fetched_from_this_machine(http, sandbox, rogue, host):
    url = f"http://{host}:{rogue.port}/cat.png"
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    body = {"model": "gigachat-pro", "messages": [{"role": "user", "content": parts}]}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400, answer.text
    assert sandbox.chat_requests == []


@pytest.mark.parametrize("model", ["GigaChat-2", "gigachat-pro", "gigachat/GigaChat-2-Pro", None])
@pytest.mark.parametrize("endpoint", ["chat/completions", "embeddings", "@127.0.0.1:1/", "../oauth"])
def test_the_pass_through_route_is_closed(http, sandbox, rogue, model, endpoint):
    """LiteLLM's /gigachat/… route would fetch a token by the built-in's way, with certificate checks off."""
    harmless = {"messages": HI, "input": "hi", **({"model": model} if model else {})}
    for body in (harmless, {**harmless, "gigachat_auth_url": rogue.url, "api_base": rogue.url, "api_key": "x"}):
        answer = http.post(f"/gigachat/{endpoint}", json=body)
        assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert sandbox.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_pass_through_route_is_closed_for_other_methods(http, sandbox, method):
    assert http.request(method, "/gigachat/models").status_code == 403
    assert sandbox.requests == []


def test_the_closed_route_says_so(http, sandbox):
    for body in ({"model": "GigaChat-2", "messages": HI}, {"model": "gigachat-pro", "messages": HI}):
        answer = http.post("/gigachat/chat/completions", json=body)
        assert answer.status_code == 403
        assert "/gigachat/ pass-through is closed: use /v1/chat/completions" in answer.text
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/utils/transform_request", {"call_type": "completion", "request_body": {"model": "gigachat/GigaChat-2-Pro"}}),
        ("/health/test_connection", {"litellm_params": {"model": "gigachat/GigaChat-2-Pro"}}),
        ("/model/new", {"model_name": "mine", "litellm_params": {"model": "gigachat/GigaChat-2-Pro"}}),
        ("/config/update", {"litellm_settings": {"ssl_verify": False}}),
        ("/credentials", {"credential_name": "a", "credential_values": {}, "credential_info": {}}),
        ("/config/pass_through_endpoint", {"path": "/mine"}),
    ],
)
def test_endpoints_for_administrators(http, sandbox, rogue, path, body):
    """Without a client key everybody is an administrator; without a database none of these may do anything."""
    body = json.loads(json.dumps(body))
    for inner in (body, body.get("litellm_params"), body.get("request_body"), body.get("credential_values")):
        if inner is not None:
            inner.update(api_base=rogue.url, messages=HI, gigachat_auth_url=rogue.url, target=rogue.url)
    http.post(path, json=body)
    listed = [model["id"] for model in http.get("/v1/models").json()["data"]]
    assert listed == ["gigachat", "gigachat-pro", "gigachat-max", "gigachat-embeddings"]
    assert http.post("/v1/chat/completions", json={"model": "mine", "messages": HI}).status_code != 200
    assert sandbox.requests == []


def test_what_the_proxy_tells_about_itself(http, sandbox):
    for path in (
        "/v1/models", "/v1/model/info", "/health", "/health/readiness", "/settings", "/get/config/callbacks",
        "/config/yaml", "/metrics", "/active/callbacks",
    ):  # fmt: skip
        http.get(path)  # the fixture searches every answer for secrets
