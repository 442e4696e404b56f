"""Values for a JSON schema, taken from the prompt where it has something fitting, made up by a fixed rule where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..rules.refusal import Refusal
from . import patterns, words

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b")
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL: Final = re.compile(r"https?://[^\s'\"<>]+")
_FORMULA: Final = re.compile(r"[\d(][\d\s.()+*/^×÷-]*[-+*/^×÷][\d\s.()+*/^×÷-]*[\d)]")
_PLACE: Final = re.compile(
    r"\b(?:in|at|for|from|to|of|в|во|на|для|из|по)\s+(?:the city of |город[еа]? |г\. ?)?"
    r"([A-ZА-ЯЁ][\w-]*(?:\s[A-ZА-ЯЁ][\w-]*)*(?:, [A-Z]{2}\b)?)"
)
_FREE_TEXT: Final = ("query", "question", "text", "prompt", "content", "message", "body", "request", "input", "thought",
                     "запрос", "текст", "вопрос")  # fmt: skip
_ANSWER: Final = ("answer", "final_answer", "ответ")
_LAST_STEP: Final = ("final_answer", "finish", "submit")  # tools by which agents' loops end
_OBSERVED: Final = re.compile(r"\W*(?:observation|наблюдение)\b", re.IGNORECASE)
_NUMERIC: Final = ("age", "count", "year", "price", "number", "quantity", "total", "возраст", "год", "цена",
                  "количество")  # fmt: skip
_COMMAND: Final = re.compile(r"command|cmd|(?<!de)script", re.IGNORECASE)
_EXACT: Final = re.compile(rf"{_COMMAND.pattern}|(?<![a-z])(?:file|path|dir)|(?:file|path|dir)(?![a-z])", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<![\w/])(?:[\w~.-]*/[\w./~-]*|[\w-]+\.[a-z]\w{0,4})(?!\w)")
_MAX_DEPTH: Final = 12


class Filler:
    """Fills one function's arguments. Each number, quote and name of the prompt is used once, in order.

    ``told``: what functions have answered so far; it becomes the argument that asks for the answer. ``made_up``: a
    command or a path had to be invented.
    """

    def __init__(self, prompt: str, root: Mapping[str, Any] | None = None, told: str = "") -> None:
        self.prompt = prompt
        self._told = told
        self.made_up = False
        self._root = root or {}
        self._words = words.words(prompt)
        self._quoted = words.quoted(prompt)
        self._numbers = words.numbers(prompt)
        self._identifiers = words.identifiers(prompt)
        self._names = list(dict.fromkeys(_PLACE.findall(prompt) + words.names(prompt)))
        self._given = {key: value for item in words.json_objects(prompt) for key, value in item.items()}

    def fill(self, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
        """A value for ``schema``; ``name`` is the property it is for."""
        schema = self._resolve(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema["enum"])
        kind = schema.get("type", "number" if self._numbers and name.lower() in _NUMERIC else None)
        if isinstance(kind, list):
            kind = next((item for item in kind if item != "null"), "null")
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("number", "integer"):
            return self._number(schema, whole=kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else self._string(schema, name)

    def _resolve(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        """``response_format`` schemas may use references and unions, functions may not; both end up here."""
        for _ in range(_MAX_DEPTH):
            if "$ref" in schema:
                target: Any = self._root
                for step in str(schema["$ref"]).lstrip("#/").split("/"):
                    target = target.get(step, {}) if isinstance(target, Mapping) else {}
                schema = target if depth < _MAX_DEPTH else {"type": "null"}
                continue
            union = schema.get("anyOf") or schema.get("oneOf")
            if union:
                schema = next((item for item in union if item.get("type") != "null"), union[0])
                continue
            if schema.get("allOf"):
                merged: dict[str, Any] = {"properties": {}, "required": [], "type": "object"}
                for part in schema["allOf"]:
                    solved = self._resolve(part, depth + 1)
                    merged["properties"].update(solved.get("properties", {}))
                    merged["required"] += solved.get("required", [])
                return merged
            return schema
        return {"type": "null"}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth >= _MAX_DEPTH:
            return {}
        required = schema.get("required", [])
        out: dict[str, Any] = {}
        for name, sub in schema.get("properties", {}).items():
            if name in self._given and _fits(self._given[name], sub):
                out[name] = self._given[name]
            elif name in required or self._wanted(name, sub):
                out[name] = self.fill(sub, name, depth + 1)
        return out

    def _wanted(self, name: str, schema: Mapping[str, Any]) -> bool:
        """An optional property is filled when the prompt names it or one of its values."""
        if any(str(value).lower() in self.prompt.lower() for value in schema.get("enum", [])):
            return True
        own = words.words(name)
        return bool(own) and words.mentioned(own, self._words) == set(own)

    def _choice(self, values: list[Any]) -> Any:
        if _OBSERVED.match(self.prompt):  # an agent's loop that writes results as the user's text
            last = next((value for value in values if value in _LAST_STEP), None)
            if last is not None:
                return last
        lower = self.prompt.lower()
        for value in values:
            if re.search(rf"(?<!\w){re.escape(str(value).lower())}(?!\w)", lower):
                return value
        for value in values:
            own = words.words(str(value))
            if own and words.mentioned(own, self._words) == set(own):
                return value
        return values[0]

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        items = schema.get("items") or {"type": "string"}
        count = max(1, int(schema.get("minItems", 1)))
        if items.get("type") in ("number", "integer"):
            count = max(count, len(self._numbers))  # "add 2, 3 and 4" means all of them
        return [self.fill(items, name, depth + 1) for _ in range(count)]

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> float | int:
        value = self._numbers.pop(0) if self._numbers else float(schema.get("default") or 1)
        if "minimum" in schema:
            value = max(value, schema["minimum"])
        if "maximum" in schema:
            value = min(value, schema["maximum"])
        return int(value) if whole or value == int(value) else value

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if isinstance(schema.get("pattern"), str):
            try:
                return patterns.example(schema["pattern"], self.prompt)
            except (Refusal, re.error):
                return "x"
        exact = self._exact(name) if _EXACT.search(name) else ""
        text = exact or self._by_kind(schema.get("format", ""), name) or self._any(name)
        if not text and isinstance(schema.get("default"), str):
            text = schema["default"]
        return text or "text"

    def _exact(self, name: str) -> str:
        """A command as it is quoted, a path as it is written."""
        if _COMMAND.search(name):
            found = self._quoted.pop(0) if self._quoted else ""
        else:
            path = _PATH.search(self.prompt)
            found = path.group() if path else ""
        self.made_up = self.made_up or not found
        return found

    def _by_kind(self, kind: str, name: str) -> str:
        """Dates, addresses and formulas are recognised by the property's format or name."""
        own = name.lower()
        for sign, pattern, fallback in (
            ("date-time", None, "2026-01-01T00:00:00"),
            ("date", _DATE, "2026-01-01"),
            ("time", _TIME, "12:00" if kind == "time" else ""),
            ("email", _EMAIL, "user@example.com"),
            ("url", _URL, "https://example.com"),
            ("uri", _URL, "https://example.com"),
            ("expression", _FORMULA, ""),
            ("formula", _FORMULA, ""),
        ):
            if sign == kind or (sign in own and (not kind)):
                found = pattern.search(self.prompt) if pattern else None
                if found:
                    return found.group().strip()
                return fallback if sign == kind or sign in ("email", "url") else ""
        return ""

    def _any(self, name: str) -> str:
        own = name.lower()
        if own in _ANSWER and (self._told or _OBSERVED.match(self.prompt)):
            return self._told or self.prompt.strip()
        if any(word in own for word in _FREE_TEXT):
            return self._quoted.pop(0) if self._quoted else self.prompt.strip()
        if self._identifiers and re.search(r"id$|_id|number|code|order|sku", own):
            return self._identifiers.pop(0)
        for pool in (self._quoted, self._names, self._identifiers):
            if pool:
                return pool.pop(0)
        return self._words[-1] if self._words else ""


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str, "object": dict, "array": list, "boolean": bool, "integer": int, "number": (int, float),
    }  # fmt: skip
    kind = schema.get("type")
    return isinstance(value, kinds[kind]) if isinstance(kind, str) and kind in kinds else True
