"""A text reply that was to be JSON: repaired where that is unambiguous, checked, refused otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts.answer_common import shorten
from ..errors import ModelOutputError
from ..types import Structured
from . import schema_check
from .jsonfix import find_json


def json_reply(reply: str, structured: Structured) -> str:
    """The JSON text in ``reply``. Raises :class:`ModelOutputError` for none, or one that breaks a strict schema."""
    schema = structured.schema
    found = find_json(reply, (lambda value: fits(value, schema)) if schema is not None else None)
    if found is None:
        raise ModelOutputError(
            f"the reply was to be JSON and is not: {shorten(reply) or 'it is empty'}", raw=reply, schema=schema
        )
    check(found.value, structured, reply)
    return found.text


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    return schema_check.problem(value, schema) is None


def check(value: Any, structured: Structured, raw: str) -> None:
    """Refuse a value that breaks the schema, where the caller said ``strict``."""
    if structured.strict and structured.schema is not None:
        problem = schema_check.problem(value, structured.schema)
        if problem is not None:
            raise ModelOutputError(
                f"the reply breaks the JSON schema {problem if problem.startswith('at ') else '(' + problem + ')'}",
                raw=raw,
                schema=structured.schema,
            )


def takes_arrays(structured: Structured) -> bool:
    """Whether an array may be the whole of the reply: if not, ``[`` begins prose."""
    kind = (structured.schema or {}).get("type")
    return kind == "array" or (isinstance(kind, (list, tuple)) and "array" in kind)
