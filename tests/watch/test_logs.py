"""Debug logs show structure; no text, key or header value gets into any library's log."""

from __future__ import annotations

import asyncio
import json
import logging

import litellm
import pytest
from sent import sent
from ways import MODEL, call

from litellm_gigachat_provider.transport.auth import hush
from litellm_gigachat_provider.watch import logs

CANARY = "canary-text-7431"
OBJECT = json.dumps({CANARY: CANARY})
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": f"{CANARY} description",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": CANARY, "enum": [CANARY]},
                "days": {"type": "integer"},
            },
            "required": ["city"],
        },
    },
}
HISTORY = [
    {"role": "system", "content": CANARY},
    {"role": "user", "content": CANARY},
    {
        "role": "assistant",
        "content": CANARY,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": OBJECT}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": OBJECT},
]


def ours(caplog):
    return "\n".join(r.getMessage() for r in caplog.records if r.name == "litellm_gigachat_provider")


def test_the_mapped_request_as_structure(gigachat_sandbox, ask, caplog):
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"):
        outcome = ask(HISTORY, tools=[TOOL], user=CANARY, temperature=0.5, extra_headers={"X-Client-ID": CANARY})
    text = ours(caplog)
    assert CANARY not in text
    assert gigachat_sandbox.credentials not in text
    assert "/v1/chat/completions" in text
    assert '"role": "system"' in text
    assert f'"content": "<{len(CANARY)} chars>"' in text
    assert '"name": "get_weather"' in text
    assert '"parameters": {"city": "string", "days": "integer"}' in text
    assert '"arguments": "<1 items>"' in text
    assert '"temperature": 0.5' in text
    assert gigachat_sandbox.chat_requests[-1].headers["x-session-id"] in text
    assert "authorization" not in text.lower()
    assert "x-request-id" in text
    assert outcome.content not in text
    assert "stop" in text
    assert str(outcome.usage.completion_tokens) in text


@pytest.mark.parametrize("version", ["v2"])
def test_v2(gigachat_sandbox, ask, caplog, version):
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"):
        ask(HISTORY, tools=[TOOL], api_version=version)
    text = ours(caplog)
    assert CANARY not in text
    assert "/v2/chat/completions" in text
    assert "stop" in text


def test_embeddings_as_sizes(gigachat_sandbox, caplog):
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"):
        litellm.embedding(model="gigachat/Embeddings", input=[CANARY, CANARY])
    text = ours(caplog)
    assert CANARY not in text
    assert f"<2 texts, {2 * len(CANARY)} chars>" in text
    assert "<2 items>" in text


def test_failures_without_the_services_words(gigachat_sandbox, ask, caplog):
    gigachat_sandbox.fail_next("chat", status=422, body={"status": 422, "message": CANARY})
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"), pytest.raises(litellm.BadRequestError):
        ask("x")
    text = ours(caplog)
    assert CANARY not in text
    assert "BadRequestError: status 422" in text


def test_nothing_is_shaped_unless_asked_for(gigachat_sandbox, ask, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise AssertionError("shaped although DEBUG is off")

    monkeypatch.setattr(logs, "shape", fail)
    monkeypatch.setattr(logs, "outcome", fail)
    logging.getLogger("litellm_gigachat_provider").setLevel(logging.NOTSET)
    ask("x")
    assert ours(caplog) == ""


def test_shape_of_what_json_does_not_know():
    assert logs.shape({"content": object(), "n": 1, "x": {"a": ["b", None, True]}}) == {
        "content": "<object>",
        "n": 1,
        "x": {"a": ["<1 chars>", None, True]},
    }
    deep = []
    for _ in range(50):
        deep = [deep]
    assert "<1 items>" in str(logs.shape(deep))


@pytest.mark.parametrize("way", ["completion", "acompletion", "stream", "astream"])
def test_no_library_logs_the_token(gigachat_sandbox_tls, caplog, way):
    """Everything at DEBUG, over HTTP/2 where streams use it."""
    token = gigachat_sandbox_tls.issue_token()
    names = ("hpack.hpack", "hpack.table", "httpcore", "httpx", "h2")
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            call(way, CANARY, MODEL, api_key=token)
    finally:
        for name in names:
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert gigachat_sandbox_tls.chat_requests[-1].headers["authorization"].startswith("Bearer ")
    foreign = [r for r in caplog.records if not r.name.startswith("LiteLLM")]
    assert [r.name for r in foreign if token in r.getMessage() or r.name.startswith("hpack")] == []


def test_hushing_twice_adds_one_filter_and_keeps_warnings(caplog):
    hush()
    hush()
    logger = logging.getLogger("hpack.hpack")
    assert len(logger.filters) == 1
    with caplog.at_level(logging.DEBUG):
        logger.debug("header")
        logger.warning("a warning")
    assert [r.getMessage() for r in caplog.records if r.name == "hpack.hpack"] == ["a warning"]


def test_filter_is_what_keeps_it_quiet(gigachat_sandbox_tls, caplog):
    """Without the filter hpack does log the token: the day it stops, the filter can go."""
    pytest.importorskip("h2")
    import httpx

    async def ask(token):
        async with httpx.AsyncClient(http2=True, verify=gigachat_sandbox_tls.ca_file) as client:
            return await client.get(
                f"{gigachat_sandbox_tls.base_url}/models", headers={"Authorization": f"Bearer {token}"}
            )

    logger = logging.getLogger("hpack.hpack")
    filters, logger.filters = logger.filters, []
    try:
        with caplog.at_level(logging.DEBUG):
            response = asyncio.run(ask(gigachat_sandbox_tls.issue_token()))
    finally:
        logger.filters = filters
    assert response.http_version == "HTTP/2"
    assert any("Bearer" in r.getMessage() for r in caplog.records if r.name == "hpack.hpack")


def test_a_capped_max_tokens_is_told(gigachat_sandbox, contract, ask, caplog):
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"):
        ask(max_tokens=100_000)
    assert "max_tokens 100000 sent as 8192, the longest answer of GigaChat-2-Max" in ours(caplog).splitlines()
    assert sent(gigachat_sandbox).options == {"max_tokens": 8192}
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="litellm_gigachat_provider"):
        ask(max_tokens=8192)
    assert "sent as" not in ours(caplog)
