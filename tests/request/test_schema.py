"""JSON schemas, simplified to what GigaChat's functions take; what is lost is said in words."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field
from request_helpers import property_of, schema_of, tool

from litellm_gigachat_provider.errors import InvalidRequestError
from litellm_gigachat_provider.request.schemas import schema

EMPTY = {"type": "object", "properties": {}}
NOTHING = {"type": "string", "description": "Always null: leave it out."}
A = {
    "$defs": {
        "A": {"type": "string", "enum": ["x"]},
        "N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}},
    }
}

PROPERTIES = {
    "leaf without type": ({"description": "d"}, {"type": "string", "description": "d"}),
    "true": (True, {"type": "string"}),
    "object without properties": ({"type": "object"}, EMPTY),
    "nested": (
        {"type": "object", "properties": {"q": {"type": "object"}}},
        {"type": "object", "properties": {"q": EMPTY}},
    ),
    "inferred object": ({"properties": {"q": {}}}, {"type": "object", "properties": {"q": {"type": "string"}}}),
    "inferred map": (
        {"additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}},
    ),
    "inferred array": ({"items": {"type": "integer"}}, {"type": "array", "items": {"type": "integer"}}),
    "inferred from enum": ({"enum": ["a"]}, {"type": "string", "enum": ["a"]}),
    "array without items": ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
    "tuple": (
        {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
        {
            "type": "array",
            "items": {"type": "integer"},
            "description": 'Items in order: [{"type":"integer"},{"type":"string"}].',
        },
    ),
    "prefixItems": (
        {"type": "array", "prefixItems": [{"type": "integer"}]},
        {"type": "array", "items": {"type": "integer"}},
    ),
    "upper case": ({"type": "STRING"}, {"type": "string"}),
    "type list": ({"type": ["string", "null"]}, {"type": "string", "description": "May be null."}),
    "type list of two": ({"type": ["string", "integer"]}, {"type": "string", "description": "Alternatively: integer."}),
    "type list of null": ({"type": ["null"]}, NOTHING),
    "null": ({"type": "null"}, NOTHING),
    "enum of null": ({"enum": [None]}, {**NOTHING, "description": "Always null: leave it out. Allowed values: null."}),
    "nullable": ({"type": "string", "nullable": True}, {"type": "string", "description": "May be null."}),
    "optional": (
        {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "P", "description": "d"},
        {"type": "integer", "default": None, "description": "d May be null."},
    ),
    "union": (
        {"oneOf": [{"type": "string"}, {"type": "integer", "title": "I"}]},
        {"type": "string", "description": 'Alternatively: {"type":"integer"}.'},
    ),
    "all null": ({"anyOf": [{"type": "null"}]}, NOTHING),
    "union into the parent": (
        {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "anyOf": [{"properties": {"b": {"type": "integer"}}}],
        },
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}},
    ),
    "one of the required": (
        {"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "description": 'Required, one of: [["a"],["b"]].',
        },
    ),
    "allOf": (
        {
            "allOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"b": {}}, "required": ["b"]},
            ]
        },
        {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "required": ["a", "b"]},
    ),
    "reference": ({"$ref": "#/$defs/A", "description": "d"}, {"type": "string", "enum": ["x"], "description": "d"}),
    "recursion": (
        {"$ref": "#/$defs/N"},
        {
            "type": "object",
            "properties": {"next": {"type": "object", "properties": {}, "description": "Same structure as N."}},
        },
    ),
    "formats": ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    "other formats": ({"type": "string", "format": "email"}, {"type": "string", "description": "Format: email."}),
    "enum of texts": ({"type": "string", "enum": ["a", "b", "a"]}, {"type": "string", "enum": ["a", "b"]}),
    "enum with null": ({"enum": ["a", None]}, {"type": "string", "enum": ["a"], "description": "May be null."}),
    "enum of numbers": (
        {"type": "integer", "enum": [1, 2]},
        {"type": "integer", "description": "Allowed values: 1,2."},
    ),
    "const": ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    "const number": ({"const": 5}, {"type": "integer", "description": "Always 5."}),
    "kept": (
        {"type": "integer", "minimum": 1, "maximum": 5, "default": 3, "examples": [1], "title": "T"},
        {"type": "integer", "minimum": 1, "maximum": 5, "default": 3, "examples": [1]},
    ),
    "conditions are told": (
        {"type": "object", "properties": {}, "not": {"required": ["a"]}},
        {**EMPTY, "description": 'not: {"required":["a"]}.'},
    ),
    "words as property names": (
        {
            "type": "object",
            "properties": {"type": {"type": "string"}, "$ref": {"type": "integer"}, "properties": {}, "enum": {}},
        },
        {
            "type": "object",
            "properties": {
                "type": {"type": "string"},
                "$ref": {"type": "integer"},
                "properties": {"type": "string"},
                "enum": {"type": "string"},
            },
        },
    ),
    "a property that may not be": (
        {"type": "object", "properties": {"a": False, "b": True}, "required": ["a", "b", "c"]},
        {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
    ),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name):
    given, expected = PROPERTIES[name]
    assert property_of(given, **A) == expected


ROOTS = {
    "none": (None, EMPTY),
    "empty": ({}, EMPTY),
    "bare object": ({"type": "object"}, EMPTY),
    "typeless": ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
    "annotations go": (
        {"$schema": "x", "$id": "y", "title": "T", "type": "object", "properties": {}, "additionalProperties": False},
        {**EMPTY, "additionalProperties": False},
    ),
    "reference at the root": ({"$ref": "#/definitions/B", "definitions": {"B": {"properties": {}}}}, EMPTY),
    "the root itself": (
        {"type": "object", "properties": {"self": {"$ref": "#"}}},
        {
            "type": "object",
            "properties": {
                "self": {
                    "type": "object",
                    "properties": {"self": {**EMPTY, "description": "Same structure as the whole."}},
                }
            },
        },
    ),
    "escaped pointer": (
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/x~1y%20z"}}, "$defs": {"x/y z": {"type": "integer"}}},
        {"type": "object", "properties": {"a": {"type": "integer"}}},
    ),
    "anchor": (
        {"type": "object", "properties": {"a": {"$ref": "#it"}}, "$defs": {"q": {"$anchor": "it", "type": "integer"}}},
        {"type": "object", "properties": {"a": {"type": "integer"}}},
    ),
}


@pytest.mark.parametrize("name", ROOTS)
def test_root(name):
    given, expected = ROOTS[name]
    assert schema_of(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"type": "string"},
        {"type": ["array"]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": 5}},
        {"type": "object", "properties": {"a": {"type": "file"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/schema.json"}}},
        {"type": "object", "properties": {"a": {"anyOf": "x"}}},
        {"type": "object", "properties": {"a": {"default": float("nan")}}},
        {"type": "object", "properties": {"a": {"description": "\ud800"}}},
        {"type": "object", "properties": {"a": {"default": {1, 2}}}},
    ],
)
def test_refused(given):
    with pytest.raises(InvalidRequestError, match=r"tools\[0\]\.function\.parameters"):
        schema_of(given)


def test_doubling_unions_are_bounded_too():
    defs = {f"L{n}": {"anyOf": [{"$ref": f"#/$defs/L{n + 1}"}, {"$ref": f"#/$defs/L{n + 1}"}]} for n in range(40)}
    defs["L40"] = {"type": "string"}
    found = schema_of({"type": "object", "properties": {"a": {"$ref": "#/$defs/L0"}}, "$defs": defs})
    assert found["properties"]["a"]["type"] == "string"


def test_references_in_a_ring_end():
    defs = {"A": {"$ref": "#/$defs/B"}, "B": {"allOf": [{"$ref": "#/$defs/A"}]}}
    assert schema_of({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": defs})["type"] == "object"


def test_deep_and_cyclic_schemas_are_refused():
    deep: dict = {"type": "string"}
    for _ in range(3000):
        deep = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(InvalidRequestError):
        schema_of(deep)
    cyclic: dict = {"type": "object", "properties": {}}
    cyclic["properties"]["me"] = cyclic
    with pytest.raises(InvalidRequestError):
        schema_of(cyclic)


def test_the_callers_schema_is_not_touched_and_order_is_kept():
    given = {"type": "object", "properties": {"b": {"type": ["string", "null"]}, "a": {"$ref": "#/$defs/A"}}, **A}
    before = repr(given)
    assert list(schema_of(given)["properties"]) == ["b", "a"]
    assert repr(given) == before


class Leaf(BaseModel):
    kind: str = Field(description="k")


class Tree(BaseModel):
    leaf: Leaf
    maybe: Leaf | None = None
    many: list[Leaf] = []
    children: list[Tree] = []
    by_name: dict[str, int] = {}


def test_a_pydantic_model():
    leaf = {"type": "object", "properties": {"kind": {"type": "string", "description": "k"}}, "required": ["kind"]}
    found = schema_of(Tree.model_json_schema())
    tree = found["properties"]
    assert tree["leaf"] == leaf
    assert tree["maybe"] == {**leaf, "default": None, "description": "May be null."}
    assert tree["many"] == {"type": "array", "items": leaf, "default": []}
    assert tree["by_name"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": {"type": "integer"},
        "default": {},
    }
    assert tree["children"]["items"]["type"] == "object"
    assert found["required"] == ["leaf"]


def test_equal_schemas_are_read_once():
    given = {"type": "object", "properties": {"only_here": {"type": "string"}}}
    assert schema.parameters(given, "x") is schema.parameters(dict(given), "y")


def test_inlining_changes_nothing_else():
    given = {
        "title": "T",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "default": {"minimum": 1}},
        "default": {"$ref": "x"},
        **A,
    }
    assert schema.inlined(given, "x") == {
        "title": "T",
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"]}, "default": {"minimum": 1}},
        "default": {"$ref": "x"},
    }


def test_the_error_says_where():
    with pytest.raises(InvalidRequestError) as caught:
        schema_of({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "odd"}}}})
    assert caught.value.field == "tools[0].function.parameters.properties.a.items.type"
    assert tool("f")["type"] == "function"
