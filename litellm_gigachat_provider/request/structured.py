"""``response_format``: how it is met, and what that adds to the request.

Native (``response_format`` on the wire) where the model or the contract takes it, and only without the
caller's own functions: combined with them, or with function results in history, "output degraded to
broken JSON". Elsewhere a function whose parameters are the schema is forced, or offered beside the
caller's tools with an instruction to answer through it. ``json_object`` does not exist in GigaChat
('Unknown type "json_object" in response_format') and is an instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequestError
from ..types import Function, Structured
from . import plain, values
from .gate import USE_V2, Gate
from .names import Names
from .schemas import schema

WRAP = "value"
JSON_HINT = "Answer with one valid JSON object and nothing else: no Markdown fence, no text around it."
_DESCRIPTION = "Gives the final answer to the user in the required structure."
_TYPES = "text, json_schema, json_object or regex"


@dataclass(frozen=True, slots=True)
class Plan:
    """``function`` is to be forced, or (``beside``) offered with others; ``hint`` goes to the system text."""

    structured: Structured
    function: Function | None = None
    hint: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    schema: Mapping[str, Any]
    strict: bool
    name: str
    description: str
    where: str


def plan(value: Any, names: Names, gate: Gate, *, native: bool, override: str | None, beside: bool) -> Plan | None:
    """The plan for ``response_format`` ``value``; None for plain text.

    ``native``: it can be met natively. ``override``: ``native`` or ``function``, the caller's own wish. ``beside``: an
    answering function must leave room for others: tools, or a document to be read.
    """
    if isinstance(value, type):
        value = _from_class(value)
    holder = plain.mapping(value, "response_format", "an object")
    kind = holder.get("type")
    if kind == "text":
        return None
    if kind == "json_object" and not (isinstance(holder.get("schema"), Mapping) or "response_schema" in holder):
        return Plan(Structured("prompt"), hint=JSON_HINT)
    if kind in ("json_schema", "json_object"):
        asked = _asked(holder)
        if override == "native" or (native and override is None):
            return _native(asked)
        return _function(asked, names, beside)
    if kind == "regex":
        pattern = values.text(holder.get("regex", holder.get("pattern")), "response_format.regex")
        if gate.contract == "v1" and override != "native":
            gate.unsupported("response_format", "regex exists in GigaChat's v2 contract only", USE_V2)
            return None
        return Plan(Structured("regex", regex=pattern))
    raise InvalidRequestError("response_format.type", f"{str(kind)[:40]!r} is not known", f"Use {_TYPES}.")


def _from_class(cls: type) -> Mapping[str, Any]:
    """A pydantic model class, for callers that reach us without LiteLLM's own conversion."""
    method = getattr(cls, "model_json_schema", None)
    if not callable(method):
        raise InvalidRequestError("response_format", f"{cls.__name__} is no pydantic model")
    return {"type": "json_schema", "json_schema": {"name": cls.__name__, "schema": method(), "strict": True}}


def _asked(holder: Mapping[str, Any]) -> _Asked:
    inner = holder.get("json_schema")
    where = "response_format"
    if inner is not None:
        where = "response_format.json_schema"
        holder = plain.mapping(inner, where, "an object with name and schema")
    found = holder.get("schema", holder.get("response_schema"))
    if not isinstance(found, Mapping) or not found:
        raise InvalidRequestError(f"{where}.schema", "must be a JSON schema that is not empty")
    strict = holder.get("strict")
    name, description = holder.get("name"), holder.get("description")
    return _Asked(
        schema=plain.copy(found, f"{where}.schema"),
        strict=strict is not None and values.boolean(strict, f"{where}.strict"),
        name=plain.check_text(name, f"{where}.name") if isinstance(name, str) and name.strip() else "final_answer",
        description=plain.check_text(description, f"{where}.description") if isinstance(description, str) else "",
        where=f"{where}.schema",
    )


def _native(asked: _Asked) -> Plan:
    found = schema.inlined(asked.schema, asked.where)  # what cannot be resolved is refused before sending
    if not found:
        raise InvalidRequestError(asked.where, "says nothing but definitions", "Give the root a type or a $ref.")
    if not isinstance(found.get("required", []), list):
        raise InvalidRequestError(f"{asked.where}.required", "must be a list of names")
    return Plan(Structured("native", schema=asked.schema, strict=asked.strict, wire=found))


def _function(asked: _Asked, names: Names, beside: bool) -> Plan:
    wrap = None if schema.is_object(asked.schema, asked.where) else WRAP
    parameters = schema.wrapped(asked.schema, wrap) if wrap else asked.schema
    function = Function(
        name=names.reserve(asked.name),
        description=f"{_DESCRIPTION} {asked.description}".strip(),
        parameters=schema.parameters(parameters, asked.where),
    )
    hint = ""
    if beside:
        hint = f"Give the final answer only by calling the function {function.name}, never as plain text."
    structured = Structured("function", schema=asked.schema, strict=asked.strict, function=function.name, wrap=wrap)
    return Plan(structured, function, hint, beside)
