"""Russian words for the generated parameter table; the notes' are in ``notes_ru.txt``, each under its English original.

A note of ``request.params`` without a translation fails a test.
"""

from __future__ import annotations

from pathlib import Path

PARAMETER_HEADER = "| параметр | что происходит | GigaChat v1 | GigaChat v2 | примечание |"

KINDS = {
    "sent": "передаётся",
    "mapped": "преобразуется",
    "emulated": "эмулируется",
    "accepted": "принимается",
    "refused": "отклоняется",
}


def _notes() -> dict[str, str]:
    text = Path(__file__).with_name("notes_ru.txt").read_text(encoding="utf-8")
    pairs = [pair.splitlines() for pair in text.strip().split("\n\n")]
    return {"": "", **dict(pairs)}


NOTES = _notes()
