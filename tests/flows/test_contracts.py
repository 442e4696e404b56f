"""Which contract a call speaks, and what happens where v2 is not to be had."""

from __future__ import annotations

import litellm
import litellm.exceptions as x
import pytest
from sent import chats, sent
from ways import MODEL, WAYS, call

from litellm_gigachat_provider import GigaChatLLM, register
from litellm_gigachat_provider.flows import chat


@pytest.fixture(autouse=True)
def forget_hosts():
    chat._v2_refused.clear()
    yield
    chat._v2_refused.clear()


@pytest.mark.parametrize("way", WAYS)
def test_v1_is_the_default_and_a_call_may_choose(gigachat_sandbox, way):
    call(way)
    assert sent(gigachat_sandbox).contract == "v1"
    call(way, api_version="v2")
    assert sent(gigachat_sandbox).contract == "v2"


def test_a_deployment_may_choose(gigachat_sandbox):
    router = litellm.Router(
        model_list=[{"model_name": "two", "litellm_params": {"model": MODEL, "api_version": "v2"}}], num_retries=0
    )
    assert router.completion("two", [{"role": "user", "content": "hi"}]).choices[0].message.content
    assert sent(gigachat_sandbox).contract == "v2"


def test_the_constructor_wins(gigachat_sandbox, monkeypatch):
    monkeypatch.setattr(litellm, "custom_provider_map", [])
    register(GigaChatLLM(api_version="v2"), check=False)
    call("completion", api_version="v1")
    assert sent(gigachat_sandbox).contract == "v2"


def test_an_unknown_version_is_refused(gigachat_sandbox):
    with pytest.raises(x.BadRequestError, match="v1"):
        call("completion", api_version="v3")
    assert chats(gigachat_sandbox) == 0


def test_the_v2_address_can_be_set(gigachat_sandbox, monkeypatch):
    monkeypatch.setenv("GIGACHAT_CHAT_V2_URL", gigachat_sandbox.origin + "/api/v2/chat/completions")
    call("completion", api_version="v2")
    assert sent(gigachat_sandbox).path == "/api/v2/chat/completions"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [403, 404])
def test_v2_missing_is_a_clear_error(gigachat_sandbox, way, status):
    gigachat_sandbox.knobs.v2_available = False
    gigachat_sandbox.knobs.v2_missing_status = status
    expected = {403: x.PermissionDeniedError, 404: x.NotFoundError}[status]
    with pytest.raises(expected, match="api_version='v1'"):
        call(way, api_version="v2")
    assert [r.path for r in gigachat_sandbox.requests if "chat" in r.path] == ["/v2/chat/completions"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [403, 404])
def test_auto_goes_on_with_v1_and_remembers(gigachat_sandbox, way, status):
    gigachat_sandbox.knobs.v2_available = False
    gigachat_sandbox.knobs.v2_missing_status = status
    assert call(way, api_version="auto").content
    assert call(way, api_version="auto").content
    paths = [r.path for r in gigachat_sandbox.requests if "chat" in r.path]
    assert paths == ["/v2/chat/completions", "/v1/chat/completions", "/v1/chat/completions"]


def test_auto_uses_v2_where_it_is(gigachat_sandbox):
    assert call("completion", api_version="auto").content
    assert sent(gigachat_sandbox).contract == "v2"


def test_auto_does_not_hide_other_refusals(gigachat_sandbox):
    with pytest.raises(x.NotFoundError, match="No such model"):
        call("completion", model="gigachat/No-Such-Model", api_version="auto")
    assert chats(gigachat_sandbox) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("calls_in", ["delta", "done", "both"])
def test_calls_in_any_event_are_told_once(gigachat_sandbox, way, calls_in):
    gigachat_sandbox.knobs.v2_calls_in = calls_in
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    outcome = call(way, "What is the weather in Moscow?", api_version="v2", tools=[tool])
    assert [(c["name"], c["arguments"]) for c in outcome.tool_calls] == [("get_weather", '{"city":"Moscow"}')]


@pytest.mark.parametrize("way", WAYS)
def test_unlicensed_tool_is_refused_by_name(gigachat_sandbox, way):
    gigachat_sandbox.knobs.unavailable_tools = ("code_interpreter",)
    with pytest.raises(x.BadRequestError, match="code_interpreter is unavailable"):
        call(way, "2+2", api_version="v2", tools=[{"type": "code_interpreter"}])
