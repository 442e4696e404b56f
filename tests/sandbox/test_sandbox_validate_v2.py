"""Each refusal of the v2 judge."""

from __future__ import annotations

import pytest

from litellm_gigachat_provider.sandbox.rules.validate_v2 import Refusal, validate_chat_v2

MODELS = ("GigaChat-2-Max",)
USER = {"role": "user", "content": [{"text": "Hi"}]}


def call(name="f", **arguments):
    return {"function_call": {"name": name, "arguments": arguments}}


def result(name="f", value=None):
    return {"function_result": {"name": name, "result": {"ok": True} if value is None else value}}


def assistant(*parts, **more):
    return {"role": "assistant", "content": list(parts), **more}


def tool(*parts, **more):
    return {"role": "tool", "content": list(parts), **more}


F = {"name": "f", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"functions": {"specifications": [F]}}]
SYNTAX = "Your request contains invalid JSON syntax."
NEED_RESULT = "Invalid params: every assistant function call must have a result in history"
NEED_CALL = "Invalid params: every assistant function result must have an assistant function call in history"


def judge(**fields):
    validate_chat_v2(
        {"model": "GigaChat-2-Max", "messages": [USER], **fields}, MODELS, unavailable_tools=["code_interpreter"]
    )


def refusal(**fields):
    with pytest.raises(Refusal) as caught:
        judge(**fields)
    return caught.value.status, caught.value.message


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": [{"role": "system", "content": [{"text": "x"}]}, USER]},
        {"messages": [USER, assistant(call(a=1), tools_state_id="s"), tool(result(), tools_state_id="s")]},
        {"messages": [USER, assistant({"text": "Let me see"}, call(), call("g")), tool(result()), tool(result("g"))]},
        {"messages": [USER, assistant(call(), call("g")), tool(result("g"), result())]},
        {"messages": [USER, assistant(call(), call()), tool(result()), tool(result())]},
        {"messages": [USER, assistant(call()), {"role": "function", "content": [result()]}]},
        {"messages": [USER, assistant(call()), tool(result(value='{"a":1}'))]},
        {"messages": [{"role": "user", "content": [{"text": "see"}, {"files": [{"id": "x"}]}]}]},
        {"tools": TOOLS, "tool_config": {"mode": "auto"}},
        {"tools": TOOLS, "tool_config": {"mode": "none"}},
        {"tools": TOOLS, "tool_config": {"mode": "forced", "function_name": "f"}},
        {"tools": [{"web_search": {"type": "t"}}], "tool_config": {"mode": "forced", "tool_name": "web_search"}},
        {"tools": [*TOOLS, {"url_content_extraction": {}}, {"image_generate": {}}, {"model_3d_generate": {}}]},
        {"model_options": {"temperature": 0.1, "top_p": 0, "max_tokens": 9, "reasoning": {"effort": "low"}}},
        {"model_options": {"response_format": {"type": "regex", "regex": "[A-Z]+"}, "top_logprobs": 5}},
        {"disable_filter": True, "user_info": {"timezone": "Europe/Moscow"}, "storage": {}, "flags": []},
        {"ranker_options": {"enabled": True, "top_n": 3}, "filter_config": {"request_content": {"neuro": True}}},
    ],
)
def test_accepted(fields):
    judge(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        {"messages": [{"role": "user", "content": [{"text": 1}]}]},
        {"messages": [{"role": "user", "content": [{"files": ["id"]}]}]},
        {"messages": [USER, assistant({"function_call": {"name": "f", "arguments": "{}"}}), tool(result())]},
        {"messages": [USER, assistant(call()), tool({"function_result": {"result": {}}})]},
        {"messages": [USER, assistant(call()), {"role": "tool", "content": '{"ok":true}'}]},
        {"messages": [USER, assistant(call(), tools_state_id=None), tool(result())]},
        {"model_options": []},
        {"model_options": {"temperature": "1"}},
        {"tools": {}},
        {"tools": [{"functions": []}]},
        {"tools": [{"functions": {"specifications": {}}}]},
        {"stream": 1},
        {"tool_config": "auto"},
        {"model": None},
    ],
)
def test_wrong_json_types(fields):
    assert refusal(**fields) == (400, SYNTAX)


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"model": "GigaChat-9"}, 404, "No such model"),
        ({"temperature": 0.5}, 422, "Invalid params: unknown field temperature"),
        ({"functions": []}, 422, "Invalid params: unknown field functions"),
        ({"model_options": {"stop": 1}}, 422, "Invalid params: unknown field model_options.stop"),
        ({"model_options": {"temperature": 0}}, 422, "Invalid params: temperature must be in range (0, +inf)"),
        ({"model_options": {"top_logprobs": 6}}, 422, "Invalid params: top_logprobs must be in range [1, 5]"),
        (
            {"model_options": {"reasoning": {"effort": "none"}}},
            422,
            "Invalid params: model_options.reasoning.effort must be one of low, medium, high",
        ),
        (
            {"model_options": {"response_format": {"type": "json_object"}}},
            400,
            'Unknown type "json_object" in response_format',
        ),
        (
            {"model_options": {"response_format": {"type": "json_schema"}}},
            400,
            "Empty schema with json format type is not supported",
        ),
        ({"tools": [{"url_extraction": {}}]}, 404, "Unknown tool url_extraction"),
        ({"tools": [{"code_interpreter": {}}]}, 422, "Tool code_interpreter is unavailable"),
        ({"tools": [{}]}, 422, "Invalid params: tools[0] must have exactly one key"),
        ({"tools": [*TOOLS, *TOOLS]}, 422, "Invalid params: function names must be unique: f"),
        ({"tools": [{"functions": {"specifications": [{"name": "f"}]}}]}, 422, "Unprocessable Entity"),
        (
            {"tool_config": {"mode": "required"}},
            422,
            "Invalid params: tool_config.mode must be one of auto, none, forced",
        ),
        (
            {"tools": TOOLS, "tool_config": {"mode": "forced"}},
            422,
            "Invalid params: tool_config with mode forced needs exactly one of function_name, tool_name",
        ),
        (
            {"tools": TOOLS, "tool_config": {"mode": "forced", "function_name": "g"}},
            422,
            "Invalid params: tool_config names unknown function g",
        ),
        (
            {"tools": TOOLS, "tool_config": {"mode": "auto", "function_name": "f"}},
            422,
            "Invalid params: tool_config.function_name needs mode forced",
        ),
        ({"tool_config": {"mode": "forced", "tool_name": "x"}}, 404, "Unknown tool x"),
        ({"messages": []}, 422, "Invalid params: messages must not be empty"),
        ({"messages": [{"role": "user", "content": []}]}, 422, "Invalid params: messages[0].content must not be empty"),
        (
            {"messages": [USER, {"role": "system", "content": [{"text": "x"}]}]},
            422,
            "Invalid params: system message must be the first message",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x", "files": []}]}]},
            422,
            "Invalid params: messages[0].content[0] must have exactly one key",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            422,
            "Invalid params: unknown part type in messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "user", "content": [call()]}]},
            422,
            "Invalid params: part function_call is not allowed for role user in messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "reasoning", "content": [{"text": "x"}]}]},
            422,
            "Invalid params: unknown role reasoning in messages[0]",
        ),
        ({"messages": [{**USER, "name": "bob"}]}, 422, "Invalid params: unknown field messages[0].name"),
        ({"messages": [USER, assistant(call())]}, 422, NEED_RESULT),
        ({"messages": [USER, assistant(call(), call("g")), tool(result())]}, 422, NEED_RESULT),
        ({"messages": [USER, assistant(call(), call("g")), tool(result()), USER]}, 422, NEED_RESULT),
        ({"messages": [USER, tool(result())]}, 422, NEED_CALL),
        ({"messages": [USER, assistant(call()), tool(result("g"))]}, 422, NEED_CALL),
        (
            {"messages": [USER, assistant(call()), tool(result(value="sunny"))]},
            400,
            "invalid function result for function f json string sunny",
        ),
        (
            {"messages": [USER, assistant(call()), tool(result(value=[1]))]},
            400,
            "invalid function result for function f json string [1]",
        ),
    ],
)
def test_refused(fields, status, message):
    assert refusal(**fields) == (status, message)


def test_model_may_be_left_out_with_a_thread():
    validate_chat_v2({"messages": [USER], "storage": {"thread_id": "t"}}, MODELS)
    with pytest.raises(Refusal) as caught:
        validate_chat_v2({"messages": [USER]}, MODELS)
    assert caught.value.status == 400
