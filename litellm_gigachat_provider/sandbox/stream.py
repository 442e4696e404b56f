"""Event streams, byte for byte, and all the ways they go wrong on request."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .knobs import StreamKnobs

DONE: Final = "[DONE]"
_UNKNOWN: Final = {"kind": "ping", "payload": {"nobody": "knows"}}


@dataclass(frozen=True)
class Frame:
    """One server-sent event; ``data`` a JSON value, or the ``[DONE]`` text."""

    data: Any
    event: str | None = None


class CutError(Exception):
    """The connection is to be closed (``reset``: with RST) where the stream stands."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("stream cut on request")
        self.reset = reset


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode(frame: Frame, knobs: StreamKnobs) -> bytes:
    """``event:`` and ``data:`` lines and the blank line that ends them; LF unless the knob says CRLF."""
    colon = ":" if knobs.no_space else ": "
    if frame.data == DONE:
        texts = [DONE]
    elif knobs.split_data_lines:
        texts = json.dumps(frame.data, ensure_ascii=False, indent=1).split("\n")
    else:
        texts = [compact(frame.data)]
    lines = [f"event{colon}{frame.event}"] if frame.event else []
    lines += [f"data{colon}{text}" for text in texts]
    end = "\r\n" if knobs.crlf else "\n"
    return (end.join(lines) + end + end).encode()


async def write(
    frames: Sequence[Frame],
    knobs: StreamKnobs,
    pause: Callable[[float], Awaitable[None]],
    error_event_name: str | None,
) -> AsyncIterator[bytes]:
    """The network writes of a stream. Raises :class:`CutError` where a knob wants the connection gone."""
    if knobs.buffered:
        apart = write(frames, replace(knobs, buffered=False), pause, error_event_name)
        yield b"".join([piece async for piece in apart])
        return
    if knobs.bom:
        yield b"\xef\xbb\xbf"
    for sent, frame in enumerate(_arranged(frames, knobs)):
        if sent in (knobs.cut_after, knobs.reset_after):
            await pause(0.02)  # let the bytes already written reach the peer before the connection goes
            raise CutError(reset=sent == knobs.reset_after)
        if sent == knobs.end_after:
            return
        if sent == knobs.stall_after:
            await pause(float("inf"))
            return
        if sent == knobs.error_after:
            yield encode(Frame(knobs.error_event or _error(error_event_name), error_event_name), knobs)
            return
        if knobs.chunk_delay:
            await pause(knobs.chunk_delay)
        if knobs.comments:
            yield b": keep-alive\r\n\r\n" if knobs.crlf else b": keep-alive\n\n"
        if knobs.unknown_events:
            yield encode(Frame(_UNKNOWN, "ping"), knobs)
        data = encode(frame, knobs)
        cut = _inside_character(data) if knobs.split_utf8 else 0
        if cut:
            yield data[:cut]
            await pause(0.01)
        yield data[cut:]


def _error(name: str | None) -> dict[str, Any]:
    """v1's event has no name, and the key that was observed there is not the one of the refusals."""
    return {"status" if name else "status_code": 500, "message": "Internal Server Error"}


def _arranged(frames: Sequence[Frame], knobs: StreamKnobs) -> list[Frame]:
    out = [frame for frame in frames if not (knobs.no_done and frame.data == DONE)]
    if knobs.double_done:
        out.append(Frame(DONE))
    return out


def _inside_character(data: bytes) -> int:
    """Where the first multi-byte character can be cut; 0 when there is none."""
    return next((at for at, byte in enumerate(data) if 0x80 <= byte < 0xC0), 0)
