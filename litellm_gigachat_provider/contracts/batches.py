"""``/batches`` and its result file.

Known from the documentation: ``{"id", "request"}`` a line in; a batch with ``id``, ``method``, ``status``,
``request_counts`` and, once completed, ``output_file_id``. It does not say what a line of the result file looks like:
two clients read ``{"id", "result"}`` or ``{"id", "error": {"status", "message"}}``, so that and its kin are taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import BadAnswerError, HttpFailureError
from .answer_common import bad, count, json_text, raise_error_body, shorten

RUNNING = ("created", "in_progress")  # the third documented status is "completed"; any other is an end, too
_RESULT = ("result", "response", "body")


def batch_line(line_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": line_id, "request": body}


def read_batches(data: Any) -> list[dict[str, Any]]:
    """The batches of an answer: a list of them, with or without ``{"batches": …}`` around it, or a single one."""
    found = data.get("batches", [data]) if isinstance(data, Mapping) else data
    if not isinstance(found, list) or not all(isinstance(one, Mapping) and one.get("id") for one in found):
        raise bad("GigaChat's answer to batches holds no batch with an id", data)
    return [_batch(one) for one in found]


def read_batch(data: Any, batch_id: str | None = None) -> dict[str, Any]:
    found = read_batches(data)
    for one in found:
        if batch_id in (None, one["id"]):
            return one
    raise HttpFailureError(404, b'{"message": "Batch task not found"}', where="batches")  # an empty list says the same


def _batch(one: Mapping[str, Any]) -> dict[str, Any]:
    counts = one.get("request_counts")
    told = counts if isinstance(counts, Mapping) else {}
    return {
        **one,
        "id": str(one["id"]),
        "status": str(one.get("status", "created")),
        "request_counts": {name: count(told.get(name)) for name in ("total", "completed", "failed")},
        "output_file_id": one.get("output_file_id") or None,
        "created_at": count(one.get("created_at")),
    }


def read_results(data: bytes) -> dict[str, Mapping[str, Any]]:
    """The lines of a result file by id. What is no JSON object with an id is left out: its request has no result."""
    text = data.strip()
    rows = [_value(text)] if text.startswith(b"[") else [_value(line) for line in text.split(b"\n")]
    if rows and isinstance(rows[0], list):
        rows = rows[0]
    return {str(row["id"]): row for row in rows if isinstance(row, Mapping) and "id" in row}


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def result_body(row: Mapping[str, Any] | None, where: str) -> Mapping[str, Any]:
    """The answer that a line brings. Raises HttpFailureError for an error, BadAnswerError where there is neither."""
    if row is None:
        raise BadAnswerError("GigaChat's result file has no line for this request")
    raise_error_body(row, where=where)
    found: Any = next((row[key] for key in _RESULT if isinstance(row.get(key), Mapping)), None)
    if found is None or row.get("error"):
        raise BadAnswerError(f"GigaChat's result file has no answer in this line: {shorten(json_text(row))}")
    inner: Mapping[str, Any] = found["body"] if isinstance(found.get("body"), Mapping) else found
    return inner
