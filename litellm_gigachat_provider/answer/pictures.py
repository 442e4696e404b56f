"""What an answer to a call for a picture must hold."""

from __future__ import annotations

from ..contracts.answer_common import shorten
from ..errors import ModelOutputError
from ..types import Answer, MediaRef


def pictures(answer: Answer) -> list[MediaRef]:
    """The pictures of ``answer``. Raises :class:`ModelOutputError` with the model's own words if it drew none."""
    found = [ref for ref in answer.media if ref.kind == "image"]
    if not found:
        said = shorten(answer.content or "") or "nothing"
        why = " because its filter stepped in" if answer.finish_reason == "content_filter" else ""
        raise ModelOutputError(f"GigaChat drew no picture{why}. It said: {said}", raw=answer.content or "")
    return found
