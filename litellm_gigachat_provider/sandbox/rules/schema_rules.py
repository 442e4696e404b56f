"""Rules for ``functions[]`` (both contracts share the function object) and for their JSON schemas.

Observed: an object without ``properties`` is 422. The official clients also avoid ``$ref``, unions, type lists,
arrays without ``items``, non-string enums and properties without ``type``; the sandbox refuses all of them, so that
what passes here passes there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .common_rules import is_object, is_string, is_strings
from .refusal import BAD_NAMES, UNPROCESSABLE, Refusal, invalid

FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
BUILT_INS: Final = frozenset({"text2image", "text2model3d", "get_file_content"})
RESERVED: Final = BUILT_INS | {"web_search"}
FUNCTION: Final = {
    "name!": is_string,
    "description": is_string,
    "parameters": is_object,
    "return_parameters": is_object,
    "few_shot_examples": [{"request!": is_string, "params!": is_object}],
}
_FUNCTION_KEYS: Final = {key.rstrip("!") for key in FUNCTION}
TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
FORMATS: Final = frozenset({"date", "date-time", "time"})
REFUSED_KEYWORDS: Final = ("$ref", "$defs", "definitions", "anyOf", "oneOf", "allOf", "not", "$schema")


def check_functions(
    functions: Sequence[Mapping[str, Any]],
    *,
    strict_fields: bool,
    where: str = "functions",
    built_ins: frozenset[str] = BUILT_INS,
) -> None:
    """422 for names, duplicates and schemas; the types are already checked."""
    names = [function["name"] for function in functions]
    bad = [name for name in names if not FUNCTION_NAME.fullmatch(name)]
    if bad:
        raise Refusal(422, BAD_NAMES.format(names=", ".join(bad)))
    for number, function in enumerate(functions):
        _check_function(function, f"{where}[{number}]", strict_fields=strict_fields, built_ins=built_ins)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise invalid(f"function names must be unique: {', '.join(repeated)}")


def _check_function(function: Mapping[str, Any], where: str, *, strict_fields: bool, built_ins: frozenset[str]) -> None:
    name = function["name"]
    if name in built_ins and len(function) == 1:
        return  # a built-in is switched on by its bare name
    if name in RESERVED:
        raise invalid(f"function name {name} is reserved")
    unknown = sorted(set(function) - _FUNCTION_KEYS)
    if unknown and strict_fields:
        raise invalid(f"unknown field {where}.{unknown[0]}")
    if "parameters" not in function:
        raise Refusal(422, UNPROCESSABLE, f"{where}.parameters is required")
    check_root(function["parameters"], f"{where}.parameters")
    if "return_parameters" in function:
        check_root(function["return_parameters"], f"{where}.return_parameters")


def check_root(schema: Mapping[str, Any], where: str) -> None:
    if schema.get("type") != "object":
        raise Refusal(422, UNPROCESSABLE, f"{where}: the root must have type object")
    check_schema(schema, where)


def check_schema(schema: Any, where: str) -> None:
    """One schema node and everything below it; raises 422 naming the path in ``Refusal.reason``."""
    fault = _fault(schema)
    if fault:
        raise Refusal(422, UNPROCESSABLE, f"{where}: {fault}")
    if schema["type"] == "array":
        check_schema(schema["items"], f"{where}.items")
    if schema["type"] == "object":
        for name, sub in schema["properties"].items():
            check_schema(sub, f"{where}.properties.{name}")
        if isinstance(schema.get("additionalProperties"), dict):
            check_schema(schema["additionalProperties"], f"{where}.additionalProperties")


def _fault(schema: Any) -> str | None:
    """What is wrong with this one node."""
    if not isinstance(schema, dict):
        return "must be an object"
    kind, enum = schema.get("type"), schema.get("enum")
    refused = [keyword for keyword in REFUSED_KEYWORDS if keyword in schema]
    if refused:
        return f"{refused[0]} is not supported"
    if not isinstance(kind, str) or kind not in TYPES:
        return f"type must be one known string, got {kind!r}"
    if enum is not None and (not enum or not is_strings(enum) or len(set(enum)) != len(enum)):
        return "enum must hold strings only, each once"
    if "format" in schema and schema["format"] not in FORMATS:
        return f"format {schema['format']!r} is not supported"
    if not isinstance(schema.get("description", ""), str):
        return "description must be a string"
    if kind == "array" and not isinstance(schema.get("items"), dict):
        return "an array needs items as one schema"
    if kind == "object" and not isinstance(schema.get("properties"), dict):
        return "an object needs properties"
    if kind == "object" and not is_strings(schema.get("required", [])):
        return "required must be a list of names"
    if kind == "object" and not isinstance(schema.get("additionalProperties"), (dict, bool, type(None))):
        return "additionalProperties must be a schema or a boolean"
    return None
