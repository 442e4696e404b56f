"""Tools are read once while they stay the same, and never taken for others."""

from __future__ import annotations

import copy

import pytest

from litellm_gigachat_provider.errors import InvalidRequestError
from litellm_gigachat_provider.request import tool_cache
from litellm_gigachat_provider.request.gate import Gate


def tool(name="get_weather", **properties):
    parameters = {"type": "object", "properties": properties or {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "Weather", "parameters": parameters}}


def read(*tools, messages=(), **params):
    return tool_cache.read_tools({"tools": list(tools), **params}, messages, Gate("v1"))


def test_equal_tools_are_read_once():
    first, _ = read(tool())
    second, _ = read(copy.deepcopy(tool()))
    assert second.functions == first.functions
    assert second.functions[0] is first.functions[0]


def test_any_difference_counts():
    plain, _ = read(tool(limit={"type": "integer", "maximum": 1}))
    other, _ = read(tool(limit={"type": "integer", "maximum": 1.0}))
    third, _ = read(tool(limit={"type": "integer", "maximum": True}))
    found = [each.functions[0].parameters["properties"]["limit"]["maximum"] for each in (plain, other, third)]
    assert [type(value) for value in found] == [int, float, bool]


def test_a_request_cannot_change_what_the_next_one_gets():
    _, names = read(tool())
    assert names.reserve("get_weather") != "get_weather"
    assert names.wire("получить погоду") == "poluchit_pogodu"
    _, fresh = read(tool())
    assert fresh.restored() == {}
    assert fresh.reserve("poluchit_pogodu") == "poluchit_pogodu"


def test_aliases_follow_the_history_of_their_own_request():
    earlier = [{"role": "assistant", "tool_calls": [{"function": {"name": "pogoda"}}]}]
    alone, _ = read(tool("погода"))
    beside, _ = read(tool("погода"), messages=earlier)
    assert alone.functions[0].name == "pogoda"
    assert beside.functions[0].name != "pogoda"
    assert read(tool("погода"))[0].functions[0].name == "pogoda"


def test_what_was_refused_is_refused_again():
    for _ in range(2):
        with pytest.raises(InvalidRequestError, match="lone surrogate"):
            read(tool("get_weather", city={"type": "string", "description": "\ud800"}))


def test_the_callers_tools_are_not_held():
    given = tool()
    built, _ = read(given)
    given["function"]["parameters"]["properties"]["city"]["type"] = "integer"
    assert built.functions[0].parameters["properties"]["city"]["type"] == "string"
    assert read(given)[0].functions[0].parameters["properties"]["city"]["type"] == "integer"


def test_objects_of_other_classes_are_read_anew():
    class Tools(dict):
        pass

    built, _ = read(Tools(tool()))
    assert built.functions[0].name == "get_weather"
