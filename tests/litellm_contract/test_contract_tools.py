"""What LiteLLM's own tests of chat providers ask of tools, put in our words, in all four ways over both contracts."""

from __future__ import annotations

import json

import litellm
import pytest
from sent import sent
from ways import MODEL

QUESTION = {"role": "user", "content": "What is the weather in Moscow?"}


def tool(name, parameters=None, **more):
    function = {"name": name, "description": f"The tool {name}", **more}
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def of(properties, **more):
    return {"type": "object", "properties": properties, **more}


WEATHER = tool("get_weather", of({"city": {"type": "string"}}, required=["city"]))


def parameters_sent(sandbox):
    (function,) = sent(sandbox).functions
    return function["parameters"]


def test_property_with_several_types(gigachat_sandbox, ask):
    schema = of(
        {
            "city": {"type": ["string", "null"], "description": "City"},
            "days": {"type": ["string", "number"], "description": "How many"},
            "units": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        required=["city", "days"],
        additionalProperties=False,
        **{"$schema": "http://json-schema.org/draft-07/schema#"},
    )
    outcome = ask([QUESTION], tools=[tool("get_weather", schema)])
    assert [call["name"] for call in outcome.tool_calls] == ["get_weather"]
    sent_schema = parameters_sent(gigachat_sandbox)
    assert "$schema" not in sent_schema
    assert set(sent_schema["properties"]) == {"city", "days", "units"}
    assert sent_schema["required"] == ["city", "days"]


def test_enum_with_an_empty_string(gigachat_sandbox, ask):
    """No description, ``type`` after ``enum``, and a value that is the empty string."""
    schema = of({"city": {"type": "string"}, "units": {"enum": ["celsius", "fahrenheit", ""], "type": "string"}})
    outcome = ask([QUESTION], tools=[tool("get_weather", {**schema, "required": ["city"]})])
    assert outcome.tool_calls[0]["name"] == "get_weather"
    assert {"celsius", "fahrenheit"} <= set(parameters_sent(gigachat_sandbox)["properties"]["units"]["enum"])


@pytest.mark.parametrize("parameters", [None, {}, of({}), of({}, required=[])])
def test_tool_without_arguments(gigachat_sandbox, ask, parameters):
    """Its call has the arguments ``"{}"``, and comes back with an empty text beside it."""
    offered = [tool("restart_server", parameters)]
    question = {"role": "user", "content": "Please restart_server"}
    outcome = ask([question], tools=offered)
    (call,) = outcome.tool_calls
    assert (call["name"], call["arguments"]) == ("restart_server", "{}")
    made = {"id": call["id"], "type": "function", "function": {"name": "restart_server", "arguments": "{}"}}
    done = ask(
        [
            question,
            {"role": "assistant", "content": "", "tool_calls": [made]},
            {"role": "tool", "tool_call_id": call["id"], "content": "done"},
        ],
        tools=offered,
    )
    assert "done" in done.content
    turns = [turn for turn in sent(gigachat_sandbox).turns if turn[1] != ""]
    assert turns[1:] == [
        ("call", {"call": "restart_server", "arguments": {}}),
        ("result", {"of": "restart_server", "result": {"result": "done"}}),
    ]


def test_empty_list_of_tools(gigachat_sandbox, ask):
    assert ask("Hello", tools=[]).content
    assert sent(gigachat_sandbox).functions == []


def test_strict_and_marks_of_a_schema(gigachat_sandbox, ask):
    schema = of(
        {"city": {"$id": "#/properties/city", "type": "string"}},
        required=["city"],
        additionalProperties=False,
        **{"$id": "https://example.com/weather.json", "$schema": "https://json-schema.org/draft/2020-12/schema"},
    )
    outcome = ask([QUESTION], tools=[tool("get_weather", schema, strict=True)])
    assert json.loads(outcome.tool_calls[0]["arguments"]) == {"city": "Moscow"}
    text = json.dumps(sent(gigachat_sandbox).raw)
    assert "$id" not in text
    assert "$schema" not in text
    assert "strict" not in text


def test_second_turn_from_the_dumped_message(gigachat_sandbox, ask):
    """Tool message with a ``name``, assistant message as ``message.model_dump()``."""
    first = ask([QUESTION], tools=[WEATHER])
    assert first.finish_reason == "tool_calls"
    message = first.response.choices[0].message
    (call,) = message.tool_calls
    assert isinstance(call.function.name, str)
    assert isinstance(call.function.arguments, str)
    answer = {"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": "sunny"}
    second = ask([QUESTION, message.model_dump(), answer], tools=[WEATHER])
    assert "sunny" in second.content
    assert ("result", {"of": "get_weather", "result": {"result": "sunny"}}) in sent(gigachat_sandbox).turns


@pytest.mark.parametrize("whole_message", [True, False], ids=["message object", "call objects"])
def test_objects_in_the_history(gigachat_sandbox, ask, whole_message):
    """LiteLLM's own objects, not dicts: the message, or only its ``tool_calls``."""
    calls = [
        litellm.types.utils.ChatCompletionMessageToolCall(
            id="call_1", type="function", function={"name": "get_weather", "arguments": '{"city": "Moscow"}'}
        )
    ]
    said = (
        litellm.Message(role="assistant", content=None, tool_calls=calls)
        if whole_message
        else {"role": "assistant", "content": None, "tool_calls": calls}
    )
    outcome = ask([QUESTION, said, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}], tools=[WEATHER])
    assert "sunny" in outcome.content
    assert ("call", {"call": "get_weather", "arguments": {"city": "Moscow"}}) in sent(gigachat_sandbox).turns


def test_fragments_of_a_streamed_call(gigachat_sandbox):
    """The first one has the id and the name; ``arguments`` is a string in all; together they are JSON."""
    chunks = list(litellm.completion(model=MODEL, messages=[QUESTION], tools=[WEATHER], stream=True))
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    assert parts[0].id
    assert parts[0].function.name == "get_weather"
    assert all(isinstance(part.function.arguments, str) for part in parts)
    assert json.loads("".join(part.function.arguments for part in parts)) == {"city": "Moscow"}
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["tool_calls"]


def test_bare_name_of_a_tool_as_the_choice(gigachat_sandbox, ask):
    """LangChain's short form, which langchain-litellm before 0.9 passes on."""
    outcome = ask("Hello", tools=[WEATHER, tool("get_time", of({}))], tool_choice="get_time")
    assert sent(gigachat_sandbox).choice == "get_time"
    assert outcome.tool_calls[0]["name"] == "get_time"


def test_unknown_choice_is_refused(gigachat_sandbox, ask):
    with pytest.raises(litellm.BadRequestError, match="get_tine"):
        ask("Hello", tools=[WEATHER], tool_choice="get_tine")
    assert gigachat_sandbox.chat_requests == []
