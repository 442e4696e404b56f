"""LiteLLM's bridge of ``/responses`` to chat, where it leaves a stream running that nobody reads any more."""

from __future__ import annotations

from typing import Any


def close_left_responses() -> None:
    """Give ``/responses`` streams the ``aclose`` that they lack: a client that leaves before the first token otherwise
    leaves the generation running, and its slot taken. Nothing where LiteLLM has one of its own.
    """
    try:
        from litellm.responses.litellm_completion_transformation import streaming_iterator
    except ImportError:
        return
    kind: Any = getattr(streaming_iterator, "LiteLLMCompletionStreamingIterator", None)
    if kind is not None and not hasattr(kind, "aclose"):
        kind.aclose = _aclose


async def _aclose(self: Any) -> None:
    """Close the stream of chunks below, and with it the connection."""
    below = getattr(self, "litellm_custom_stream_wrapper", None)
    for stream in (below, getattr(below, "completion_stream", None)):
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
            return
