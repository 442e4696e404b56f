"""Several schemas as one: both of them hold."""

from __future__ import annotations

from typing import Any


def without(node: dict[str, Any], *words: str) -> dict[str, Any]:
    return {k: v for k, v in node.items() if k not in words}


def is_null(node: Any) -> bool:
    if not isinstance(node, dict):
        return False
    return (
        node.get("type") in ("null", ["null"])
        or ("const" in node and node["const"] is None)
        or node.get("enum") == [None]
    )


def _merge_properties(over: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, schema in over.items():
        merged[name] = {"allOf": [schema, under[name]]} if name in under and under[name] != schema else schema
    return merged


def merge(over: dict[str, Any], under: Any) -> dict[str, Any]:
    """Both schemas hold: properties and requirements add up, enums intersect, ``over`` wins the rest."""
    if not isinstance(under, dict):  # true and false add no keyword
        return over
    result = {**under, **over}
    pairs = {word: (over[word], under[word]) for word in over.keys() & under.keys()}
    for word, (one, two) in pairs.items():
        if word == "properties" and isinstance(one, dict) and isinstance(two, dict):
            result[word] = _merge_properties(one, two)
        elif word == "required" and isinstance(one, list) and isinstance(two, list):
            result[word] = [*one, *(name for name in two if name not in one)]
        elif word == "enum" and isinstance(one, list) and isinstance(two, list):
            result[word] = [value for value in one if value in two]
        elif word in ("allOf", "anyOf", "oneOf") and isinstance(one, list) and isinstance(two, list):
            result[word] = [*one, *two]
    return result
