"""The branches of a union as one schema that takes whatever one of them takes."""

from __future__ import annotations

import json
from typing import Any

_SCALARS = ("string", "number", "integer", "boolean")  # text can hold any of the others
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_NOT_LIMITS = frozenset({"type", "description", "title", "default", "examples", "enum", "const", "properties"})


def kind_of(branch: dict[str, Any]) -> str | None:
    """The type a branch says or lets see; None: it does not say."""
    named = branch.get("type")
    if isinstance(named, list):
        named = next((kind for kind in named if kind != "null"), None)
    if isinstance(named, str):
        return named.lower()
    if "properties" in branch or "additionalProperties" in branch or "required" in branch:
        return "object"
    if "items" in branch or "prefixItems" in branch:
        return "array"
    values = _values(branch)
    if values is not None and all(isinstance(value, str) for value in values):
        return "string"
    return "string" if "pattern" in branch or "format" in branch else None


def widest_kind(kinds: list[str]) -> str:
    """Text where only scalars are mixed and one of them is text; otherwise the first."""
    if all(kind in _SCALARS for kind in kinds):
        return next((kind for kind in _SCALARS if kind in kinds), kinds[0])
    return kinds[0]


def widest(branches: list[dict[str, Any]], outer: str | None) -> dict[str, Any]:
    """One schema without references and unions at its top; ``outer`` is the type that all of them share."""
    kinds = [kind_of(branch) or outer for branch in branches]
    said = [kind for kind in kinds if kind is not None]
    result: dict[str, Any] = {}
    if said:
        result["type"] = widest_kind(said)
    mixed = len(set(said)) > 1
    if not mixed:
        result.update(_limits(branches))
    same = [branch for branch, kind in zip(branches, kinds, strict=True) if kind == result.get("type")]
    _structure(same, branches, result, mixed=mixed)
    return result


def _values(branch: dict[str, Any]) -> list[Any] | None:
    values = [branch["const"]] if "const" in branch else branch.get("enum")
    return values if isinstance(values, list) else None


def _limits(branches: list[dict[str, Any]]) -> dict[str, Any]:
    """What no branch exceeds: a limit that one of them does not have is none."""
    result: dict[str, Any] = {}
    listed = [values for branch in branches if (values := _values(branch)) is not None]
    if len(listed) == len(branches):
        result["enum"] = list({json.dumps(v): v for values in listed for v in values}.values())
    for word in branches[0].keys() - _NOT_LIMITS - {"items", "prefixItems", "required"}:
        if not all(word in branch for branch in branches):
            continue
        values = [branch[word] for branch in branches]
        if all(value == values[0] for value in values):
            result[word] = values[0]
        elif word in _LOWER + _UPPER and all(isinstance(value, (int, float)) for value in values):
            result[word] = (min if word in _LOWER else max)(values)
    return result


def _structure(
    same: list[dict[str, Any]], branches: list[dict[str, Any]], result: dict[str, Any], *, mixed: bool
) -> None:
    found: dict[str, list[Any]] = {}
    for branch in same:
        named = branch.get("properties")
        for name, part in named.items() if isinstance(named, dict) else ():
            if part not in found.setdefault(name, []):
                found[name].append(part)
    if found:
        result["properties"] = {name: _either(parts) for name, parts in found.items()}
    required = [branch.get("required") for branch in (same if mixed else branches)]
    common = (
        [name for name in required[0] or () if all(name in (names or ()) for names in required)] if required else []
    )
    if common:
        result["required"] = common
    for word in ("prefixItems", "items"):
        items = [branch[word] for branch in same if word in branch]
        if items and all(item == items[0] for item in items):
            result[word] = items[0]
        elif items:
            result["items"] = {
                "anyOf": [part for item in items for part in (item if isinstance(item, list) else [item])]
            }


def _either(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else {"anyOf": parts}


def exact(branches: list[dict[str, Any]]) -> bool:
    """Whether one list of texts says all that the branches say."""
    return all(
        branch.keys() <= {"type", "title", "enum", "const"}
        and all(isinstance(v, str) for v in _values(branch) or [None])
        for branch in branches
    )
