"""References, ``allOf`` and unions of a JSON schema, flattened into single schemas.

Works on a private plain copy of the root. Nothing here recurses along a reference twice: a reference
that is already being unfolded is recursion, and is cut there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

MAX_NODES = 10_000  # parts of one unfolded schema: far beyond real tools, reached by doubling references
MAX_DEPTH = 100
HINT_LIMIT = 800  # characters of one hint
_REF_WORDS = ("$ref", "$recursiveRef", "$dynamicRef")
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SCHEMAS = frozenset(
    {"items", "prefixItems", "additionalProperties", "additionalItems", "anyOf", "oneOf", "allOf", "not", "if", "then"}
    | {"else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
_DEFINITIONS = frozenset({"$defs", "definitions"})
_MISSING = object()


class SchemaError(Exception):
    """``path`` is where in the schema (``.properties.a``), to be put behind the caller's own path."""

    def __init__(self, path: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.remedy = remedy


def too_big() -> SchemaError:
    return SchemaError("", f"unfolds to more than {MAX_NODES} parts", "Use fewer or flatter references.")


def too_deep(path: str) -> SchemaError:
    return SchemaError(path[:80], f"nests deeper than {MAX_DEPTH} levels", "Use a flatter schema.")


def brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= HINT_LIMIT else text[:HINT_LIMIT] + "…"


def _reference(node: dict[str, Any]) -> str | None:
    for word in _REF_WORDS:
        if isinstance(node.get(word), str):
            return str(node[word])
    return None


def _without(node: dict[str, Any], *words: str) -> dict[str, Any]:
    return {k: v for k, v in node.items() if k not in words}


def _is_null(node: Any) -> bool:
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


class Flat:
    """A schema without references, ``allOf`` and unions at its top; ``refs`` were unfolded to get it."""

    __slots__ = ("hints", "node", "refs")

    def __init__(self) -> None:
        self.node: dict[str, Any] = {}
        self.refs: list[str] = []
        self.hints: list[str] = []


class Resolver:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._active: list[str] = []
        self._told_left = MAX_NODES
        self._nodes = 0

    # --- one schema, flattened ------------------------------------------------------------------

    def flatten(self, node: dict[str, Any], path: str) -> Flat:
        """``node`` flattened. Call :meth:`release` with the result once its children are done."""
        flat = Flat()
        flat.node = self._flat(node, path, flat, 0)
        return flat

    def release(self, flat: Flat) -> None:
        if flat.refs:
            del self._active[-len(flat.refs) :]

    def _flat(self, node: dict[str, Any], path: str, flat: Flat, depth: int) -> dict[str, Any]:
        self._count()
        if depth > MAX_DEPTH:
            raise too_deep(path)
        reference = _reference(node)
        if reference is not None:
            rest = _without(node, *_REF_WORDS)
            if reference in self._active:
                flat.hints.append(f"Same structure as {name_of(reference)}.")
                return {**{k: v for k, v in rest.items() if k == "description"}, "type": "object", "properties": {}}
            target = self.resolve(reference, path)
            self._active.append(reference)
            flat.refs.append(reference)
            return self._flat(merge(rest, target), path, flat, depth + 1)
        if "allOf" in node:
            rest = _without(node, "allOf")
            for part in self._variants(node["allOf"], f"{path}.allOf"):
                if isinstance(part, dict):
                    rest = merge(rest, self._flat(part, f"{path}.allOf", flat, depth + 1))
            return self._flat(rest, path, flat, depth + 1)
        for word in ("anyOf", "oneOf"):
            if word in node:
                variants = self._variants(node[word], f"{path}.{word}")
                chosen = self._chosen(_without(node, word), variants, flat)
                return self._flat(chosen, path, flat, depth + 1)
        return node

    def _variants(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise SchemaError(path, "must be a list of schemas")
        for part in value:
            if not isinstance(part, (dict, bool)):
                raise SchemaError(path, "must hold schemas only")
        return value

    def _chosen(self, rest: dict[str, Any], variants: list[Any], flat: Flat) -> dict[str, Any]:
        real = [part for part in variants if not _is_null(part)]
        if not real:
            return {**rest, "type": "null"} if variants else rest
        if len(real) < len(variants):
            flat.hints.append("May be null.")
        if all(isinstance(part, dict) and part.keys() <= {"required"} for part in real):
            # "at least one of these is given": taking the first would require what need not be there
            flat.hints.append(f"Required, one of: {brief([part.get('required') for part in real])}.")
            return rest
        if len(real) > 1:
            others = "; ".join(brief(self.told(part)) for part in real[1:5])
            flat.hints.append(f"Alternatively: {others[: 2 * HINT_LIMIT]}.")
        return merge(rest, real[0])

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > 4 * MAX_NODES:
            raise too_big()

    # --- references -------------------------------------------------------------------------------

    def resolve(self, reference: str, path: str) -> Any:
        """What a local reference points at: a JSON pointer of any kind, or an ``$anchor``."""
        if reference == "#":
            return self._root
        found: Any = _MISSING
        if reference.startswith("#/"):
            found = self._pointer(reference[2:])
        elif reference.startswith("#"):
            found = next((node for node in self._walk() if reference[1:] == node.get("$anchor")), _MISSING)
        if isinstance(found, (dict, bool)):
            return found
        raise SchemaError(
            path, f"the reference {reference[:100]!r} cannot be resolved", "Only references inside the schema are."
        )

    def _pointer(self, pointer: str) -> Any:
        node: Any = self._root
        for raw in pointer.split("/"):
            step = unquote(raw).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                return _MISSING
        return node

    def _walk(self) -> Iterator[dict[str, Any]]:
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                yield node
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)

    # --- words for the description ------------------------------------------------------------------

    def told(self, node: Any, refs: int = 2, depth: int = 0) -> Any:
        """``node`` for a hint: references unfolded a little, titles and definitions left out."""
        self._told_left -= 1
        if self._told_left < 0 or depth > 20:
            return "…"
        if isinstance(node, list):
            return [self.told(part, refs, depth + 1) for part in node]
        if not isinstance(node, dict):
            return node
        reference = _reference(node)
        if reference is not None:
            if refs == 0 or reference in self._active:
                return name_of(reference)
            return self.told(merge(_without(node, *_REF_WORDS), self.resolve(reference, "")), refs - 1, depth + 1)
        return {
            word: self.told(value, refs, depth + 1)
            for word, value in node.items()
            if word not in _DEFINITIONS and not (word == "title" and isinstance(value, str))
        }

    # --- everything inlined, nothing else changed ------------------------------------------------------

    def inline_all(self) -> dict[str, Any]:
        result = self._inline(self._root, "", 0)
        assert isinstance(result, dict)
        return result

    def _inline(self, node: Any, path: str, depth: int) -> Any:
        self._count()
        if depth > MAX_DEPTH:
            raise too_deep(path)
        if isinstance(node, list):
            return [self._inline(part, path, depth + 1) for part in node]
        if not isinstance(node, dict):
            return node
        reference = _reference(node)
        if reference is not None:
            if reference in self._active:
                return {"type": "object", "properties": {}, "description": f"Same structure as {name_of(reference)}."}
            self._active.append(reference)
            target = self.resolve(reference, path)
            result = self._inline(merge(_without(node, *_REF_WORDS), target), path, depth + 1)
            self._active.pop()
            return result
        return {
            word: self._inline_word(word, value, f"{path}.{word}", depth)
            for word, value in node.items()
            if word not in _DEFINITIONS
        }

    def _inline_word(self, word: str, value: Any, path: str, depth: int) -> Any:
        if word in _MAPS and isinstance(value, dict):
            return {name: self._inline(part, f"{path}.{name}", depth + 1) for name, part in value.items()}
        return self._inline(value, path, depth + 1) if word in _SCHEMAS else value


def name_of(reference: str) -> str:
    """The last step of a reference: the name its author gave to the structure."""
    return unquote(reference.rsplit("/", 1)[-1]) if "/" in reference else "the whole"
