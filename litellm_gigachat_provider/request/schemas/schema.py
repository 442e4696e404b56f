"""JSON Schema as people write it -> the part of it that GigaChat's functions take.

The service does not resolve ``$ref``, and refuses an object without ``properties`` and a root that is
not an object; unions, type lists, tuples and ``allOf`` are what its own clients avoid. What has to be
simplified is said in the description instead, so the model still knows: nothing disappears silently.
"""

from __future__ import annotations

import functools
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import InvalidRequestError
from .. import plain
from .budget import GROWTH, fitting
from .references import MAX_DEPTH, Resolver, SchemaError, brief, too_deep
from .unions import widest_kind

_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_FORMATS = frozenset({"date", "date-time", "time"})
_DROPPED = frozenset(
    {
        "title",
        "$schema",
        "$id",
        "$comment",
        "$anchor",
        "$dynamicAnchor",
        "$defs",
        "definitions",
        "$vocabulary",
        "strict",
    }
)
# Conditions the service knows nothing of and whose bodies are schemas themselves: told in words.
_TOLD = (
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentSchemas", "dependentRequired",
    "dependencies", "contains", "unevaluatedProperties", "unevaluatedItems", "additionalItems",
)  # fmt: skip
_HANDLED = frozenset(
    {"type", "description", "enum", "const", "format", "properties", "required", "items", "prefixItems", "nullable"}
    | {"additionalProperties", "anyOf", "oneOf", "allOf", "$ref", "$recursiveRef", "$dynamicRef"}
)
_ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
_PYTHON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"),
)  # fmt: skip


def parameters(schema: Any, where: str, *, ratio: float = GROWTH) -> Mapping[str, Any]:
    """``schema`` (None, or any JSON schema of an object) as GigaChat's ``parameters``.

    References are written out as far as the result is at most ``ratio`` times the given text and 64 KB. Past that,
    what is nearest to the root is kept and a structure further down is an empty object of its kind, described by
    name ("Same structure as T."). A schema that is larger without any reference stays as large as it is.
    The result is shared between calls with the same schema: read it, never write to it.
    """
    if schema is None:
        return _ANY_OBJECT
    if isinstance(schema, bool) or not isinstance(schema, Mapping):
        raise InvalidRequestError(where, f"must be a JSON schema of an object, not {type(schema).__name__}")
    text = plain.dump(schema, where)
    try:
        return _normalised(text, ratio)
    except SchemaError as error:
        raise InvalidRequestError(where + error.path, error.problem, error.remedy) from error


def _normalised(text: str, ratio: float) -> dict[str, Any]:
    result = _normalised_any(text, ratio)
    if result.get("type") != "object":
        raise SchemaError("", f"the root must be an object, not {result.get('type')}", "Wrap it into an object.")
    return result


@functools.lru_cache(maxsize=512)
def _normalised_any(text: str, ratio: float = GROWTH) -> dict[str, Any]:
    root = json.loads(text)
    return fitting(text, ratio, lambda room: _Walker(root, room).whole())


def inlined(schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``schema`` with every ``$ref`` inlined and nothing else changed: for the native ``response_format``.

    As far as there is room for it: as for :func:`parameters`.
    """
    text = plain.dump(schema, where)
    root = json.loads(text)
    try:
        return fitting(text, GROWTH, lambda room: Resolver(root, room).inline_all())
    except SchemaError as error:
        raise InvalidRequestError(where + error.path, error.problem, error.remedy) from error


def is_object(schema: Mapping[str, Any], where: str) -> bool:
    """Whether the root of ``schema`` is an object, so that it can be a function's parameters as it is."""
    try:
        return _normalised_any(plain.dump(schema, where)).get("type") == "object"
    except SchemaError as error:
        raise InvalidRequestError(where + error.path, error.problem, error.remedy) from error


def wrapped(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object whose one property ``name`` is ``schema``; definitions stay at the root, where references look."""
    definitions = {word: schema[word] for word in ("$defs", "definitions") if word in schema}
    inner = {word: value for word, value in schema.items() if word not in definitions}
    return {"type": "object", "properties": {name: inner}, "required": [name], **definitions}


def _type_of(value: Any) -> str:
    return next((name for kind, name in _PYTHON_TYPES if isinstance(value, kind)), "null")


class _Walker:
    """One pass over one schema. ``path`` is where we are, for error texts; refs are resolved on the way."""

    def __init__(self, root: Any, room: int) -> None:
        self._root = root
        self._refs = Resolver(root, room)
        self._waiting: deque[tuple[dict[str, Any], Any, str, frozenset[str], int]] = deque()
        self._active: frozenset[str] = frozenset()

    def whole(self) -> dict[str, Any]:
        """Level by level: where room is short, what is near the root is written out first."""
        result = self._schema(self._root, "", "object", 0, self._active)
        while self._waiting:
            place, node, path, active, depth = self._waiting.popleft()
            place.update(self._schema(node, path, "string", depth, active))
        return result

    def schema(self, node: Any, path: str, *, depth: int) -> dict[str, Any]:
        """The place of one part, filled when its turn comes."""
        place: dict[str, Any] = {}
        self._waiting.append((place, node, path, self._active, depth))
        return place

    def _schema(self, node: Any, path: str, leaf: str, depth: int, active: frozenset[str]) -> dict[str, Any]:
        """One normalised schema. ``leaf`` is the type of a schema that says nothing about its type."""
        if depth > MAX_DEPTH:
            raise too_deep(path)
        if isinstance(node, bool):
            node = {}
        if not isinstance(node, dict):
            raise SchemaError(path, f"must be a schema object, not {_type_of(node)}")
        flat = self._refs.flatten(node, path, active)
        self._active = flat.active
        return self._finish(flat.node, path, leaf, flat.hints, depth)

    def _finish(self, node: dict[str, Any], path: str, leaf: str, hints: list[str], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {"type": self._type(node, path, leaf, hints)}
        described = node.get("description")
        self._values(node, path, result, hints)
        for word, write in _STRUCTURE.get(result["type"], ()):
            write(self, node, word, path, result, hints, depth)
        for word, value in node.items():
            if word in _TOLD:
                hints.append(f"{word}: {self._refs.words(value)}.")
            elif word not in _HANDLED and word not in _DROPPED:
                result.setdefault(word, self._refs.told(value))
        text = " ".join(filter(None, [described if isinstance(described, str) else "", *hints]))
        if text:
            result["description"] = text
        return result

    def _type(self, node: dict[str, Any], path: str, leaf: str, hints: list[str]) -> str:
        named = node.get("type")
        if isinstance(named, list):
            kinds = [kind.lower() for kind in named if isinstance(kind, str)]
            real = [kind for kind in kinds if kind != "null"]
            if len(real) < len(kinds) and real:
                hints.append("May be null.")
            if len(real) > 1:
                hints.append(f"Alternatively: {', '.join(kind for kind in real if kind != widest_kind(real))}.")
            named = widest_kind(real) if real else next(iter(kinds), None)
        if node.get("nullable") is True:
            hints.append("May be null.")
        if named is None:
            named = _inferred(node, leaf)
        if not isinstance(named, str) or named.lower() not in _TYPES:
            raise SchemaError(f"{path}.type", f"{str(named)[:40]!r} is not a JSON schema type")
        if named.lower() == "null":  # the service knows no such type
            hints.append("Always null: leave it out.")
            return "string"
        return named.lower()

    def _values(self, node: dict[str, Any], path: str, result: dict[str, Any], hints: list[str]) -> None:
        if "const" in node:
            if isinstance(node["const"], str):
                result["enum"] = [node["const"]]
            else:
                hints.append(f"Always {brief(node['const'])}.")
        listed = node.get("enum")
        if listed is not None and "enum" not in result:
            if not isinstance(listed, list):
                raise SchemaError(f"{path}.enum", "must be a list")
            texts = list(dict.fromkeys(v for v in listed if isinstance(v, str)))
            rest = [v for v in listed if not isinstance(v, str)]
            if texts and all(v is None for v in rest):
                result["enum"] = texts
                if rest:
                    hints.append("May be null.")
            elif listed:
                hints.append(f"Allowed values: {brief(listed)[1:-1]}.")
        form = node.get("format")
        if isinstance(form, str):
            if form in _FORMATS:
                result["format"] = form
            else:
                hints.append(f"Format: {form}.")

    def _properties(
        self, node: dict[str, Any], word: str, path: str, result: dict[str, Any], hints: list[str], depth: int
    ) -> None:
        named = node.get(word)
        if named is None:
            named = {}
        if not isinstance(named, dict):
            raise SchemaError(f"{path}.{word}", "must be an object of schemas")
        result["properties"] = {
            name: self.schema(value, f"{path}.properties.{name}", depth=depth + 1)
            for name, value in named.items()
            if value is not False  # a property that may never be present
        }
        required = node.get("required")
        if isinstance(required, list):
            known = {n for n in result["properties"] if not self._refs.only_null(named[n])}
            kept = list(dict.fromkeys(n for n in required if isinstance(n, str) and n in known))
            if kept:
                result["required"] = kept

    def _additional(
        self, node: dict[str, Any], word: str, path: str, result: dict[str, Any], hints: list[str], depth: int
    ) -> None:
        more = node.get(word)
        if isinstance(more, bool):
            result[word] = more
        elif more is not None:
            result[word] = self.schema(more, f"{path}.{word}", depth=depth + 1)

    def _items(
        self, node: dict[str, Any], word: str, path: str, result: dict[str, Any], hints: list[str], depth: int
    ) -> None:
        items = node.get("prefixItems") or node.get("items")
        if isinstance(items, list):
            if len(items) > 1:
                hints.append(f"Items in order: {self._refs.words(items)}.")
            items = items[0] if items else None
        if items is None or isinstance(items, bool):
            items = {"type": "string"}
        result["items"] = self.schema(items, f"{path}.items", depth=depth + 1)


def _inferred(node: dict[str, Any], leaf: str) -> str:
    if "properties" in node or "additionalProperties" in node or "required" in node:
        return "object"
    if "items" in node or "prefixItems" in node:
        return "array"
    for word in ("enum", "const"):
        if word in node:
            value = node[word]
            first = next((v for v in value if v is not None), None) if isinstance(value, list) else value
            return _type_of(first)
    return leaf


_Writer = Callable[[_Walker, dict[str, Any], str, str, dict[str, Any], list[str], int], None]
_STRUCTURE: dict[str, tuple[tuple[str, _Writer], ...]] = {
    "object": (("properties", _Walker._properties), ("additionalProperties", _Walker._additional)),
    "array": (("items", _Walker._items),),
}
