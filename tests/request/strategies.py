"""Conversations, tools, schemas and parameters as messy as callers make them."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from request_helpers import PNG

TEXT = st.one_of(
    st.sampled_from(["", " ", "hi", "Привет", "\x00", "🤖", '{"a": 1}', "[1, 2]", "null", "NaN", "{'a': 1}", "42"]),
    st.text(max_size=12),
)
BROKEN_TEXT = st.integers(0, 15).flatmap(lambda n: st.just("\ud800") if n == 0 else TEXT)
NAMES = st.one_of(
    st.sampled_from(
        [
            "f",
            "get weather",
            "get/weather",
            "погода",
            "1st",
            "web_search",
            "text2image",
            "a" * 80,
            "_",
            "call_tool",
            "-x",
        ]
    ),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
_TYPES = st.sampled_from(
    [
        "object",
        "array",
        "string",
        "integer",
        "number",
        "boolean",
        "null",
        "OBJECT",
        ["string", "null"],
        ["Integer", "string"],
    ]
)
_REFS = st.sampled_from(["#", "#/$defs/A", "#/definitions/B", "#/properties/p", "#/%24defs/A", "#/anyOf/0"])


def _extend(inner):
    several = st.lists(inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": _TYPES,
            "properties": st.dictionaries(
                st.sampled_from(["p", "type", "properties", "$ref", "enum", "тип"]), inner, max_size=3
            ),
            "items": st.one_of(inner, several, st.booleans()),
            "prefixItems": several,
            "required": st.lists(st.sampled_from(["p", "type", "zzz"]), max_size=3),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "$ref": _REFS,
            "$defs": st.dictionaries(st.sampled_from(["A", "B"]), inner, max_size=2),
            "definitions": st.dictionaries(st.sampled_from(["A", "B"]), inner, max_size=2),
            "enum": st.lists(st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"])), max_size=3),
            "const": st.one_of(st.none(), st.integers(0, 3), st.just("c")),
            "format": st.sampled_from(["date", "email", "date-time", 5]),
            "description": st.one_of(st.just("words"), st.just(7)),
            "default": JSON,
            "minimum": st.integers(0, 9),
            "not": inner,
            "patternProperties": st.dictionaries(st.just("^x"), inner, max_size=1),
            "title": st.just("T"),
            "$schema": st.just("http://json-schema.org/draft-07/schema#"),
        },
    )


SCHEMAS = st.recursive(
    st.one_of(st.booleans(), st.just({}), st.just({"type": "string"}), st.just({"$ref": "#"})),
    _extend,
    max_leaves=6,
)


def _rooted(schema, first, second):
    """An object at the root, with what the references point at."""
    root = schema if isinstance(schema, dict) else {}
    defs = {"$defs": {"A": first}, "definitions": {"B": second}}
    return {**{k: v for k, v in root.items() if k not in ("$ref", "anyOf", "oneOf", "allOf")}, "type": "object", **defs}


ROOTED = st.builds(_rooted, SCHEMAS, SCHEMAS, SCHEMAS)
OBJECT_SCHEMAS = st.one_of(st.none(), ROOTED, ROOTED, ROOTED, SCHEMAS)

PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT, "cache_control": st.just({"type": "ephemeral"})}),
    st.just({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}),
    st.just({"type": "image_url", "image_url": "https://example.org/a.png"}),
    st.just({"type": "file", "file": {"file_data": "data:text/plain;base64,aGVsbG8=", "filename": "a.txt"}}),
    st.just({"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}}),
    st.sampled_from(["bare", {"type": "thinking", "thinking": "hm"}, {"type": "refusal", "refusal": "no"}]),
)
TEXT_PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXT})
CONTENT = st.one_of(BROKEN_TEXT, st.none(), st.lists(PARTS, max_size=4))
TEXT_CONTENT = st.one_of(TEXT, st.none(), st.lists(TEXT_PARTS, max_size=3))
ARGUMENTS = st.one_of(
    st.just("{}"),
    st.just(""),
    st.none(),
    JSON.map(lambda v: {"a": v}),
    JSON.map(lambda v: json.dumps({"a": v})),
    st.just('{"a": 1}'),
    st.just("{not json"),
)
RESULTS = st.one_of(TEXT, st.none(), JSON, JSON.map(json.dumps), st.lists(PARTS, max_size=3))
IDS = st.sampled_from(["a", "b", "", "giga_" + "0" * 32, "giga_" + "1" * 32 + "_1"])


@st.composite
def exchanges(draw):
    """An assistant turn with calls and their results, mostly in order, sometimes broken."""
    calls = [
        {
            "id": f"{draw(IDS)}{n if draw(st.booleans()) else ''}",
            "type": "function",
            "function": {"name": draw(NAMES), "arguments": draw(ARGUMENTS)},
        }
        for n in range(draw(st.integers(1, 3)))
    ]
    results = [{"role": "tool", "tool_call_id": c["id"], "content": draw(RESULTS)} for c in calls]
    if draw(st.booleans()):
        results.reverse()
    if draw(st.integers(0, 9)) == 0:
        results = results[1:]
    return [{"role": "assistant", "content": draw(TEXT_CONTENT), "tool_calls": calls}, *results]


@st.composite
def legacy_exchanges(draw):
    name = draw(NAMES)
    return [
        {"role": "assistant", "content": None, "function_call": {"name": name, "arguments": draw(ARGUMENTS)}},
        {"role": "function", "name": name, "content": draw(RESULTS)},
    ]


SINGLE = st.fixed_dictionaries(
    {"role": st.sampled_from(["developer", "user", "user", "user"]), "content": CONTENT}
).map(lambda message: [message])
TIDY = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT_CONTENT}).map(
    lambda message: [message]
)
CONVERSATIONS = st.lists(st.one_of(TIDY, TIDY, SINGLE, exchanges(), legacy_exchanges()), max_size=6).map(
    lambda groups: [message for group in groups for message in group]
)


@st.composite
def tool_lists(draw):
    found = []
    for _ in range(draw(st.integers(0, 4))):
        name = draw(NAMES)
        spec = {"name": name, "description": draw(st.one_of(st.none(), TEXT)), "parameters": draw(OBJECT_SCHEMAS)}
        shapes = [
            {"type": "function", "function": spec},
            {"type": "function", **spec},
            {"name": name, "input_schema": spec["parameters"]},
            {"name": name},
            {
                "type": draw(
                    st.sampled_from(
                        [
                            "web_search",
                            "code_interpreter",
                            "image_generation",
                            "nothing",
                            "web_search_preview_2025_03_11",
                        ]
                    )
                )
            },
            {"web_search": {"flags": ["x"]}},
        ]
        found.append(draw(st.sampled_from(shapes)))
    return found


CHOICES = st.one_of(
    st.none(),
    st.sampled_from(["auto", "none", "required", "any", "sometimes", {"type": "any"}, {"type": "web_search"}]),
    NAMES.map(lambda name: {"type": "function", "function": {"name": name}}),
    NAMES.map(lambda name: {"type": "tool", "name": name}),
)
FORMATS = st.one_of(
    st.none(),
    st.sampled_from([{"type": "text"}, {"type": "json_object"}, {"type": "regex", "regex": "[A-Z]+"}, {"type": "xml"}]),
    st.builds(
        lambda schema, strict, name: {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict},
        },
        SCHEMAS,
        st.sampled_from([True, False, None]),
        NAMES,
    ),
    SCHEMAS.map(lambda schema: {"type": "json_schema", "schema": schema}),
)
NUMBERS = st.one_of(
    st.floats(0.1, 1), st.floats(0.1, 1), st.integers(0, 5), st.floats(), st.sampled_from([True, "1", 10**400, -1])
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": NUMBERS,
        "top_p": NUMBERS,
        "max_tokens": st.integers(1, 9),
        "max_completion_tokens": st.integers(1, 9),
        "n": st.integers(1, 3),
        "stop": st.one_of(NAMES, st.lists(NAMES, max_size=3)),
        "stream": st.booleans(),
        "seed": st.integers(),
        "reasoning_effort": st.sampled_from(["low", "minimal", "none", "xhigh", "odd"]),
        "repetition_penalty": NUMBERS,
        "update_interval": NUMBERS,
        "profanity_check": st.booleans(),
        "flags": st.lists(NAMES, max_size=2),
        "storage": st.one_of(
            st.booleans(), st.just({}), st.just({"limit": 3, "thread_id": "t"}), st.just({"limit": "3"})
        ),
        "function_ranker": st.one_of(st.just({"enabled": True, "top_n": 2}), st.just({"top_n": 0})),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 8),
        "web_search_options": st.just({}),
        "user_info": st.just({"timezone": "Europe/Moscow"}),
        "gigachat_structured": st.sampled_from(["native", "function"]),
        "extra_body": st.fixed_dictionaries({}, optional={"repetition_penalty": NUMBERS, "preset": st.just("p")}),
    },
)
