"""References, ``allOf`` and unions of a JSON schema, flattened into single schemas.

Works on a private plain copy of the root. A reference that is already being unfolded is recursion and is
cut there; one for which no room is left (see :class:`Room`) is cut too: an object described by its name.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from .budget import DEFINITIONS, Room, size
from .merge import is_null, merge, without
from .unions import exact, kind_of, widest

_MAX_TOLD = 10_000
MAX_DEPTH = 100
HINT_LIMIT = 800  # characters of one hint
_REF_WORDS = ("$ref", "$recursiveRef", "$dynamicRef")
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SCHEMAS = frozenset(
    {"items", "prefixItems", "additionalProperties", "additionalItems", "anyOf", "oneOf", "allOf", "not", "if", "then"}
    | {"else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
_KEPT_BY_NAME = ("description", "default")
_MISSING = object()
_Waiting = tuple[dict[str, Any], dict[str, Any], str, frozenset[str], int]


class SchemaError(Exception):
    """``path`` is where in the schema (``.properties.a``), to be put behind the caller's own path."""

    def __init__(self, path: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.remedy = remedy


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


class Flat:
    """A schema without references, ``allOf`` and unions at its top; ``active`` are the references around its parts."""

    __slots__ = ("active", "hints", "node", "own")

    def __init__(self, active: frozenset[str]) -> None:
        self.node: dict[str, Any] = {}
        self.active = active
        self.own: set[str] = set()
        self.hints: list[str] = []


class Resolver:
    def __init__(self, root: Any, room: int) -> None:
        self._root = root
        self._room = Room(root, room)
        self._told_left = _MAX_TOLD

    # --- one schema, flattened ------------------------------------------------------------------

    def flatten(self, node: dict[str, Any], path: str, active: frozenset[str]) -> Flat:
        """``node`` flattened, below the references ``active``."""
        flat = Flat(active)
        flat.node = self._flat(node, path, flat, 0)
        flat.active = active | flat.own
        return flat

    def _flat(self, node: dict[str, Any], path: str, flat: Flat, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise too_deep(path)
        reference = _reference(node)
        if reference is not None:
            rest = without(node, *_REF_WORDS)
            if reference in flat.own:  # already part of this very schema
                return self._flat(rest, path, flat, depth + 1)
            target = self.resolve(reference, path)
            if reference in flat.active or (path and not self._room.takes(reference, target)):
                flat.hints.append(f"Same structure as {name_of(reference)}.")
                return {**{k: v for k, v in rest.items() if k in _KEPT_BY_NAME}, **self._by_name(target)}
            flat.own.add(reference)
            return self._flat(merge(rest, target), path, flat, depth + 1)
        if "allOf" in node:
            rest = without(node, "allOf")
            for part in self._variants(node["allOf"], f"{path}.allOf"):
                if isinstance(part, dict):
                    rest = merge(rest, self._flat(part, f"{path}.allOf", flat, depth + 1))
            return self._flat(rest, path, flat, depth + 1)
        for word in ("anyOf", "oneOf"):
            if word in node:
                variants = self._variants(node[word], f"{path}.{word}")
                chosen = self._chosen(without(node, word), variants, f"{path}.{word}", flat, depth)
                return self._flat(chosen, path, flat, depth + 1)
        return node

    def _by_name(self, node: Any, depth: int = 0) -> dict[str, Any]:
        """The kind of structure that ``node`` is, and nothing of what is in it."""
        while isinstance(node, dict) and depth < 10:
            depth += 1
            reference = _reference(node)
            if reference is not None:
                node = self.resolve(reference, "")
                continue
            kind = kind_of(node)
            if kind is not None:
                inner: dict[str, Any] = {"properties": {}} if kind == "object" else {}
                if kind == "array" and isinstance(node.get("items"), dict):
                    inner = {"items": self._by_name(node["items"], depth)}
                return {"type": kind, **inner}
            parts = next((p for word in ("allOf", "anyOf", "oneOf") if isinstance(p := node.get(word), list)), ())
            node = next((part for part in parts if isinstance(part, dict) and not is_null(part)), None)
        return {"type": "object", "properties": {}}

    def _variants(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise SchemaError(path, "must be a list of schemas")
        for part in value:
            if not isinstance(part, (dict, bool)):
                raise SchemaError(path, "must hold schemas only")
        return value

    def _chosen(self, rest: dict[str, Any], variants: list[Any], path: str, flat: Flat, depth: int) -> dict[str, Any]:
        variants = [{} if part is True else part for part in variants if part is not False]
        real = [part for part in variants if not is_null(part)]
        if not real:
            return {**rest, "type": "null"} if variants else rest
        if len(real) < len(variants):
            flat.hints.append("May be null.")
        if len(real) == 1:
            return merge(rest, real[0])
        branches, inner = [], []
        for part in real:
            branch = Flat(flat.active)
            branch.own = set(flat.own)
            branches.append(self._flat(part, path, branch, depth + 1))
            inner.append(branch)
        flat.own.update(*(branch.own for branch in inner))
        flat.hints += dict.fromkeys(hint for branch in inner for hint in branch.hints if hint not in flat.hints)
        if all(part.keys() <= {"required"} for part in real):
            flat.hints.append(f"Required, one of: {brief([part.get('required') for part in real])}.")
        elif not exact(branches):
            plain = real[0].keys() <= {"type", "title"}  # the type that is sent says it
            plain = plain and kind_of(real[0]) == widest(branches, None).get("type")
            told = "; ".join(dict.fromkeys(self.words(part) for part in real[plain:]))
            flat.hints.append(f"{'Alternatively' if plain else 'One of'}: {told[: 2 * HINT_LIMIT]}.")
        return merge(rest, widest(branches, kind_of(rest)))

    # --- references -------------------------------------------------------------------------------

    def only_null(self, node: Any, depth: int = 0) -> bool:
        """Whether null is all that ``node`` takes."""
        if not isinstance(node, dict) or depth > 10:
            return False
        reference = _reference(node)
        if reference is not None:
            return self.only_null(self.resolve(reference, ""), depth + 1)
        parts = node.get("anyOf") or node.get("oneOf")
        return is_null(node) or (isinstance(parts, list) and all(self.only_null(p, depth + 1) for p in parts))

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

    def words(self, node: Any) -> str:
        """``node`` in one hint; its references by name only where no room is left."""
        text = brief(self.told(node))
        return text if self._room.more(max(len(text) - size(node), 0)) else brief(self.told(node, refs=0))

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
            if refs == 0:
                return name_of(reference)
            return self.told(merge(without(node, *_REF_WORDS), self.resolve(reference, "")), refs - 1, depth + 1)
        return {
            word: self.told(value, refs, depth + 1)
            for word, value in node.items()
            if word not in DEFINITIONS and not (word == "title" and isinstance(value, str))
        }

    # --- everything inlined, nothing else changed ------------------------------------------------------

    def inline_all(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        waiting: deque[_Waiting] = deque([(result, self._root, "", frozenset(), 0)])
        while waiting:  # level by level: what is near the root is written out first
            place, node, path, active, depth = waiting.popleft()
            place.update(self._whole(node, path, active, depth, waiting))
        return result

    def _whole(
        self, node: dict[str, Any], path: str, active: frozenset[str], depth: int, waiting: deque[_Waiting]
    ) -> dict[str, Any]:
        own: set[str] = set()
        while (reference := _reference(node)) is not None:
            rest = without(node, *_REF_WORDS)
            target = self.resolve(reference, path)
            if reference in active or (path and reference not in own and not self._room.takes(reference, target)):
                kept = {k: v for k, v in rest.items() if k in _KEPT_BY_NAME}
                said = " ".join(filter(None, [rest.get("description"), f"Same structure as {name_of(reference)}."]))
                return {**kept, **self._by_name(target), "description": said}
            node = rest if reference in own else merge(rest, target)
            own.add(reference)
        inside = active | own
        return {
            word: self._inline_word(word, value, f"{path}.{word}", inside, depth, waiting)
            for word, value in node.items()
            if word not in DEFINITIONS
        }

    def _inline(self, node: Any, path: str, active: frozenset[str], depth: int, waiting: deque[_Waiting]) -> Any:
        if depth > MAX_DEPTH:
            raise too_deep(path)
        if isinstance(node, list):
            return [self._inline(part, path, active, depth + 1, waiting) for part in node]
        if not isinstance(node, dict):
            return node
        place: dict[str, Any] = {}
        waiting.append((place, node, path, active, depth))
        return place

    def _inline_word(
        self, word: str, value: Any, path: str, active: frozenset[str], depth: int, waiting: deque[_Waiting]
    ) -> Any:
        if word in _MAPS and isinstance(value, dict):
            return {
                name: self._inline(part, f"{path}.{name}", active, depth + 1, waiting) for name, part in value.items()
            }
        return self._inline(value, path, active, depth + 1, waiting) if word in _SCHEMAS else value


def name_of(reference: str) -> str:
    """The last step of a reference: the name its author gave to the structure."""
    return unquote(reference.rsplit("/", 1)[-1]) if "/" in reference else "the whole"
