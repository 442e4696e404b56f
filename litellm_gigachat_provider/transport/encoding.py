"""Content-Encoding, with a bound: 100 KB of gzip can hold 100 MB, which httpx would unpack without asking."""

from __future__ import annotations

import zlib

from ..errors import BadAnswerError

ACCEPTED = "gzip, deflate"


class Inflater:
    """Unpacks gzip or deflate piece by piece; raises BadAnswerError beyond ``limit`` bytes of result."""

    def __init__(self, encoding: str, limit: int) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise BadAnswerError(f"GigaChat's answer is packed as {encoding[:40]!r}, which was not asked for")
        # 47 reads the gzip or the zlib header, whichever is there
        self._inflate = zlib.decompressobj(47)
        self._raw_is_possible = encoding == "deflate"
        self._left = limit
        self._limit = limit

    def feed(self, data: bytes) -> bytes:
        try:
            result = self._inflate.decompress(data, self._left + 1)
        except zlib.error:
            if not self._raw_is_possible:
                raise BadAnswerError("GigaChat's answer cannot be unpacked") from None
            self._inflate = zlib.decompressobj(-15)  # "deflate" without the zlib header, as some servers send it
            self._raw_is_possible = False
            return self.feed(data)
        if data:
            self._raw_is_possible = False
        self._left -= len(result)
        if self._left < 0:
            raise BadAnswerError(f"GigaChat's answer unpacks to more than {self._limit} bytes")
        return result

    def finish(self) -> None:
        """Raises BadAnswerError if the packed data stopped in its middle."""
        if not self._inflate.eof:
            raise BadAnswerError("GigaChat's answer was cut (packed data ends early)")


def inflater_for(encoding: str | None, limit: int) -> Inflater | None:
    """None where the body is not packed."""
    name = (encoding or "").strip().lower()
    return None if name in ("", "identity") else Inflater(name, limit)


def unpack(body: bytes, encoding: str | None, limit: int) -> bytes:
    """A whole body, unpacked. Raises BadAnswerError."""
    inflater = inflater_for(encoding, limit) if body else None
    if inflater is None:
        return body
    result = inflater.feed(body)
    inflater.finish()
    return result
