"""A valid JPEG of one grey pixel, made from its parts; the prompt goes into the comment so that pictures differ."""

from __future__ import annotations

from typing import Final


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


_JFIF: Final = _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
_QUANTISATION: Final = _segment(0xDB, b"\x00" + b"\x01" * 64)
_FRAME: Final = _segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00")
# One code of one bit in either table: "no difference" for the first coefficient, "end of block" for the rest.
_ONE_CODE: Final = b"\x01" + b"\x00" * 15 + b"\x00"
_TABLES: Final = _segment(0xC4, b"\x00" + _ONE_CODE) + _segment(0xC4, b"\x10" + _ONE_CODE)
_SCAN: Final = _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x3f"


def jpeg(comment: str) -> bytes:
    """A baseline JPEG, about 200 bytes."""
    note = _segment(0xFE, comment.encode()[:1000])
    return b"\xff\xd8" + _JFIF + note + _QUANTISATION + _FRAME + _TABLES + _SCAN + b"\xff\xd9"
