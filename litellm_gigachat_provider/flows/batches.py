"""Batches as flows: read the file, upload what its lines attach, hand it in; later match results with requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..answer.finish import finish_answer
from ..bridge.batches import chat_completion, embedding_list, failed_line
from ..contracts.batches import RUNNING, batch_line, read_batch, read_batches, read_results, result_body
from ..contracts.codecs import CODECS
from ..contracts.embeddings import read_vectors
from ..errors import (
    BadAnswerError,
    ConnectionFailureError,
    GigaChatError,
    InvalidRequestError,
    ModelOutputError,
    TimeoutFailureError,
)
from ..request.batch import Line, at_line, read_lines
from ..settings import Overrides, resolve
from ..settings.timeouts import seconds
from ..transport import jsonio
from ..transport.client import transport_for
from ..types import Answer, ChatRequest, Kind
from ..watch import logs
from .flow import Do, Flow
from .media import settles

_V1 = CODECS["v1"]  # a batch has no v2
_UNCERTAIN = "The batch may have been made all the same: `litellm-gigachat batch --list` shows it"


def create(overrides: Overrides, file: Any, drop_params: bool) -> Flow[dict[str, Any]]:
    given = yield from _given(file)
    lines: list[Line] = yield Do(asyncio.to_thread, read_lines, given, drop_params=drop_params)
    kinds: dict[str, Kind] = {}
    uploaded = yield from _upload(overrides, lines, kinds)
    if any(isinstance(line.asked, ChatRequest) and settles(line.asked, kinds) for line in lines):
        lines = yield Do(asyncio.to_thread, read_lines, given, drop_params=drop_params, kinds=kinds)
    for line in lines:
        for note in line.asked.notes if isinstance(line.asked, ChatRequest) else ():
            logs.LOG.debug("line %d: %s", line.number, note)
    content = yield Do(asyncio.to_thread, _written, lines, uploaded)
    method = "chat_completions" if isinstance(lines[0].asked, ChatRequest) else "embedder"
    headers = {"Content-Type": "application/octet-stream"}
    try:
        return read_batch((yield _ask(overrides, f"batches?method={method}", content, headers)).json())
    except (BadAnswerError, ConnectionFailureError, TimeoutFailureError) as error:
        raise type(error)(f"{error}. {_UNCERTAIN}") from error


def status(overrides: Overrides, batch_id: str) -> Flow[dict[str, Any]]:
    reply = yield _ask(overrides, f"batches?batch_id={quote(batch_id, safe='')}")
    return read_batch(reply.json(), batch_id)


def listing(overrides: Overrides) -> Flow[list[dict[str, Any]]]:
    return read_batches((yield _ask(overrides, "batches")).json())


def results(overrides: Overrides, batch_id: str, file: Any) -> Flow[list[dict[str, Any]]]:
    from ..files import files

    # What a parameter would be refused for was dropped when the batch was made, or it is not in the file.
    lines: list[Line] = yield Do(asyncio.to_thread, read_lines, (yield from _given(file)), drop_params=True)
    batch = yield from status(overrides, batch_id)
    state, counts, file_id = batch["status"], batch["request_counts"], batch["output_file_id"]
    if state in RUNNING:
        problem = f"is {state}, {counts['completed'] + counts['failed']} of {counts['total']} requests are done"
        raise InvalidRequestError("batch_id", problem, "Ask for the results when it is completed.")
    if file_id is None:
        raise BadAnswerError(f"the batch ended as {state!r} and GigaChat names no result file")
    resolved = resolve(overrides)
    data, _ = yield Do(files.download, transport_for(resolved), str(file_id), timeout=seconds(overrides.timeout))
    rows: list[dict[str, Any]]
    rows = yield Do(asyncio.to_thread, _matched, lines, data, batch)
    return rows


def _ask(overrides: Overrides, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None) -> Do:
    resolved = resolve(overrides)
    return Do(
        transport_for(resolved).arequest,
        "GET" if content is None else "POST",
        resolved.url(path),
        content=content,
        headers=headers,
        timeout=seconds(overrides.timeout),
        where="batches",
    )


# --- the file that goes out ----------------------------------------------------------------------------


def _given(file: Any) -> Flow[bytes | list[Any]]:
    if isinstance(file, (str, os.PathLike)):
        content: bytes = yield Do(asyncio.to_thread, _bytes_of, file)
        return content
    if isinstance(file, bytes):
        return file
    if not isinstance(file, Iterable) or isinstance(file, Mapping):
        raise InvalidRequestError("file", "must be a path, bytes or an iterable of dicts")
    return list(file)  # here, not in a thread: it may be the caller's generator


def _bytes_of(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = f"{os.fspath(path)} cannot be read: {error.strerror or type(error).__name__}"
        raise InvalidRequestError("file", problem) from error


def _upload(overrides: Overrides, lines: Sequence[Line], kinds: dict[str, Kind]) -> Flow[Mapping[str, str]]:
    attached = [
        replace(attachment, where=f"line {line.number}, {attachment.where}")
        for line in lines
        if isinstance(line.asked, ChatRequest)
        for attachment in line.asked.attachments
    ]
    if not attached:
        return {}
    from ..files import files

    transport = transport_for(resolve(overrides))
    limit = seconds(overrides.timeout)
    uploaded: Mapping[str, str] = yield Do(files.upload, transport, attached, timeout=limit, kinds=kinds)
    return uploaded


def _bodies(line: Line, uploaded: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """One or more requests: ``n`` choices are ``n`` of them, and texts to embed come in groups."""
    asked = line.asked
    return [_V1.body(asked, uploaded)] * asked.n if isinstance(asked, ChatRequest) else list(asked.batches)


def _wire_id(line: Line, part: int) -> str:
    """In front, as a custom id may end in anything."""
    return f"{part}:{line.custom_id}"


def _written(lines: Sequence[Line], uploaded: Mapping[str, str]) -> bytes:
    out: list[bytes] = []
    for line in lines:
        with at_line(line.number):
            out += [
                jsonio.encode(batch_line(_wire_id(line, part), body))
                for part, body in enumerate(_bodies(line, uploaded))
            ]
    return b"\n".join(out) + b"\n"


# --- the file that comes back --------------------------------------------------------------------------


def _matched(lines: Sequence[Line], data: bytes, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A result for every request, in the requests' order."""
    rows = read_results(data)
    out = [_result(line, rows, batch) for line in lines]
    if rows:  # each line has taken its own
        problem = f"has no request for {len(rows)} of the results, the one of id {next(iter(rows))!r} among them"
        raise InvalidRequestError("file", problem, "Give the file that the batch was made from.")
    return out


def _result(line: Line, rows: dict[str, Mapping[str, Any]], batch: Mapping[str, Any]) -> dict[str, Any]:
    line_id = f"batch_req_{batch['id']}_{line.number}"
    asked = line.asked
    where, parts = ("chat", asked.n) if isinstance(asked, ChatRequest) else ("embeddings", len(asked.batches))
    found = [rows.pop(_wire_id(line, part), None) for part in range(parts)]
    head = {"id": line_id, "custom_id": line.custom_id}
    try:
        replies = [result_body(row, where) for row in found]
        if isinstance(asked, ChatRequest):
            answers = [_answer(reply, asked, f"{line_id}_{part}") for part, reply in enumerate(replies)]
            body = chat_completion(answers, asked, line_id)
        else:
            read = [read_vectors(r, len(group["input"])) for r, group in zip(replies, asked.batches, strict=True)]
            vectors = [vector for group, _ in read for vector in group]
            body = embedding_list(vectors, asked.model, sum(tokens for _, tokens in read), asked.encoding_format)
    except GigaChatError as failure:
        return {**head, **failed_line(failure, asked.model, line_id)}
    return {**head, "response": {"status_code": 200, "request_id": line_id, "body": body}, "error": None}


def _answer(reply: Mapping[str, Any], request: ChatRequest, fallback_id: str) -> Answer:
    outcome = finish_answer(_V1.read_answer(reply, request, fallback_id), request)
    if isinstance(outcome, Answer):
        return outcome
    name = request.names.get(outcome.function.name, outcome.function.name)
    raise ModelOutputError(
        f"the model answered without calling {name!r} as it was told to, and a batch cannot ask it again: "
        "ask this line in a call"
    )
