"""Tools, legacy functions and the choice among them, as they stand in the body."""

from __future__ import annotations

import pytest
from request_helpers import HELLO, STATE, body, call, read, result, tool

from litellm_gigachat_provider import ids
from litellm_gigachat_provider.errors import InvalidRequestError, UnsupportedParamError
from litellm_gigachat_provider.types import RequiredCall

EMPTY = {"type": "object", "properties": {}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
F, G = tool("f", CITY, description="Does f"), tool("g")


def named(name):
    return {"type": "function", "function": {"name": name}}


def names(**kwargs):
    return [function["name"] for function in body(**kwargs).get("functions", [])]


@pytest.mark.parametrize(
    "given",
    [
        {"tools": [F]},
        {"tools": [{"type": "function", "name": "f", "description": "Does f", "parameters": CITY, "strict": True}]},
        {"tools": [{"name": "f", "description": "Does f", "input_schema": CITY}]},
        {"tools": [{"functions": {"specifications": [{"name": "f", "description": "Does f", "parameters": CITY}]}}]},
        {"functions": [{"name": "f", "description": "Does f", "parameters": CITY}]},
    ],
)
def test_one_function_in_every_dialect(given):
    found = body(**given)
    assert found["functions"] == [{"name": "f", "description": "Does f", "parameters": CITY}]
    assert found["function_call"] == "auto"
    assert read(**given).legacy_functions is ("functions" in given)


def test_nothing_is_sent_for_empty_lists():
    assert body(tools=[], functions=[], tool_choice="auto") == {"model": "GigaChat-2-Max", "messages": HELLO}


def test_parameters_may_be_missing():
    assert body(tools=[G])["functions"] == [{"name": "g", "parameters": EMPTY}]


def test_examples_and_return_parameters_pass():
    examples = [{"request": "Weather in Omsk?", "params": {"city": "Omsk"}}]
    given = tool(
        "f",
        CITY,
        few_shot_examples=examples,
        return_parameters={"type": "object", "properties": {"t": {"type": "number"}}},
    )
    (found,) = body(tools=[given])["functions"]
    assert found["few_shot_examples"] == examples
    assert found["return_parameters"] == {"type": "object", "properties": {"t": {"type": "number"}}}
    outside = {**tool("f", CITY), "few_shot_examples": examples}
    assert body(tools=[outside])["functions"][0]["few_shot_examples"] == examples


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("f.a-b_1", "f.a-b_1"),
        ("_f", "_f"),
        ("get weather", "get_weather"),
        ("mcp/server/tool", "mcp_server_tool"),
        ("1st", "f_1st"),
        ("-x", "f_-x"),
        ("погода в городе", "pogoda_v_gorode"),
        ("Щука", "Schuka"),
        ("天気", "function"),
        ("web_search", "user_web_search"),
        ("code_interpreter", "user_code_interpreter"),
        ("a" * 64, "a" * 64),
    ],
)
def test_refused_names_get_an_alias(given, sent):
    request = read(tools=[tool(given, EMPTY)])
    assert [function.name for function in request.functions] == [sent]
    assert request.names == ({} if given == sent else {sent: given})


def test_a_long_name_is_cut_and_told_apart():
    given = ["a" * 65, "a" * 66]
    found = names(tools=[tool(name) for name in given])
    assert all(len(name) <= 64 for name in found)
    assert len(set(found)) == 2


def test_colliding_names_stay_apart_whatever_their_order():
    given = ["a b", "a/b", "a_b"]
    request = read(tools=[tool(name) for name in given])
    found = [function.name for function in request.functions]
    assert found[2] == "a_b"
    assert len(set(found)) == 3
    assert [request.names.get(name, name) for name in found] == given
    assert read(tools=[tool(name) for name in given]).names == request.names


def test_a_bare_name_is_the_built_in_and_with_parameters_it_is_the_callers():
    assert body(tools=[{"name": "text2image"}])["functions"] == [{"name": "text2image"}]
    assert body(tools=[{"type": "text2image"}])["functions"] == [{"name": "text2image"}]
    assert body(tools=[{"type": "image_generation"}])["functions"] == [{"name": "text2image"}]
    assert names(tools=[tool("text2image", EMPTY)]) == ["user_text2image"]


def test_the_same_tool_twice_is_one():
    assert names(tools=[F, F]) == ["f"]
    with pytest.raises(InvalidRequestError, match="second time"):
        read(tools=[F, tool("f")])


V2_TOOLS = {
    "web_search": {"web_search": {"type": "actual_info_web_search"}},
    "web_search_preview": {"web_search": {"type": "actual_info_web_search"}},
    "web_search_preview_2025_03_11": {"web_search": {"type": "actual_info_web_search"}},
    "web_search_20250305": {"web_search": {"type": "actual_info_web_search"}},
    "code_interpreter": {"code_interpreter": {}},
    "image_generation": {"image_generate": {}},
    "url_content_extraction": {"url_content_extraction": {}},
    "model_3d_generate": {"model_3d_generate": {}},
}


@pytest.mark.parametrize("kind", V2_TOOLS)
def test_built_in_tools_of_v2(kind):
    assert body(contract="v2", tools=[{"type": kind}])["tools"] == [V2_TOOLS[kind]]


def test_search_options_of_v2():
    own = {"web_search": {"indexes": ["news"], "flags": ["x"]}}
    assert body(contract="v2", tools=[own])["tools"] == [
        {"web_search": {"type": "actual_info_web_search", **own["web_search"]}}
    ]
    beside = {"type": "web_search", "indexes": ["news"], "search_context_size": "low"}
    assert body(contract="v2", tools=[beside])["tools"][0]["web_search"]["indexes"] == ["news"]
    found = body(contract="v2", web_search_options={"search_context_size": "low"}, tools=[F])
    assert [next(iter(item)) for item in found["tools"]] == ["functions", "web_search"]
    with pytest.raises(UnsupportedParamError, match="filters"):
        read(contract="v2", tools=[{"type": "web_search", "filters": {"allowed_domains": ["a.org"]}}])


@pytest.mark.parametrize("given", [{"tools": [{"type": "web_search"}, F]}, {"web_search_options": {}, "tools": [F]}])
def test_on_v1_they_are_refused_or_dropped(given):
    with pytest.raises(UnsupportedParamError, match='api_version="v2"'):
        read(**given)
    assert names(**given, drop=True) == ["f"]


@pytest.mark.parametrize(
    "given",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "web_search"}, {"type": "code_interpreter"}]},
        {"tools": [{"web_search": {}}]},
        {"tools": [], "web_search_options": {}},
        {"web_search_options": {"search_context_size": "low"}},
    ],
)
def test_alone_they_are_refused_even_with_drop_params(given):
    with pytest.raises(UnsupportedParamError, match='no other tool is left.*api_version="v2"') as caught:
        read(**given, drop=True)
    assert "drop_params" not in str(caught.value)
    assert "web_search" in body(**given, drop=True, contract="v2")["tools"][0]


@pytest.mark.parametrize("contract", ["v1", "v2"])
def test_a_tool_of_no_contract_is_dropped_only_beside_others(contract):
    computer = {"type": "computer_20250124", "name": "computer"}
    with pytest.raises(UnsupportedParamError, match="function tools"):
        read(tools=[computer], drop=True, contract=contract)
    assert body(tools=[computer, F], drop=True, contract=contract) == body(tools=[F], contract=contract)


@pytest.mark.parametrize("contract", ["v1", "v2"])
@pytest.mark.parametrize("schema", [CITY, EMPTY])
def test_what_litellm_puts_among_the_parameters_is_not_sent(schema, contract):
    """As it does with the keys of Anthropic's tools that it does not know."""
    more = {
        "defer_loading": True,
        "allowed_callers": ["direct"],
        "input_examples": [{"city": "Omsk"}],
        "cache_control": {"type": "ephemeral"},
        "eager_input_streaming": True,
    }
    expected = body(tools=[tool("f", schema)], contract=contract)
    assert body(tools=[tool("f", {**schema, **more})], contract=contract) == expected
    assert body(tools=[{"name": "f", "input_schema": {**schema, **more}}], contract=contract) == expected
    assert body(tools=[{"name": "f", "input_schema": schema, **more}], contract=contract) == expected
    assert body(tools=[tool("f", more)], contract=contract) == body(tools=[tool("f")], contract=contract)
    older = tool("f", {**schema, "type": "custom"})  # LiteLLM before the tool's type was kept out
    assert body(tools=[older], contract=contract) == expected


def test_properties_may_have_these_names():
    schema = {"type": "object", "properties": {"cache_control": {"type": "string"}, "input_examples": CITY}}
    assert body(tools=[tool("f", schema)])["functions"][0]["parameters"] == schema


@pytest.mark.parametrize(
    ("choice", "functions", "sent"),
    [
        (None, ["f", "g"], "auto"),
        ("auto", ["f", "g"], "auto"),
        ({"type": "auto"}, ["f", "g"], "auto"),
        ("none", [], "none"),
        (named("g"), ["f", "g"], {"name": "g"}),
        ({"name": "g"}, ["f", "g"], {"name": "g"}),
        ({"type": "tool", "name": "g"}, ["f", "g"], {"name": "g"}),
        ({"type": "function", "name": "g"}, ["f", "g"], {"name": "g"}),
        ({"type": "allowed_tools", "mode": "auto", "tools": [named("g")]}, ["g"], "auto"),
        ({"type": "allowed_tools", "mode": "required", "tools": [named("g")]}, ["g"], {"name": "g"}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named("f")]}}, ["f"], "auto"),
    ],
)
def test_choices_on_v1(choice, functions, sent):
    found = body(tools=[F, G], tool_choice=choice)
    assert [function["name"] for function in found.get("functions", [])] == functions
    assert found["function_call"] == sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", {"mode": "auto"}),
        ("none", {"mode": "none"}),
        (named("g"), {"mode": "forced", "function_name": "g"}),
        ({"type": "web_search"}, {"mode": "forced", "tool_name": "web_search"}),
    ],
)
def test_choices_on_v2(choice, sent):
    found = body(contract="v2", tools=[F, G, {"type": "web_search"}], tool_choice=choice)
    assert found.get("tool_config") == sent
    assert ("tools" in found) is (choice != "none")


def test_an_aliased_function_can_be_forced_by_its_own_name():
    assert body(tools=[tool("get weather")], tool_choice=named("get weather"))["function_call"] == {
        "name": "get_weather"
    }


def test_function_call_auto_alone_switches_built_ins_on():
    assert body(function_call="auto")["function_call"] == "auto"
    assert "function_call" not in body(tool_choice="auto")
    assert "function_call" not in body(tool_choice="none")


@pytest.mark.parametrize("choice", ["required", "any", {"type": "any"}])
def test_required_with_one_tool_forces_it(choice):
    assert body(tools=[F], tool_choice=choice)["function_call"] == {"name": "f"}
    found = body(contract="v2", tools=[F, {"type": "web_search"}], tool_choice=choice)
    assert found["tool_config"] == {"mode": "forced", "function_name": "f"}


@pytest.mark.parametrize(
    "choice", ["required", {"type": "allowed_tools", "mode": "required", "tools": [named("f"), named("get weather")]}]
)
def test_required_with_several_tools_offers_them_as_they_are(choice):
    tools = [F, tool("get weather", CITY)]
    found = body(tools=tools, tool_choice=choice)
    assert found == body(tools=tools)
    assert found["function_call"] == "auto"
    assert [function["name"] for function in found["functions"]] == ["f", "get_weather"]
    v2 = body(contract="v2", tools=[*tools, {"type": "web_search"}], tool_choice="required")
    assert v2["tool_config"] == {"mode": "auto"}
    assert [*v2["tools"][0]["functions"]["specifications"]] == found["functions"]
    assert "web_search" in v2["tools"][1]


def test_one_function_stands_for_all_that_may_be_required():
    request = read(tools=[F, tool("get weather", CITY)], tool_choice="required")
    assert request.required == RequiredCall(request.required.chooser, "tool", request.functions)
    chooser = request.required.chooser
    assert chooser.name == "call_tool"
    assert chooser.description == (
        "Calls exactly one tool: name it in 'tool' and give its arguments under its name. f: Does f; get_weather"
    )
    assert chooser.parameters == {
        "type": "object",
        "properties": {
            "tool": {"type": "string", "enum": ["f", "get_weather"], "description": "Which tool to call"},
            "f": {**CITY, "description": "Arguments of f, given only if it is the chosen tool"},
            "get_weather": {**CITY, "description": "Arguments of get_weather, given only if it is the chosen tool"},
        },
        "required": ["tool"],
    }


def test_the_standing_function_yields_to_the_callers_names():
    request = read(tools=[tool("call_tool"), tool("tool")], tool_choice="required")
    assert request.required is not None
    assert request.required.chooser.name not in ("call_tool", "tool")
    assert request.required.selector == "tool_"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"tools": "x"}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "description": 5}}]},
            "tools[0].function.description",
        ),
        ({"tools": [tool("f", [])]}, "tools[0].function.parameters"),
        ({"tools": [tool("f", {"type": "string"})]}, "tools[0].function.parameters"),
        ({"tools": [tool("f", EMPTY, few_shot_examples=[{"request": 1}])]}, "tools[0].function.few_shot_examples[0]"),
        ({"tools": [F], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [F], "tool_choice": 5}, "tool_choice"),
        ({"tools": [F], "tool_choice": named("missing")}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [], "tool_choice": named("f")}, "tool_choice"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
    ],
)
def test_what_is_no_tool_or_choice_is_named(params, field):
    with pytest.raises(InvalidRequestError) as caught:
        read(**params)
    assert caught.value.field == field


@pytest.mark.parametrize("prefix", ["", "call_", "fc_"])
@pytest.mark.parametrize("index", [0, 1, 12])
def test_state_ids_survive_in_call_ids(prefix, index):
    made = ids.call_id(STATE, index, "fallback")
    assert len(made) <= 40
    assert ids.state_of(prefix + made) == STATE


@pytest.mark.parametrize("state", [None, "", "abc", STATE.upper(), STATE + "0"])
def test_other_state_ids_do_not_travel(state):
    assert ids.call_id(state, 0, "fallback") == "fallback"


@pytest.mark.parametrize(
    "foreign", [None, 5, "", "call_abc", STATE, "giga_xyz", "giga_" + "0" * 31, "giga_" + "0" * 32 + "_0"]
)
def test_foreign_ids_hold_no_state(foreign):
    assert ids.state_of(foreign) is None


def test_calls_of_one_v2_turn_stay_together():
    one, two = ids.call_id(STATE, 0, ""), ids.call_id(STATE, 1, "")
    calls = {"role": "assistant", "content": "t", "tool_calls": [call(one), call(two, "g", '{"x": 1}')]}
    found = body([*HELLO, calls, result(two, "2"), result(one, "1")], contract="v2", tools=[F, G])
    assert found["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"text": "t"},
                {"function_call": {"name": "f", "arguments": {}}},
                {"function_call": {"name": "g", "arguments": {"x": 1}}},
            ],
            "tools_state_id": STATE,
        },
        {
            "role": "tool",
            "content": [{"function_result": {"name": "f", "result": {"result": 1}}}],
            "tools_state_id": STATE,
        },
        {
            "role": "tool",
            "content": [{"function_result": {"name": "g", "result": {"result": 2}}}],
            "tools_state_id": STATE,
        },
    ]


@pytest.mark.parametrize("index", [0, 1, 7, 999])
def test_no_call_id_reads_as_an_entry_of_another(index):
    """Claude Code takes ``<other id>_<n>`` for entry n of call <other id>; ids of 0.1.0 stay readable."""
    made = [ids.call_id(STATE, number, "call_x") for number in (0, index)]
    assert not any(made[1] == f"{made[0]}_{number}" or made[1].startswith(f"{made[0]}_") for number in range(10))
    assert all(ids.state_of(call_id) == STATE and len(call_id) <= 40 for call_id in made)
    assert ids.state_of(f"call_giga_{STATE.replace('-', '')}_{max(index, 1)}") == STATE
