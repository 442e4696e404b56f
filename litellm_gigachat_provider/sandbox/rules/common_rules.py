"""Checks both chat contracts share: JSON types, number ranges, response formats, attachments, call/result pairs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from .refusal import (
    CALL_WITHOUT_RESULT,
    EMPTY_SCHEMA,
    NO_MODEL,
    RESULT_WITHOUT_CALL,
    SYSTEM_FIRST,
    Refusal,
    bad_json,
    invalid,
)

EFFORTS: Final = ("low", "medium", "high")
MAX_IMAGES_PER_MESSAGE: Final = 1
MAX_IMAGES_PER_REQUEST: Final = 10

Check = Callable[[Any], bool]
# The fields of an object: to each its check, the shape of an object, or [the shape] of an array's objects. "name!" must
# be there.
Shape = Mapping[str, Any]
# Answers a file's id with its MIME type, or raises a Refusal when it may not be used.
FileLookup = Callable[[str], str]


def _kind(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


is_bool, is_string, is_integer = _kind(bool), _kind(str), _kind(int)
is_object, is_list, is_integer_or_null = _kind(dict), _kind(list), _kind(int, type(None))


def is_number(value: Any) -> bool:
    return _kind(int, float)(value) and math.isfinite(value)


def is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def check_types(value: Any, shape: Shape, where: str = "") -> None:
    """400 for a field of the wrong JSON type or one that is missing; unknown fields are left for later."""
    if not isinstance(value, dict):
        raise bad_json(f"{where or 'the body'} must be an object")
    for key, kind in shape.items():
        name, place = key.rstrip("!"), f"{where}.{key}".strip(".!")
        if name not in value:
            if name != key:
                raise bad_json(f"{place} is required")
        elif isinstance(kind, Mapping):
            check_types(value[name], kind, place)
        elif not isinstance(kind, list):
            if not kind(value[name]):
                raise bad_json(f"{place} has a wrong JSON type: {type(value[name]).__name__}")
        elif not isinstance(value[name], list):
            raise bad_json(f"{place} must be an array")
        else:
            for number, item in enumerate(value[name]):
                check_types(item, kind[0], f"{place}[{number}]")


def unknown_fields(
    body: Mapping[str, Any], known: Collection[str], *, strict: bool, warnings: list[str], where: str = ""
) -> None:
    """The service is thought to ignore unknown fields; a judge records them, and refuses when strict.

    Of a shape, the objects inside are looked at, too.
    """
    names = {key.rstrip("!"): key for key in known}
    for name, value in body.items():
        inner = known[names[name]] if name in names and isinstance(known, Mapping) else None
        if name not in names:
            warnings.append(f"unknown field {where}{name}")
            if strict:
                raise invalid(f"unknown field {where}{name}")
        elif isinstance(inner, Mapping):
            unknown_fields(value, inner, strict=strict, warnings=warnings, where=f"{where}{name}.")


def check_model(model: str, known_models: Collection[str]) -> None:
    if model not in known_models:
        raise Refusal(404, NO_MODEL, f"model {model!r}")


_RANGES: Final[dict[str, tuple[Check, str]]] = {
    "temperature": (lambda value: bool(value > 0), "(0, +inf)"),
    "top_p": (lambda value: bool(0 <= value <= 1), "[0, 1]"),
    "max_tokens": (lambda value: value is None or bool(value > 0), "(0, +inf)"),
    "repetition_penalty": (lambda value: bool(value > 0), "(0, +inf)"),
    "update_interval": (lambda value: bool(value >= 0), "[0, +inf)"),
}


def check_sampling(options: Mapping[str, Any]) -> None:
    """Ranges of the sampling fields, the same words for all of them as observed for repetition_penalty."""
    for name, (fits, words) in _RANGES.items():
        if name in options and not fits(options[name]):
            raise invalid(f"{name} must be in range {words}")


def check_effort(value: Any, where: str) -> None:
    if value not in EFFORTS:
        raise invalid(f"{where} must be one of {', '.join(EFFORTS)}")


_FORMATS: Final[dict[str, Shape]] = {
    "text": {},
    "json_schema": {"schema": is_object, "strict": is_bool},
    "regex": {"regex!": is_string},
}


def check_format(response_format: Mapping[str, Any], *, strict: bool) -> None:
    """The flat shape of GigaChat: ``{"type": "json_schema", "schema": {…}, "strict": true}``, no wrapper."""
    check_types(response_format, {"type!": is_string}, "response_format")
    kind = response_format["type"]
    if kind not in _FORMATS:
        raise Refusal(400, f'Unknown type "{kind}" in response_format')
    if kind == "json_schema" and not response_format.get("schema"):
        raise Refusal(400, EMPTY_SCHEMA)
    check_types(response_format, _FORMATS[kind], "response_format")
    if (
        kind == "json_schema"
        and response_format.get("strict")
        and not is_list(response_format["schema"].get("required"))
    ):
        raise invalid("response_format.schema must have required when strict is true")
    if kind == "regex":
        try:
            re.compile(response_format["regex"])
        except re.error as error:
            raise invalid(f"response_format.regex is not a regular expression: {error}") from error
    extra = sorted({*response_format} - {"type", *(key.rstrip("!") for key in _FORMATS[kind])})
    if extra and (strict or kind == "text"):
        raise invalid(f"unknown field response_format.{extra[0]}")


def check_files(per_message: Iterable[list[str]], lookup: FileLookup | None) -> None:
    """Each message's file ids: they exist, are ours, at most one image a message and ten a request."""
    if lookup is None:
        return
    total = 0
    for number, ids in enumerate(per_message):
        images = sum(lookup(file_id).startswith("image/") for file_id in ids)
        total += images
        if images > MAX_IMAGES_PER_MESSAGE:
            raise invalid(f"only {MAX_IMAGES_PER_MESSAGE} image per message is allowed (messages[{number}])")
    if total > MAX_IMAGES_PER_REQUEST:
        raise invalid(f"no more than {MAX_IMAGES_PER_REQUEST} images per request are allowed")


class Pairing:
    """Walks a history: every call is answered by a result at once, every result has its call."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def calls(self, names: Iterable[str]) -> None:
        self.other()
        self._open = list(names)

    def result(self, name: str) -> None:
        if name not in self._open:
            raise Refusal(422, RESULT_WITHOUT_CALL, f"result of {name!r} has no open call")
        self._open.remove(name)

    def other(self) -> None:
        """A message that is neither: nothing may be open."""
        if self._open:
            raise Refusal(422, CALL_WITHOUT_RESULT, f"no result for {', '.join(self._open)}")


def check_history(
    messages: Sequence[Mapping[str, Any]],
    roles: Mapping[str, Collection[str]],
    check: Callable[[Mapping[str, Any], str, Pairing], None],
) -> None:
    """What both contracts want of ``messages``; ``check`` sees each with its place and the open calls."""
    if not messages:
        raise invalid("messages must not be empty")
    pairing = Pairing()
    for number, message in enumerate(messages):
        where, role = f"messages[{number}]", message["role"]
        if role not in roles:
            raise invalid(f"unknown role {role} in {where}")
        if role == "system" and number > 0:
            raise Refusal(422, SYSTEM_FIRST, where)
        check(message, where, pairing)
    pairing.other()
