"""OpenAI's batch file: each line read by the mapping of a call, or refused with its number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import InvalidRequestError
from ..models import find
from ..types import ChatRequest, Kind
from . import embeddings
from .choice import forced
from .embeddings import EmbeddingPlan
from .gate import Gate
from .params import is_housekeeping
from .request import read_chat

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
# Said of one call: its headers, its account, what comes after it. All lines of a batch travel in one request.
_OF_A_CALL = frozenset({"extra_headers", "session_id", "gigachat_scope", "gigachat_delete_files"})


@dataclass(frozen=True, slots=True)
class Line:
    """``number`` counts from 1, as editors do; an item of an iterable counts as a line."""

    number: int
    custom_id: str
    asked: ChatRequest | EmbeddingPlan


def read_lines(
    given: bytes | Sequence[Any], *, drop_params: bool = False, kinds: Mapping[str, Kind] | None = None
) -> list[Line]:
    """Every request of the file. Raises InvalidRequestError, whose field begins with ``line <number>``.

    ``kinds``: what files behind URLs turned out to be, by ``Attachment.key``, on a second reading.
    """
    lines: list[Line] = []
    urls: set[str] = set()
    taken: dict[str, int] = {}
    for number, item in _items(given):
        with at_line(number):
            entry = _mapping(_parsed(item) if isinstance(item, bytes) else item, "line")
            custom_id = _custom_id(entry, taken)
            urls.add(_url(entry))
            if len(urls) > 1:
                remedy = "Put chat and embeddings into two files"
                raise InvalidRequestError("url", "is another one than before: GigaChat takes one a batch", remedy)
            body = _mapping(entry.get("body"), "body")
            lines.append(Line(number, custom_id, _asked(body, CHAT in urls, drop_params, kinds)))
            taken[custom_id] = number
    if not lines:
        raise InvalidRequestError("file", "has no requests", "Give one request a line.")
    return lines


@contextmanager
def at_line(number: int) -> Iterator[None]:
    """Puts the number before the field of what is refused inside."""
    try:
        yield
    except InvalidRequestError as error:
        raise type(error)(f"line {number}, {error.field}", error.problem, error.remedy) from error


def _items(given: bytes | Sequence[Any]) -> Iterator[tuple[int, Any]]:
    if not isinstance(given, bytes):
        yield from enumerate(given, 1)
        return
    # not splitlines: JSON's strings may hold characters that count as line ends there
    for number, text in enumerate(given.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if text.strip():
            yield number, text


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise InvalidRequestError("line", f"is not JSON ({error})") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequestError(where, "must be an object", "A line is {custom_id, method, url, body}.")
    return value


def _custom_id(entry: Mapping[str, Any], taken: Mapping[str, int]) -> str:
    found = entry.get("custom_id")
    if not isinstance(found, str) or not found:
        raise InvalidRequestError("custom_id", "must be a string that is not empty")
    if found in taken:
        raise InvalidRequestError("custom_id", f"{found[:80]!r} stands in line {taken[found]} already")
    return found


def _url(entry: Mapping[str, Any]) -> str:
    url = entry.get("url")
    if url not in (CHAT, EMBEDDINGS):
        raise InvalidRequestError("url", f"{str(url)[:80]!r} is not known", f"Use {CHAT} or {EMBEDDINGS}.")
    if entry.get("method") != "POST":
        raise InvalidRequestError("method", "must be POST")
    return str(url)


def _asked(
    body: Mapping[str, Any], chat: bool, drop_params: bool, kinds: Mapping[str, Kind] | None
) -> ChatRequest | EmbeddingPlan:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("model", "must be the name of a model")
    model = model.removeprefix("gigachat/")
    subject = "messages" if chat else "input"
    params = _params(body, ("model", subject), Gate("v1", drop_params))
    if not chat:
        return embeddings.plan(model, body.get(subject), params, drop_params=drop_params)
    request = read_chat(
        model, body.get(subject), params, contract="v1", model_info=find(model), drop_params=drop_params, kinds=kinds
    )
    if request.stream:
        raise InvalidRequestError("stream", "a batch does not stream", "Leave it out.")
    # nobody can ask once more for a required call
    return request if request.required is None else forced(request, request.required.chooser)


def _params(body: Mapping[str, Any], apart: Sequence[str], gate: Gate) -> dict[str, Any]:
    """The body's parameters, without what a call would understand and a batch can do nothing with."""
    extra = body.get("extra_body")
    given = {name: value for name, value in body.items() if value is not None and name not in apart}
    for name in (*given, *(extra if isinstance(extra, Mapping) else ())):
        if _is_of_a_call(name):
            gate.unsupported(name, "is said of one call, not of a line of a batch")
    return {name: value for name, value in given.items() if not _is_of_a_call(name)}


def _is_of_a_call(name: str) -> bool:
    return name in _OF_A_CALL or is_housekeeping(name)
