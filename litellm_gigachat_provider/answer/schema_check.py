"""Checking a reply against the caller's JSON schema. Offline: no reference is ever fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SHOWN = 300


def problem(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with ``value``, in one sentence; None if nothing is, or if the schema cannot be judged by."""
    validator = _validator(json.dumps(schema, sort_keys=True, default=str))
    if validator is None:
        return None
    from referencing.exceptions import Unresolvable

    try:
        error = next(validator.iter_errors(value), None)
    except (Unresolvable, re.error, RecursionError):  # a reference to elsewhere, a pattern of another dialect
        return None
    if error is None:
        return None
    where = "/".join(str(step) for step in error.absolute_path)
    return f"{'at ' + where + ': ' if where else ''}{error.message[:_SHOWN]}"


@lru_cache(maxsize=64)
def _validator(schema_text: str) -> Any:
    try:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry
    except ImportError:  # LiteLLM brings it along today; without it only JSON itself is checked
        return None
    schema = json.loads(schema_text)
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError:
        return None
    return kind(schema, registry=Registry())
