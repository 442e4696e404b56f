"""``response_format``: native, by a function, by instruction; on both contracts, with and without tools."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from request_helpers import HELLO, assistant, body, call, read, result, tool

from litellm_gigachat_provider.errors import InvalidRequestError, UnsupportedParamError
from litellm_gigachat_provider.request.structured import JSON_HINT
from litellm_gigachat_provider.types import Structured

ULTRA = "GigaChat-3-Ultra"
SCHEMA = {
    "title": "Answer",
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "to": {"$ref": "#/$defs/To"}},
    "required": ["n"],
    "$defs": {"To": {"type": "string", "format": "email"}},
}
INLINED = {
    "title": "Answer",
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "to": {"type": "string", "format": "email"}},
    "required": ["n"],
}
SIMPLE = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "to": {"type": "string", "description": "Format: email."}},
    "required": ["n"],
}
OPENAI = {"type": "json_schema", "json_schema": {"name": "the answer", "schema": SCHEMA, "strict": True}}
FLAT = {"type": "json_schema", "schema": SCHEMA, "strict": True}
NATIVE = {"type": "json_schema", "schema": INLINED, "strict": True}
F = tool("f")


@pytest.mark.parametrize("form", [OPENAI, FLAT])
def test_native_on_v1(form):
    assert body(model=ULTRA, response_format=form) == {"model": ULTRA, "messages": HELLO, "response_format": NATIVE}
    request = read(model=ULTRA, response_format=form)
    assert request.structured == Structured("native", schema=SCHEMA, strict=True, wire=INLINED)


def test_native_on_v2():
    found = body(contract="v2", response_format=OPENAI)
    assert found["model_options"] == {"response_format": NATIVE}
    assert "tools" not in found


def test_by_a_function_on_v1():
    assert body(response_format=OPENAI) == {
        "model": "GigaChat-2-Max",
        "messages": HELLO,
        "functions": [
            {
                "name": "the_answer",
                "description": "Gives the final answer to the user in the required structure.",
                "parameters": SIMPLE,
            }
        ],
        "function_call": {"name": "the_answer"},
    }
    request = read(response_format=OPENAI)
    assert request.structured == Structured("function", schema=SCHEMA, strict=True, function="the_answer")
    assert request.names == {}


def test_the_way_can_be_chosen():
    assert body(response_format=OPENAI, gigachat_structured="native")["response_format"] == NATIVE
    found = body(model=ULTRA, response_format=OPENAI, gigachat_structured="function")
    assert found["function_call"] == {"name": "the_answer"}
    assert "gigachat_structured" not in found
    with pytest.raises(InvalidRequestError, match="gigachat_structured"):
        read(response_format=OPENAI, gigachat_structured="magic")


def test_beside_tools_the_function_is_offered_with_an_instruction():
    found = body([{"role": "system", "content": "Be brief."}, *HELLO], tools=[F], response_format=OPENAI, model=ULTRA)
    assert [function["name"] for function in found["functions"]] == ["f", "the_answer"]
    assert found["function_call"] == "auto"
    hint = "Give the final answer only by calling the function the_answer, never as plain text."
    assert found["messages"] == [{"role": "system", "content": f"Be brief.\n{hint}"}, *HELLO]
    assert "response_format" not in found


def test_a_forced_tool_stays_forced():
    found = body(tools=[F], tool_choice={"type": "function", "function": {"name": "f"}}, response_format=OPENAI)
    assert found["function_call"] == {"name": "f"}


def test_without_tools_to_call_the_function_is_forced():
    found = body(tools=[F], tool_choice="none", response_format=OPENAI)
    assert [function["name"] for function in found["functions"]] == ["the_answer"]
    assert found["function_call"] == {"name": "the_answer"}


@pytest.mark.parametrize("form", [OPENAI, {"type": "json_object"}])
@pytest.mark.parametrize("more", [{}, {"gigachat_structured": "native"}])
def test_a_required_call_leaves_no_answer_to_be_formatted(form, more):
    tools = [F, tool("g")]
    found = body(tools=tools, tool_choice="required", response_format=form, **more)
    assert found == body(tools=tools)
    assert read(tools=tools, tool_choice="required", response_format=form, **more).structured is None
    with pytest.raises(InvalidRequestError, match="response_format"):
        body(tools=tools, tool_choice="required", response_format={"type": "xml"})


def test_function_results_in_history_rule_native_out():
    messages = [*HELLO, assistant(call("a")), result("a")]
    assert body(messages, model=ULTRA, response_format=OPENAI)["function_call"] == {"name": "the_answer"}


def test_a_document_can_be_read_before_the_answer():
    document = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "abc"}}]}]
    found = body(document, response_format=OPENAI)
    assert [function["name"] for function in found["functions"]] == ["the_answer", "get_file_content"]
    assert found["function_call"] == "auto"
    assert "the_answer" in found["messages"][0]["content"]


def test_the_name_yields_to_the_tools():
    request = read(tools=[tool("the_answer")], response_format=OPENAI)
    assert request.structured is not None
    assert request.structured.function not in ("the_answer", None)
    assert request.structured.function == request.functions[-1].name


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"type": "integer"}}),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"$ref": "#/$defs/N", "$defs": {"N": {"type": "number"}}}, {"type": "number"}),
    ],
)
def test_a_root_that_is_no_object_is_wrapped_for_the_function(given, expected):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": given}}
    (function,) = body(response_format=form)["functions"]
    assert function["parameters"] == {"type": "object", "properties": {"value": expected}, "required": ["value"]}
    request = read(response_format=form)
    assert request.structured == Structured("function", schema=given, function="x", wrap="value")


def test_strict_without_required_asks_for_everything():
    form = {"type": "json_schema", "strict": True, "schema": {"type": "object", "properties": {"a": {}, "b": {}}}}
    assert body(contract="v2", response_format=form)["model_options"]["response_format"] == {
        "type": "json_schema",
        "schema": {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
        "strict": True,
    }
    assert "required" not in form["schema"]


@pytest.mark.parametrize("contract", ["v1", "v2"])
def test_json_object_is_an_instruction(contract):
    request = read(contract=contract, response_format={"type": "json_object"})
    assert request.structured == Structured("prompt")
    assert request.turns[0].text == JSON_HINT
    found = body(contract=contract, response_format={"type": "json_object"})
    assert "response_format" not in found
    assert "response_format" not in found.get("model_options", {})


def test_json_object_with_a_schema_is_a_schema():
    form = {"type": "json_object", "schema": SCHEMA}
    assert body(contract="v2", response_format=form)["model_options"]["response_format"]["schema"] == INLINED


def test_text_is_nothing():
    assert body(response_format={"type": "text"}) == body()


def test_regex():
    form = {"type": "regex", "regex": r"[A-Z]{3}-\d{4}"}
    assert body(contract="v2", response_format=form)["model_options"] == {"response_format": form}
    assert body(response_format=form, gigachat_structured="native")["response_format"] == form
    with pytest.raises(UnsupportedParamError, match="v2"):
        read(response_format=form)
    assert body(response_format=form, drop=True) == body()


class Answer(BaseModel):
    n: int


def test_a_pydantic_class():
    found = body(response_format=Answer)
    assert found["functions"][0]["name"] == "Answer"
    assert found["functions"][0]["parameters"]["properties"] == {"n": {"type": "integer"}}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.schema"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": 5}, "response_format.json_schema"),
        ({"type": "json_schema", "schema": {}}, "response_format.schema"),
        ({"type": "json_schema", "schema": SCHEMA, "strict": "yes"}, "response_format.strict"),
        ({"type": "regex"}, "response_format.regex"),
        (int, "response_format"),
    ],
)
def test_refused(form, field):
    with pytest.raises(InvalidRequestError) as caught:
        read(response_format=form)
    assert caught.value.field == field


@pytest.mark.parametrize("schema", [{"$defs": {"A": {}}}, {"type": "object", "required": 5}, {"$ref": "#/$defs/none"}])
def test_native_schemas_that_cannot_be_sent(schema):
    with pytest.raises(InvalidRequestError, match=r"response_format\.schema"):
        read(contract="v2", response_format={"type": "json_schema", "schema": schema})
