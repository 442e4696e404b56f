"""Recursive and repeated structures: what is sent has a bound, and every valid tool can be sent."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from request_helpers import body, schema_of, tool

LARGEST = 64 * 1024


def size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def rooted(defs: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "$defs": defs}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def classes(count: int) -> dict[str, Any]:
    """Classes that each hold Optional fields of all the others, as pydantic writes them."""
    names = [f"Class{n}" for n in range(count)]
    defs = {
        own: {
            "title": own,
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": f"Имя {own}"},
                **{
                    f"to{other}": {"anyOf": [ref(other), {"type": "null"}], "default": None}
                    for other in names
                    if other != own
                },
            },
            "required": ["name"],
        }
        for own in names
    }
    return rooted(defs, root=ref("Class0"))


def diamond(count: int) -> dict[str, Any]:
    """Definitions that each name the next one twice."""
    defs: dict[str, Any] = {
        f"D{n}": {"type": "object", "properties": {"left": ref(f"D{n + 1}"), "right": ref(f"D{n + 1}")}}
        for n in range(count - 1)
    }
    defs[f"D{count - 1}"] = {"type": "object", "properties": {"value": {"type": "integer"}}}
    return rooted(defs, root=ref("D0"))


def side_by_side(count: int, wrap: Any = lambda node: node) -> dict[str, Any]:
    """One large structure, named again and again on the same level."""
    large = {
        "type": "object",
        "properties": {f"field{n}": {"type": "string", "description": "says what it is for"} for n in range(25)},
        "required": ["field0"],
    }
    return rooted({"Large": large}, **{f"place{n}": wrap(ref("Large")) for n in range(count)})


LARGE = {
    "six classes": classes(6),
    "seven classes": classes(7),
    "twelve classes": classes(12),
    "diamond of 12": diamond(12),
    "diamond of 40": diamond(40),
    "40 side by side": side_by_side(40),
    "300 side by side": side_by_side(300),
    "lists side by side": side_by_side(60, lambda node: {"type": "array", "items": node}),
    "maps side by side": side_by_side(60, lambda node: {"type": "object", "additionalProperties": node}),
    "unions side by side": side_by_side(60, lambda node: {"anyOf": [{"type": "string"}, node]}),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_sent_is_bounded_by_what_was_given(name: str) -> None:
    given = LARGE[name]
    sent = body(tools=[tool("f", given)])
    parameters = sent["functions"][0]["parameters"]
    assert size(parameters) <= min(8 * size(given), LARGEST)
    assert "$ref" not in json.dumps(parameters)
    assert list(parameters["properties"]) == list(given["properties"])
    assert parameters["required"] == given["required"]


@pytest.mark.parametrize("name", [name for name in LARGE if "side" not in name])
def test_what_is_near_the_root_is_written_out_and_the_rest_has_a_name(name: str) -> None:
    given = LARGE[name]
    first = schema_of(given)["properties"]["root"]
    own = next(iter(given["$defs"].values()))["properties"]
    assert list(first["properties"]) == list(own)
    text = json.dumps(first)
    nested = [part for part in first["properties"].values() if part["type"] == "object"]
    assert nested
    assert all(part["properties"] for part in nested)
    assert "Same structure as " in text


def test_a_structure_named_only_keeps_its_kind_its_description_and_being_optional() -> None:
    defs = {
        "Large": {"type": "object", "properties": {"a": {"type": "string", "description": "x" * 5000}}},
        "Names": {"type": "array", "items": {"type": "integer", "description": "x" * 5000}},
        "Kind": {"type": "string", "enum": ["x" * 5000]},
    }
    names = [f"{name}{n}" for n in range(30) for name in defs]
    given = rooted(
        defs,
        **{
            name: {"anyOf": [ref(name.rstrip("0123456789")), {"type": "null"}], "description": "Said."}
            for name in names
        },
    )
    sent = schema_of(given)["properties"]
    said = "Said. May be null. Same structure as "
    assert sent["Large0"]["properties"]["a"]["description"] == "x" * 5000
    assert sent["Large29"] == {"type": "object", "properties": {}, "description": said + "Large."}
    assert sent["Names29"] == {"type": "array", "items": {"type": "integer"}, "description": said + "Names."}
    assert sent["Kind29"] == {"type": "string", "description": said + "Kind."}


def test_all_tools_together_have_one_bound() -> None:
    given = [tool(f"f{n}", classes(6)) for n in range(12)] + [tool("small", rooted({}, a={"type": "integer"}))]
    sent = [function["parameters"] for function in body(tools=given)["functions"]]
    assert sum(map(size, sent)) <= LARGEST
    assert all(parameters["properties"]["root"]["properties"]["toClass1"] for parameters in sent[:-1])
    assert sent[-1] == {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def test_many_tools_without_references_are_sent_as_they_are() -> None:
    parameters = rooted({}, **{f"a{n}": {"type": "string", "description": "d" * 90} for n in range(60)})
    del parameters["$defs"]
    sent = body(tools=[tool(f"f{n}", parameters) for n in range(20)])["functions"]
    assert [function["parameters"] for function in sent] == [parameters] * 20


@pytest.mark.parametrize("name", LARGE)
def test_native_structured_output_has_the_same_bound(name: str) -> None:
    given = LARGE[name]
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": given, "strict": True}}
    sent = body(contract="v2", response_format=form)["model_options"]["response_format"]["schema"]
    assert size(sent) <= min(8 * size(given), LARGEST)
    assert "$ref" not in json.dumps(sent)
    assert sent["required"] == given["required"]


def test_doubling_in_an_instant_whatever_the_word() -> None:
    started = time.perf_counter()
    for word in ("allOf", "anyOf", "oneOf"):
        defs: dict[str, Any] = {f"L{n}": {word: [ref(f"L{n + 1}"), ref(f"L{n + 1}")]} for n in range(40)}
        defs["L40"] = {"type": "integer"}
        given = rooted(defs, a=ref("L0"))
        assert schema_of(given)["properties"]["a"]["type"] == "integer"
    assert time.perf_counter() - started < 60  # it would be years
