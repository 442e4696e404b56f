"""Nullable fields that the model left out: a function's schema cannot say null, so leaving out is how it says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_MAX_DEPTH = 100


def fill_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` with null in every required field that ``schema`` lets be null and that is missing."""
    return _fill(value, schema, schema, 0)


def _fill(value: Any, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if depth > _MAX_DEPTH or not isinstance(value, (dict, list)):
        return value
    for part in _parts(schema, root, 0):
        if isinstance(value, list):
            items = part.get("items")
            value = [_fill(one, items, root, depth + 1) for one in value] if isinstance(items, Mapping) else value
            continue
        value = dict(value)
        named = part.get("properties")
        named = named if isinstance(named, Mapping) else {}
        for name in part.get("required") or ():
            if name not in value and name in named and _nullable(named[name], root):
                value[name] = None
        for name, inner in value.items():
            value[name] = _fill(inner, named.get(name, part.get("additionalProperties")), root, depth + 1)
    return value


def _nullable(schema: Any, root: Mapping[str, Any]) -> bool:
    for part in _parts(schema, root, 0):
        kinds, values = part.get("type"), part.get("enum")
        if kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
            return True
        if (isinstance(values, list) and None in values) or ("const" in part and part["const"] is None):
            return True
    return False


def _parts(schema: Any, root: Mapping[str, Any], depth: int) -> list[Mapping[str, Any]]:
    """``schema`` with what it refers to and all branches of its unions."""
    if not isinstance(schema, Mapping) or depth > 10:
        return []
    found = [schema]
    for word in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(word) or ():
            found += _parts(part, root, depth + 1)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        node: Any = root
        for step in filter(None, reference[1:].split("/")):
            node = node.get(unquote(step).replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
        found += _parts(node, root, depth + 1)
    return found
