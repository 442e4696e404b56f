"""Each refusal of the v1 judge, word for word."""

from __future__ import annotations

import pytest

from litellm_gigachat_provider.sandbox.rules.validate import Refusal, validate_chat_v1

MODELS = ("GigaChat", "GigaChat-2-Max")
USER = {"role": "user", "content": "Hi"}
CALL = {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": {"a": 1}}}
RESULT = {"role": "function", "name": "f", "content": '{"ok":true}'}
F = {"name": "f", "parameters": {"type": "object", "properties": {}}}
SYNTAX = "Your request contains invalid JSON syntax."
NEED_RESULT = "Invalid params: every assistant function call must have a result in history"
NEED_CALL = "Invalid params: every assistant function result must have an assistant function call in history"
SYSTEM = "Invalid params: system message must be the first message"


def judge(**fields):
    validate_chat_v1({"model": "GigaChat", "messages": [USER], **fields}, MODELS)


def refusal(**fields):
    with pytest.raises(Refusal) as caught:
        judge(**fields)
    return caught.value.status, caught.value.message


def parameters(**properties):
    return {"name": "f", "parameters": {"type": "object", "properties": properties}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": [{"role": "system", "content": "Be brief"}, USER, CALL, RESULT]},
        {"messages": [USER, USER, {"role": "assistant", "content": "Hello"}, USER]},
        {"messages": [USER, {**CALL, "functions_state_id": "any"}, RESULT, CALL, RESULT, USER]},
        {"functions": [F], "function_call": "auto"},
        {"functions": [F], "function_call": {"name": "f"}},
        {"functions": [F], "function_call": "none"},
        {"function_call": "auto"},
        {"functions": [{"name": "text2image"}], "function_call": {"name": "text2image"}},
        {"temperature": 0.0009, "top_p": 0, "max_tokens": 1, "repetition_penalty": 1.0, "update_interval": 0},
        {"max_tokens": None, "temperature": 3},
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "json_schema", "schema": {"type": "object", "required": []}, "strict": True}},
        {"response_format": {"type": "json_schema", "schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}}},
        {"response_format": {"type": "regex", "regex": "[a-z]+"}},
        {"reasoning_effort": "low", "profanity_check": False, "flags": ["x"]},
        {"storage": {"thread_id": "t"}, "function_ranker": {"enabled": True, "top_n": 2}},
    ],
)
def test_accepted(fields):
    judge(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": 1},
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"content": "Hi"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        {"messages": [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": {}}}, RESULT]},
        {"messages": [USER, {**CALL, "function_call": {"name": "f", "arguments": "{}"}}, RESULT]},
        {"messages": [USER, {**CALL, "function_call": {"arguments": {}}}, RESULT]},
        {"messages": [USER, CALL, {**RESULT, "content": {"ok": True}}]},
        {"messages": [{**USER, "attachments": "id"}]},
        {"messages": [{**USER, "attachments": [1]}]},
        {"messages": [{**CALL, "functions_state_id": None}, RESULT]},
        {"functions": {}},
        {"functions": [{"parameters": {}}]},
        {"functions": [{**F, "description": None}]},
        {"functions": [{**F, "parameters": []}]},
        {"functions": [{**F, "few_shot_examples": [{"request": "x"}]}]},
        {"function_call": {"name": None}},
        {"function_call": None},
        {"temperature": "1"},
        {"temperature": None},
        {"temperature": True},
        {"max_tokens": 1.5},
        {"stream": "true"},
        {"stream": None},
        {"response_format": "text"},
        {"response_format": {}},
        {"reasoning_effort": 1},
    ],
)
def test_wrong_json_types(fields):
    assert refusal(**fields) == (400, SYNTAX)


@pytest.mark.parametrize("body", [None, [], "x", {"model": "GigaChat"}, {"messages": [USER]}])
def test_wrong_bodies(body):
    with pytest.raises(Refusal) as caught:
        validate_chat_v1(body, MODELS)
    assert (caught.value.status, caught.value.message) == (400, SYNTAX)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": []}, "Invalid params: messages must not be empty"),
        ({"messages": [USER, {"role": "system", "content": "x"}]}, SYSTEM),
        ({"messages": [{"role": "system", "content": "x"}, {"role": "system", "content": "y"}, USER]}, SYSTEM),
        (
            {"messages": [{"role": "developer", "content": "x"}]},
            "Invalid params: unknown role developer in messages[0]",
        ),
        ({"messages": [{"role": "tool", "content": "{}"}]}, "Invalid params: unknown role tool in messages[0]"),
        ({"messages": [USER, CALL]}, NEED_RESULT),
        ({"messages": [USER, CALL, USER]}, NEED_RESULT),
        ({"messages": [USER, CALL, CALL, RESULT]}, NEED_RESULT),
        ({"messages": [USER, CALL, USER, RESULT]}, NEED_RESULT),
        ({"messages": [USER, RESULT]}, NEED_CALL),
        ({"messages": [USER, CALL, RESULT, RESULT]}, NEED_CALL),
        ({"messages": [USER, CALL, {**RESULT, "name": "g"}]}, NEED_CALL),
        (
            {"messages": [USER, CALL, {**RESULT, "content": "sunny"}]},
            "INVALID_PARAMS: invalid function result for function f json string `sunny`, "
            "error: JSON parse error at line 1 column 1",
        ),
        (
            {"messages": [USER, CALL, {**RESULT, "content": "[1]"}]},
            "INVALID_PARAMS: function content must contain FunctionResult",
        ),
        (
            {"messages": [USER, CALL, {"role": "function", "content": "{}"}]},
            "Invalid params: messages[2].name is required for a function message",
        ),
        ({"temperature": 0}, "Invalid params: temperature must be in range (0, +inf)"),
        ({"temperature": -1}, "Invalid params: temperature must be in range (0, +inf)"),
        ({"top_p": 1.1}, "Invalid params: top_p must be in range [0, 1]"),
        ({"max_tokens": 0}, "Invalid params: max_tokens must be in range (0, +inf)"),
        ({"repetition_penalty": 0}, "Invalid params: repetition_penalty must be in range (0, +inf)"),
        ({"update_interval": -1}, "Invalid params: update_interval must be in range [0, +inf)"),
        ({"reasoning_effort": "minimal"}, "Invalid params: reasoning_effort must be one of low, medium, high"),
        (
            {"functions": [F], "function_call": "required"},
            'Invalid params: function_call must be "none", "auto" or {"name": "<function>"}',
        ),
        ({"functions": [F], "function_call": {"name": "g"}}, "Invalid params: function_call names unknown function g"),
        (
            {"functions": [{**F, "name": "bad name"}, {**F, "name": "1st"}, F]},
            "Invalid params: Invalid function names. Only Latin letters (A-Z or a-z), underscore (_), hyphen (-), "
            "dot (.) and digits (not leading) are allowed.: [bad name, 1st]",
        ),
        ({"functions": [F, F]}, "Invalid params: function names must be unique: f"),
        ({"functions": [{**F, "name": "web_search"}]}, "Invalid params: function name web_search is reserved"),
        ({"functions": [{**F, "name": "text2image"}]}, "Invalid params: function name text2image is reserved"),
        ({"functions": [{**F, "strict": True}]}, "Invalid params: unknown field functions[0].strict"),
        ({"response_format": {"type": "text", "x": 1}}, "Invalid params: unknown field response_format.x"),
        (
            {"response_format": {"type": "json_schema", "schema": {"type": "object"}, "strict": True}},
            "Invalid params: response_format.schema must have required when strict is true",
        ),
        (
            {"response_format": {"type": "json_schema", "schema": {"type": "object"}, "name": "n"}},
            "Invalid params: unknown field response_format.name",
        ),
        ({"messages": [{**USER, "name": "bob"}]}, "Invalid params: unknown field messages[0].name"),
        (
            {"messages": [USER, CALL, {**RESULT, "functions_state_id": "x"}]},
            "Invalid params: unknown field messages[2].functions_state_id",
        ),
        ({"storage": {"x": 1}}, "Invalid params: unknown field storage.x"),
    ],
)
def test_refused_params(fields, message):
    assert refusal(**fields) == (422, message)


@pytest.mark.parametrize(
    "name",
    ["tools", "tool_choice", "stop", "n", "seed", "stream_options", "logprobs", "user", "metadata", "extra_body"],
)
def test_fields_that_are_not_gigachats(name):
    assert refusal(**{name: 1}) == (422, f"Invalid params: unknown field {name}")
    warnings = []
    validate_chat_v1({"model": "GigaChat", "messages": [USER], name: 1}, MODELS, strict_fields=False, warnings=warnings)
    assert warnings == [f"unknown field {name}"]


@pytest.mark.parametrize(
    ("response_format", "message"),
    [
        ({"type": "json_object"}, 'Unknown type "json_object" in response_format'),
        ({"type": "xml"}, 'Unknown type "xml" in response_format'),
        ({"type": "json_schema"}, "Empty schema with json format type is not supported"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "Empty schema with json format type is not supported"),
    ],
)
def test_response_formats(response_format, message):
    assert refusal(response_format=response_format) == (400, message)


@pytest.mark.parametrize(
    "function",
    [
        {"name": "f"},
        {"name": "f", "parameters": {}},
        {"name": "f", "parameters": {"type": "object"}},
        {"name": "f", "parameters": {"type": "string"}},
        {"name": "f", "parameters": {"type": "object", "properties": {}, "$defs": {}}},
        parameters(a={"$ref": "#/$defs/a"}),
        parameters(a={"anyOf": [{"type": "string"}]}),
        parameters(a={"oneOf": [{"type": "string"}]}),
        parameters(a={"type": "string", "allOf": []}),
        parameters(a={"type": ["string", "null"]}),
        parameters(a={"description": "no type"}),
        parameters(a={"type": "object"}),
        parameters(a={"type": "array"}),
        parameters(a={"type": "array", "items": [{"type": "string"}]}),
        parameters(a={"type": "array", "items": {"type": "object"}}),
        parameters(a={"type": "integer", "enum": [1, 2]}),
        parameters(a={"type": "string", "enum": ["x", "x"]}),
        parameters(a={"type": "string", "format": "email"}),
        parameters(a={"type": "STRING"}),
        parameters(a=True),
        {**F, "return_parameters": {"type": "string"}},
    ],
)
def test_schemas(function):
    assert refusal(functions=[function]) == (422, "Unprocessable Entity")


def test_the_reason_names_the_place():
    with pytest.raises(Refusal) as caught:
        judge(functions=[parameters(a={"type": "object", "properties": {"b": {"type": "array"}}})])
    assert (
        caught.value.reason == "functions[0].parameters.properties.a.properties.b: an array needs items as one schema"
    )


def test_good_schema_with_everything():
    judge(
        functions=[
            {
                "name": "_a.b-c1",
                "description": "d",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "s": {"type": "string", "enum": ["a", "b"], "default": "a"},
                        "d": {"type": "string", "format": "date"},
                        "l": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}},
                        "m": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
                    },
                    "required": ["s"],
                    "additionalProperties": False,
                },
                "few_shot_examples": [{"request": "x", "params": {"s": "a"}}],
                "return_parameters": {"type": "object", "properties": {"t": {"type": "integer", "minimum": 0}}},
            }
        ]
    )


def test_unknown_model_comes_after_types_and_before_params():
    assert refusal(model="GigaChat-9", temperature=0) == (404, "No such model")
    assert refusal(model="GigaChat-9", temperature="0") == (400, SYNTAX)


def test_models_without_functions():
    with pytest.raises(Refusal) as caught:
        validate_chat_v1(
            {"model": "GigaChat", "messages": [USER], "functions": [F]}, MODELS, models_without_functions=["GigaChat"]
        )
    assert (caught.value.status, caught.value.message) == (422, "Requested model does not support functions")


def test_images_one_a_message_ten_a_request():
    def judge_images(per_message):
        messages = [{**USER, "attachments": [str(number) for number in range(count)]} for count in per_message]
        validate_chat_v1({"model": "GigaChat", "messages": messages}, MODELS, files=lambda file_id: "image/png")

    judge_images([1] * 10)
    with pytest.raises(Refusal, match="only 1 image per message"):
        judge_images([2])
    with pytest.raises(Refusal, match="no more than 10 images per request"):
        judge_images([1] * 11)
