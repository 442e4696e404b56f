"""Content parts of OpenAI's (and Anthropic's) messages -> text and attachments, in their order.

GigaChat takes text as a string and files by id only, so every file becomes an ``Attachment`` that is
uploaded before the body is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidRequestError
from ..types import Attachment, Kind
from . import media, plain

Segment = str | Attachment
_Part = Mapping[str, Any]
_Reader = Callable[[_Part, str], "list[Segment]"]


def read(content: Any, where: str) -> list[Segment]:
    """The segments of a message's ``content``: a string, nothing, one part, or a list of parts."""
    if isinstance(content, str):
        return [plain.check_text(content, where)] if content else []
    if content is None:
        return []
    if isinstance(content, Mapping):
        return _part(content, where)
    if not isinstance(content, (list, tuple)):
        raise InvalidRequestError(where, f"must be text or a list of parts, not {type(content).__name__}")
    return [segment for index, part in enumerate(content) for segment in _part(part, f"{where}[{index}]")]


def text_only(content: Any, where: str, role: str) -> str:
    """The text of a message that cannot carry files."""
    if isinstance(content, str):
        return plain.check_text(content, where)
    segments = read(content, where)
    for segment in segments:
        if not isinstance(segment, str):
            raise InvalidRequestError(
                segment.where, f"a message of role {role} cannot carry a file", "Put it into a user message."
            )
    return "\n".join(str(segment) for segment in segments)


def _part(part: Any, where: str) -> list[Segment]:
    if isinstance(part, str):
        return [plain.check_text(part, where)] if part else []
    part = plain.mapping(part, where, "a content part")
    kind = part.get("type")
    if not isinstance(kind, str):
        kind = next((word for word in ("text", "image_url", "input_audio", "file") if word in part), None)
    reader = _READERS.get(kind or "")
    if reader is None:
        raise InvalidRequestError(
            where,
            f"has the part type {str(part.get('type'))[:60]!r}, which GigaChat does not take",
            f"Known types: {', '.join(_READERS)}.",
        )
    return reader(part, where)


def _text(part: _Part, where: str) -> list[Segment]:
    text = part.get("text")
    if not isinstance(text, str):
        raise InvalidRequestError(f"{where}.text", "must be a string")
    return [plain.check_text(text, where)] if text else []


def _refusal(part: _Part, where: str) -> list[Segment]:
    return _text({"text": part.get("refusal")}, where)


def _reference(part: _Part, where: str) -> list[Segment]:
    """What the tool search of Claude Code found, by name; the tool itself stands among the request's tools."""
    name = part.get("tool_name")
    return _text({"text": f"Tool: {name}"}, where) if name else []


def _nothing(part: _Part, where: str) -> list[Segment]:
    """The model's own thoughts of an earlier turn: GigaChat has no place for them in history."""
    return []


def _inner(part: _Part, word: str, where: str) -> tuple[Any, Mapping[str, Any]]:
    """``part[word]`` as a bare string (OpenAI's Responses) or as an object (Chat Completions)."""
    value = part.get(word)
    if isinstance(value, str):
        return value, part
    return None, plain.mapping(value, f"{where}.{word}", "a URL or an object")


def _mime(holder: Mapping[str, Any]) -> str | None:
    named = holder.get("format") or holder.get("media_type") or holder.get("mime_type")
    return named.lower() if isinstance(named, str) and "/" in named else None


def _image(part: _Part, where: str) -> list[Segment]:
    if part.get("image_url") is None and isinstance(part.get("file_id"), str):
        return [media.from_id(part["file_id"], where, kind="image")]
    bare, holder = _inner(part, "image_url", where)
    address = bare if bare is not None else holder.get("url")
    if address is None and isinstance(holder.get("file_id"), str):
        return [media.from_id(holder["file_id"], where, kind="image")]
    return [media.from_text(address, f"{where}.image_url", kind="image", mime=_mime(holder))]


def _file(part: _Part, where: str) -> list[Segment]:
    inner = part.get("file")
    holder = plain.mapping(inner, f"{where}.file", "an object") if inner is not None else part
    filename = holder.get("filename") if isinstance(holder.get("filename"), str) else None
    mime = _mime(holder) or media.guess(filename)
    for word in ("file_data", "file_url"):
        if holder.get(word):
            at = f"{where}.file.{word}"
            return [media.from_text(holder[word], at, kind=None, filename=filename, mime=mime)]
    file_id = holder.get("file_id")
    if not isinstance(file_id, str) or not file_id:
        raise InvalidRequestError(f"{where}.file", "needs file_data or file_id")
    if file_id.lower().startswith(("http://", "https://", "data:")):
        return [media.from_text(file_id, f"{where}.file.file_id", kind=None, filename=filename, mime=mime)]
    return [media.from_id(file_id, f"{where}.file.file_id", kind=None, filename=filename, mime=mime)]


def _audio(part: _Part, where: str) -> list[Segment]:
    holder = plain.mapping(part.get("input_audio"), f"{where}.input_audio", "an object with data and format")
    named = holder.get("format")
    mime = media.AUDIO.get(named.lower()) if isinstance(named, str) else None
    if named is not None and mime is None:
        raise InvalidRequestError(
            f"{where}.input_audio.format", f"{str(named)[:20]!r} is not taken", f"Use one of {', '.join(media.AUDIO)}."
        )
    filename = f"audio.{named.lower()}" if isinstance(named, str) else None
    return [
        media.from_text(holder.get("data"), f"{where}.input_audio.data", kind="audio", mime=mime, filename=filename)
    ]


def _source(part: _Part, where: str) -> list[Segment]:
    """Anthropic's image and document blocks: ``source`` of type base64, url, file or text."""
    source = plain.mapping(part.get("source"), f"{where}.source", "an object")
    kind: Kind | None = "image" if part.get("type") == "image" else None
    title = part.get("title") if isinstance(part.get("title"), str) else None
    at, mime = f"{where}.source", _mime(source)
    form = source.get("type")
    if form == "text" and isinstance(source.get("data"), str):
        data = plain.check_text(source["data"], at).encode()
        return [media.from_bytes(data, "text/plain", at, kind="document", filename=title)]
    if form == "content":
        return read(source.get("content"), f"{at}.content")
    word = {"base64": "data", "url": "url", "file": "file_id"}.get(form if isinstance(form, str) else "")
    if word is None:
        raise InvalidRequestError(f"{at}.type", f"{str(form)[:40]!r} is not known", "Use base64, url, file or text.")
    value = source.get(word)
    if word == "file_id" and isinstance(value, str) and value:
        return [media.from_id(value, f"{at}.{word}", kind=kind, mime=mime)]
    return [media.from_text(value, f"{at}.{word}", kind=kind, mime=mime, filename=title)]


_READERS: dict[str, _Reader] = {
    "text": _text,
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
    "input_text": _text,
    "output_text": _text,
    "input_image": _image,
    "input_file": _file,
    "image": _source,
    "document": _source,
    "refusal": _refusal,
    "tool_reference": _reference,
    "thinking": _nothing,
    "redacted_thinking": _nothing,
    "reasoning": _nothing,
}
