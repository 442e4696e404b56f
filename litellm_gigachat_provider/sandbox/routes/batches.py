"""``POST /batches`` and ``GET /batches``: many requests in one file, answered in another.

What the documentation leaves open is decided strictly here: a line has ``id`` (a string, once) and ``request`` and
nothing else, results come in another order than requests, and a line that is refused is a result with ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ..answers_v1 import body as answer_body
from ..brain.script import ScriptedFaultError
from ..files import StoredBatch, StoredFile
from ..generation import Caller
from ..http import authorize, caller, json_response, parse_json, require_object, world_of
from ..rules.refusal import FORBIDDEN, TOO_LARGE, Refusal, bad_json
from ..state import World
from ..stream import compact
from .chat import prepared
from .text import embedded

NO_BATCH: Final = "Batch task not found"
METHODS: Final = ("chat_completions", "embedder")


async def create(request: Request) -> Response:
    world, who = _allowed(request)
    method = request.query_params.get("method")
    if method not in METHODS:
        raise Refusal(400, f"Unknown batch method: {method}")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/octet-stream":
        raise bad_json("Content-Type must be application/octet-stream")
    raw = await request.body()
    if world.knobs.max_body_bytes is not None and len(raw) > world.knobs.max_body_bytes:
        raise Refusal(413, TOO_LARGE, f"{len(raw)} bytes")
    rows = [_row(world, method, line, who) for line in _lines(raw)]
    batch = StoredBatch(world.new_id(), method, rows[::-1], world.now(), who.owner, who.client_id)
    world.batches[batch.id] = batch
    stamp = int(batch.created_at)
    told = {"id": batch.id, "method": method, "request_counts": {"total": len(rows)}, "status": "created"}
    return json_response(request, {**told, "created_at": stamp, "updated_at": stamp})


async def listing(request: Request) -> Response:
    """All of the account's batches, or the one that is asked for."""
    world, who = _allowed(request)
    found = [one for one in world.batches.values() if (one.owner, one.client_id) == (who.owner, who.client_id)]
    wanted = request.query_params.get("batch_id")
    if wanted is not None:
        found = [one for one in found if one.id == wanted]
        if not found:
            raise Refusal(404, NO_BATCH)
    return json_response(request, {"batches": [_described(world, one) for one in found]})


def _allowed(request: Request) -> tuple[World, Caller]:
    who = caller(request, authorize(request))
    if world_of(request).knobs.batches_forbidden:
        raise Refusal(403, FORBIDDEN)
    return world_of(request), who


def _lines(raw: bytes) -> list[Mapping[str, Any]]:
    lines: dict[str, Mapping[str, Any]] = {}
    for number, text in enumerate(raw.removesuffix(b"\n").split(b"\n"), 1):
        line = require_object(parse_json(text), id=str, request=dict)
        if len(line) > 2 or not line["id"] or line["id"] in lines:
            raise bad_json(f"line {number} has an id that is empty or taken, or fields besides id and request")
        lines[line["id"]] = line
    return list(lines.values())


def _row(world: World, method: str, line: Mapping[str, Any], who: Caller) -> dict[str, Any]:
    body = line["request"]
    try:
        if method == "embedder":
            return {"id": line["id"], "result": embedded(world, body, [])}
        if body.get("stream"):
            raise bad_json("a batch does not stream")
        return {"id": line["id"], "result": answer_body(prepared(world, body, who, [])(), world.knobs)}
    except Refusal as refusal:
        return {"id": line["id"], "error": refusal.body()}
    except ScriptedFaultError as error:
        status = error.fault.status
        return {"id": line["id"], "error": error.fault.body or {"status": status, "message": "scripted"}}


def _described(world: World, batch: StoredBatch) -> dict[str, Any]:
    """How far it is by now; the result file is there from the end on, a file of the account like any other."""
    total, age = len(batch.rows), world.now() - batch.created_at
    done = total if age >= world.knobs.batch_seconds else int(total * age / world.knobs.batch_seconds)
    failed = sum("error" in row for row in batch.rows[:done])
    told = {
        "id": batch.id,
        "method": batch.method,
        "request_counts": {"total": total, "completed": done - failed, "failed": failed},
        "status": "completed" if done == total else "in_progress" if done else "created",
        "created_at": int(batch.created_at),
        "updated_at": int(world.now()),
    }
    if done < total:
        return told
    if batch.output_file_id is None:
        batch.output_file_id = world.new_id()
        data = b"".join(compact(row).encode() + b"\n" for row in batch.rows)
        name, stamp = f"{batch.output_file_id}.jsonl", int(world.now())
        kept = (data, "application/jsonl", name, "general", stamp, batch.owner, batch.client_id)
        world.files.add(StoredFile(batch.output_file_id, *kept))
    return {**told, "output_file_id": batch.output_file_id}
