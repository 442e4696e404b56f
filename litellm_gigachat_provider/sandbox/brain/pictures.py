"""A drawing: sun, hills and a house, as a baseline JPEG in which each block of 8 by 8 points has one colour."""

from __future__ import annotations

import math
import zlib
from typing import Final

WIDTH, HEIGHT = 48, 36  # blocks


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


_JFIF: Final = _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
# A block of one colour has only a first coefficient, eight times the colour's value: divided by 8, it is the value.
_QUANTISATION: Final = _segment(0xDB, b"\x00" + b"\x08" * 64)
_FRAME: Final = _segment(
    0xC0,
    b"\x08" + (8 * HEIGHT).to_bytes(2, "big") + (8 * WIDTH).to_bytes(2, "big") + b"\x03\x01\x11\0\x02\x11\0\x03\x11\0",
)
# Differences of 0 to 8 bits have codes of 4 bits; "nothing more in this block" has one of 1 bit.
_FIRST: Final = _segment(0xC4, b"\x00" + bytes((0, 0, 0, 9, *[0] * 12, *range(9))))
_REST: Final = _segment(0xC4, b"\x10" + bytes((1, *[0] * 15, 0)))
_SCAN: Final = _segment(0xDA, b"\x03\x01\0\x02\0\x03\0\x00\x3f\x00")


def jpeg(comment: str) -> bytes:
    """A few kilobytes; where the sun stands and how the hills run comes from ``comment``, which is kept inside."""
    seed = zlib.crc32(comment.encode())
    bits, before = [], [0, 0, 0]
    for at in range(WIDTH * HEIGHT):
        for number, value in enumerate(_ycc(*_colour(at % WIDTH, at // WIDTH, seed))):
            difference, before[number] = value - before[number], value
            size = abs(difference).bit_length()
            written = difference if difference > 0 else difference + (1 << size) - 1
            bits.append(f"{size:04b}{written:0{size}b}0" if size else "00000")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
    note = _segment(0xFE, comment.encode()[:1000])
    return b"\xff\xd8" + _JFIF + note + _QUANTISATION + _FRAME + _FIRST + _REST + _SCAN + data + b"\xff\xd9"


def _colour(x: int, y: int, seed: int) -> tuple[int, int, int]:
    """Red, green and blue of one block, 0 to 255."""
    hill = 24 - 4 * math.sin((x + seed % 40) / 7)
    if 20 <= x < 29 and 20 <= y < 29:
        window = x in (22, 26) and y in (23, 24)
        return (250, 230, 120) if window else (150, 80, 50)
    if 14 <= y < 20 and abs(x - 24) <= y - 13:
        return (170, 40, 40)
    if y >= 28:
        return (70, 150, 60)
    if y >= hill:
        return (100, 170, 110)
    if (x - 6 - seed % 36) ** 2 + (y - 6) ** 2 <= 12:
        return (255, 220, 60)
    return (120 + 3 * y, 180 + 2 * y, 245)


def _ycc(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """Brightness and two differences of colour, as JPEG has them, around 0."""
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(brightness) - 128, round((blue - brightness) * 0.564), round((red - brightness) * 0.713)
