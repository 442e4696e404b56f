"""A union takes whatever one of its branches takes; what cannot be written down is said in the description."""

from __future__ import annotations

from typing import Any

import pytest
from request_helpers import property_of, schema_of

UNIONS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "a word or a pattern": ([{"enum": ["all"]}, {"pattern": "^[a-z]+$"}], {"type": "string"}, "^[a-z]+$"),
    "words": ([{"enum": ["a"]}, {"const": "b"}, {"enum": ["a", "c"]}], {"type": "string", "enum": ["a", "b", "c"]}, ""),
    "a word or a number": ([{"enum": ["auto"]}, {"type": "integer"}], {"type": "string"}, "auto"),
    "a number or text": ([{"type": "integer", "minimum": 1}, {"type": "string"}], {"type": "string"}, '"minimum":1'),
    "lengths": (
        [{"type": "string", "minLength": 2, "maxLength": 3}, {"type": "string", "minLength": 1, "maxLength": 9}],
        {"type": "string", "minLength": 1, "maxLength": 9},
        '"minLength":2',
    ),
    "one bound only": ([{"type": "integer", "minimum": 5}, {"type": "integer"}], {"type": "integer"}, '"minimum":5'),
    "whole and not": ([{"type": "integer"}, {"type": "number"}], {"type": "number"}, "integer"),
    "objects": (
        [
            {
                "type": "object",
                "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}},
                "required": ["kind", "x"],
            },
            {
                "type": "object",
                "properties": {"kind": {"const": "b"}, "y": {"type": "string"}},
                "required": ["kind", "y"],
            },
        ],
        {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["a", "b"]},
                "x": {"type": "integer"},
                "y": {"type": "string"},
            },
            "required": ["kind"],
        },
        '"required":["kind","y"]',
    ),
    "closed and open": (
        [{"type": "object", "properties": {}, "additionalProperties": False}, {"type": "object"}],
        {"type": "object", "properties": {}},
        "additionalProperties",
    ),
    "lists": (
        [{"type": "array", "items": {"enum": ["a"]}}, {"type": "array", "items": {"enum": ["b"]}}],
        {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        "items",
    ),
}


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
@pytest.mark.parametrize("name", UNIONS)
def test_the_widest_is_sent_and_the_branches_are_told(name: str, word: str) -> None:
    branches, expected, told = UNIONS[name]
    for given in (branches, [*branches, {"type": "null"}]):
        sent = property_of({word: given})
        description = sent.pop("description", "")
        assert sent == expected
        assert told in description
        assert ("May be null." in description) is (given is not branches)
    backwards = property_of({word: branches[::-1]})
    assert set(backwards.get("enum", ())) == set(expected.get("enum", ()))
    assert backwards["type"] == expected["type"]


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
def test_at_the_root_only_what_all_branches_require_is_required(word: str) -> None:
    by_id = {"properties": {"id": {"type": "string"}, "org": {"type": "string"}}, "required": ["org", "id"]}
    by_name = {"properties": {"name": {"type": "string"}, "org": {"type": "string"}}, "required": ["name", "org"]}
    sent = schema_of({"type": "object", word: [by_id, {"$ref": "#/$defs/ByName"}], "$defs": {"ByName": by_name}})
    assert list(sent["properties"]) == ["id", "org", "name"]
    assert sent["required"] == ["org"]
    given = {"type": "object", "properties": {"a": {}, "b": {}}, word: [{"required": ["a", "b"]}, {"required": ["b"]}]}
    assert schema_of(given)["required"] == ["b"]


@pytest.mark.parametrize("null", [{"type": "null"}, {"enum": [None]}, {"const": None}, {"anyOf": [{"type": "null"}]}])
def test_a_property_that_is_only_null(null: Any) -> None:
    sent = schema_of({"type": "object", "properties": {"a": {}, "b": null}, "required": ["a", "b"]})
    assert sent["properties"]["b"]["type"] == "string"
    assert "enum" not in sent["properties"]["b"]
    assert "Always null" in sent["properties"]["b"]["description"]
    assert sent["required"] == ["a"]
