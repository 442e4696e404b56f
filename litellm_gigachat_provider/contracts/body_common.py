"""What the bodies of both contracts share: functions, files, the response format, JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequestError
from ..types import Attachment, Function, Structured

TO_JSON = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes an encoder for every call


def function_to_wire(function: Function) -> dict[str, Any]:
    if function.builtin:
        return {"name": function.name}
    wire: dict[str, Any] = {"name": function.name}
    if function.description is not None:
        wire["description"] = function.description
    wire["parameters"] = function.parameters
    if function.few_shot_examples is not None:
        wire["few_shot_examples"] = function.few_shot_examples
    if function.return_parameters is not None:
        wire["return_parameters"] = function.return_parameters
    return wire


def file_id(attachment: Attachment, files: Mapping[str, str]) -> str:
    found = attachment.file_id or files.get(attachment.key)
    if found is None:
        raise InvalidRequestError(attachment.where or "messages", "the file was not uploaded")
    return found


def response_format(structured: Structured | None) -> dict[str, Any] | None:
    """GigaChat's ``response_format``, flat; None where nothing is sent.

    "strict requires the schema to have required": where a strict schema has none, all its properties
    are, which is what the service does with a strict schema anyway.
    """
    if structured is None:
        return None
    if structured.mode == "regex":
        return {"type": "regex", "regex": structured.regex}
    if structured.wire is None:
        return None
    if not structured.strict:
        return {"type": "json_schema", "schema": structured.wire}
    schema = dict(structured.wire)
    schema.setdefault("required", list(schema.get("properties") or ()))
    return {"type": "json_schema", "schema": schema, "strict": True}
