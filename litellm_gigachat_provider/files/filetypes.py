"""What kind of file this is, and how GigaChat wants it: "type is judged by" the part's Content-Type.

Accepted by the service (official documentation): images jpeg, png, tiff, bmp up to 15 MB; text documents up
to 40 MB; audio up to 35 MB. The bytes decide; a declared type or a file name only helps where they cannot.
"""

from __future__ import annotations

import importlib
import io
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import InvalidRequestError

Kind = Literal["image", "document", "audio"]
LIMITS: dict[str, int] = {"image": 15_000_000, "document": 40_000_000, "audio": 35_000_000}

_OFFICE = "application/vnd.openxmlformats-officedocument."
_IMAGES = {"image/jpeg": "jpg", "image/png": "png", "image/tiff": "tiff", "image/bmp": "bmp"}
_CONVERTIBLE = {"image/gif", "image/webp"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    f"{_OFFICE}wordprocessingml.document": "docx",
    "application/epub": "epub",
    "application/ppt": "ppt",
    "application/pptx": "pptx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
}
_AUDIO = {
    "audio/mp3": "mp3",
    "audio/mp4": "mp4",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "audio/x-ogg": "ogg",
    "audio/opus": "opus",
}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "image/tif": "image/tiff",
    "application/epub+zip": "application/epub",
    "application/vnd.ms-powerpoint": "application/ppt",
    f"{_OFFICE}presentationml.presentation": "application/pptx",
    "audio/mpeg": "audio/mp3",
    "audio/m4a": "audio/x-m4a",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-pn-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/ogg": "audio/x-ogg",
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
}
_TELL_NOTHING = frozenset({"application/octet-stream", "binary/octet-stream", "application/x-download"})
_ZIPPED = ("docx", "pptx", "xlsx", "epub")
_OLE = ("doc", "ppt", "xls")
_BY_EXTENSION = {extension: mime for mime, extension in _DOCUMENTS.items()}

# (bytes, at offset) -> type. All that a file begins with is looked at once, in this order.
_MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"),
    (b"BM", 0, "image/bmp"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"OpusHead", 28, "audio/opus"),
    (b"OggS", 0, "audio/x-ogg"),
    (b"\x1aE\xdf\xa3", 0, "audio/webm"),
    (b"ftypM4A", 4, "audio/x-m4a"),
    (b"ftyphei", 4, "image/heic"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftyp", 4, "audio/mp4"),
    (b"ID3", 0, "audio/mp3"),
    (b"\xff\xfb", 0, "audio/mp3"),
    (b"\xff\xf3", 0, "audio/mp3"),
    (b"\xff\xf2", 0, "audio/mp3"),
    (b"%PDF", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "zip"),
    (b"\xd0\xcf\x11\xe0", 0, "ole"),
)
_REMEDY = {
    "image": "Send JPEG, PNG, TIFF or BMP",
    "document": "Send text, PDF, DOC, DOCX, PPT, PPTX, XLS, XLSX or EPUB",
    "audio": "Send MP3, WAV, M4A, MP4, OGG, OPUS or WEBA",
}


@dataclass(frozen=True)
class Prepared:
    """A file as it goes out."""

    data: bytes = field(repr=False)
    mime: str
    filename: str


def sniff(data: bytes) -> str | None:
    """The type that the first bytes tell: a MIME type, ``zip``, ``ole``, or None."""
    for mark, at, mime in _MAGIC:
        if data.startswith(mark, at):
            return mime
    return None


def fetched_kind(expected: Kind, mime: str, data: bytes) -> Kind:
    """What a file from a URL is: what its bytes confirm, what its server declares, or what its bytes tell, in turn.

    HTML in place of a picture or a sound is a page about it, and stays what it is not, to be refused.
    """
    by_bytes = _kind(sniff(data))
    declared = mime.partition(";")[0].strip().lower()
    if by_bytes == expected or (declared == "text/html" and expected != "document"):
        return expected
    return _kind(declared) or by_bytes or expected


def _kind(mime: str | None) -> Kind | None:
    if not mime or mime in _TELL_NOTHING:
        return None
    family = mime.partition("/")[0]
    return "image" if family == "image" else "audio" if family in ("audio", "video") else "document"


def prepare(kind: Kind, data: bytes, mime: str | None, filename: str | None, where: str) -> Prepared:
    """Check and, where it loses nothing, convert. Raises InvalidRequestError naming ``where``."""
    if not data:
        raise InvalidRequestError(where, "the file is empty")
    limit = LIMITS[kind]
    if len(data) > limit:
        problem = f"the {kind} has {len(data)} bytes, GigaChat takes {limit} at most"
        raise InvalidRequestError(where, problem, "Make it smaller or split it")
    declared = (mime or "").partition(";")[0].strip().lower()
    declared = _ALIASES.get(declared, declared)
    return _PREPARE[kind](data, declared, filename, where)


def _image(data: bytes, declared: str, filename: str | None, where: str) -> Prepared:
    found = sniff(data)
    if found in _CONVERTIBLE:
        return Prepared(_to_png(data, found, where), "image/png", _name(filename, "image", "png"))
    if found not in _IMAGES:
        seen = f"{found} is" if found and "/" in found else f"this ({declared or 'type unknown'}) is"
        raise InvalidRequestError(where, f"{seen} no image that GigaChat takes", _REMEDY["image"])
    return Prepared(data, found, _name(filename, "image", _IMAGES[found]))


def _to_png(data: bytes, found: str, where: str) -> bytes:
    try:
        Image: Any = importlib.import_module("PIL.Image")  # noqa: N806
    except ImportError:
        remedy = "Send JPEG or PNG, or install Pillow: then it is converted"
        raise InvalidRequestError(where, f"GigaChat does not take {found}", remedy) from None
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB").save(out, "PNG")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidRequestError(where, f"the {found} cannot be read", _REMEDY["image"]) from None
    if out.tell() > LIMITS["image"]:
        raise InvalidRequestError(where, "the image is too large once converted to PNG", "Send a smaller JPEG")
    return out.getvalue()


def _document(data: bytes, declared: str, filename: str | None, where: str) -> Prepared:
    found = sniff(data)
    extension = _extension(filename) or _DOCUMENTS.get(declared, "")
    if found == "application/pdf":
        return Prepared(data, found, _name(filename, "document", "pdf"))
    for container, members in (("zip", _ZIPPED), ("ole", _OLE)):
        if found == container:
            if extension not in members:
                extension = _DOCUMENTS.get(declared, "")
            if extension in members:
                return Prepared(data, _BY_EXTENSION[extension], _name(filename, "document", extension))
            break
    if found is None and declared not in _IMAGES and declared not in _AUDIO:
        text = _as_text(data)
        if text is not None:
            # Markdown, JSON, CSV and code are refused under their own types
            return Prepared(text, "text/plain", _name(filename, "document", "txt"))
    problem = f"GigaChat does not take this document ({declared or extension or found or 'type unknown'})"
    raise InvalidRequestError(where, problem, _REMEDY["document"])


def _as_text(data: bytes) -> bytes | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            return None
    if b"\x00" in data[:65536]:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return data


def _audio(data: bytes, declared: str, filename: str | None, where: str) -> Prepared:
    found = sniff(data)
    if found == "audio/mp4" and _extension(filename) == "m4a":
        found = "audio/x-m4a"
    if found is None and declared in _AUDIO:
        found = declared
    if found not in _AUDIO:
        problem = f"GigaChat does not take this audio ({declared or found or 'type unknown'})"
        raise InvalidRequestError(where, problem, _REMEDY["audio"])
    return Prepared(data, found, _name(filename, "audio", _AUDIO[found]))


_PREPARE = {"image": _image, "document": _document, "audio": _audio}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|\ud800-\udfff]+')


def _extension(filename: str | None) -> str:
    stem, dot, extension = (filename or "").rpartition(".")
    return extension.lower() if dot and stem else ""


def _name(filename: str | None, default: str, extension: str) -> str:
    """The caller's file name without what could break a header, ending in ``extension``."""
    base = re.split(r"[\\/]", filename or "")[-1]
    stem = _UNSAFE.sub("_", base).strip(" ._")[:100]
    if _extension(stem) == extension:
        return stem
    return f"{stem or default}.{extension}"
