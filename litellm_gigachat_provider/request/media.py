"""Bytes and addresses of files as they come inside messages: data URLs, base64, URLs, GigaChat's own ids."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import InvalidRequestError
from ..types import Attachment, Kind

_SPACE = re.compile(r"\s+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mp3"),
    (b"OggS", "audio/x-ogg"),
)
_TELL_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}

AUDIO = {"mp3": "audio/mp3", "wav": "audio/wav", "m4a": "audio/x-m4a", "ogg": "audio/x-ogg", "opus": "audio/opus"}
AUDIO |= {"mp4": "audio/mp4", "webm": "audio/webm", "weba": "audio/webm"}
_OFFICE = "application/vnd.openxmlformats-officedocument."
# A table of our own: the standard library's reads the machine's files and differs between machines.
_BY_EXTENSION = {
    **AUDIO,
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/ppt",
    "epub": "application/epub",
    **dict.fromkeys(("txt", "md", "markdown", "csv", "json", "xml", "yaml", "yml", "html", "log"), "text/plain"),
}


def sniff(data: bytes) -> str | None:
    """The MIME type the first bytes tell, None where they tell nothing."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), None)


def guess(filename: str | None) -> str | None:
    """The MIME type that the end of a file's name tells."""
    return _BY_EXTENSION.get(filename.rpartition(".")[2].lower()) if filename else None


def kind_of(mime: str | None, fallback: Kind = "document") -> Kind:
    if mime in _TELL_NOTHING:
        return fallback
    family = (mime or "").partition("/")[0]
    if family == "image":
        return "image"
    if family in ("audio", "video"):
        return "audio"
    return "document" if mime else fallback


def decode(text: str, where: str) -> bytes:
    """The bytes of base64 ``text``. Line breaks, missing padding and the URL alphabet are understood."""
    packed = _SPACE.sub("", text)
    if not packed or _BASE64.match(packed) is None:
        raise InvalidRequestError(where, "is not base64", "Give the file's bytes in base64, or a URL.")
    packed = packed.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidRequestError(where, f"is not base64 ({error})", "It seems to be cut.") from error


def from_bytes(data: bytes, mime: str | None, where: str, *, kind: Kind | None, filename: str | None) -> Attachment:
    if not data:
        raise InvalidRequestError(where, "is an empty file")
    if mime is None or mime in _TELL_NOTHING:
        mime = sniff(data) or mime
    return Attachment(
        key=f"sha256:{hashlib.sha256(data).hexdigest()}",
        kind=kind_of(mime, kind or "document"),
        data=data,
        mime=mime,
        filename=filename,
        where=where,
    )


def _data_url(url: str, where: str, kind: Kind | None, filename: str | None, mime: str | None) -> Attachment:
    head, comma, payload = url[5:].partition(",")
    if not comma:
        raise InvalidRequestError(where, "is a data URL without data", "It looks like data:image/png;base64,iVBOR....")
    named, *parameters = head.split(";")
    if any(part.strip().lower() == "base64" for part in parameters):
        data = decode(payload, where)
    else:
        data = unquote_to_bytes(payload)
    named = named.strip().lower()
    return from_bytes(data, mime if named in _TELL_NOTHING else named, where, kind=kind, filename=filename)


def from_text(
    text: object, where: str, *, kind: Kind | None, filename: str | None = None, mime: str | None = None
) -> Attachment:
    """What ``text`` stands for: a data URL, an http(s) URL, the id of a file at GigaChat, or bare base64.

    The declared type decides what it is, then the first bytes; ``kind`` is what the part it came in says, and holds
    where they tell nothing. LiteLLM sends every Anthropic document as an ``image_url``.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequestError(where, "must be a URL, a data URL or base64 text")
    text = text.strip()
    scheme = text[:8].lower()
    if scheme.startswith("data:"):
        return _data_url(text, where, kind, filename, mime)
    if scheme.startswith(("http://", "https://")):
        told = mime or guess(urlsplit(text).path)
        return Attachment(
            key=f"url:{text}",
            kind=kind_of(told, kind or "document"),
            url=text,
            mime=mime,
            filename=filename,
            where=where,
            sure=told is not None,
        )
    if _UUID.match(text):
        return from_id(text, where, kind=kind, mime=mime, filename=filename)
    if "://" in text[:20]:
        raise InvalidRequestError(
            where, f"has the scheme {text.partition(':')[0][:20]!r}", "Use an http(s) URL, a data URL or base64."
        )
    return from_bytes(decode(text, where), mime, where, kind=kind, filename=filename)


def from_id(
    file_id: str, where: str, *, kind: Kind | None, mime: str | None = None, filename: str | None = None
) -> Attachment:
    """A file that is at GigaChat already; without a MIME type and a ``kind`` it counts as a document."""
    chosen = kind_of(mime, kind or "document")
    return Attachment(key=f"id:{file_id}", kind=chosen, file_id=file_id, mime=mime, filename=filename, where=where)
