"""The models of both hosts: the recorded list of the public one, and the newer ones of the current one."""

from __future__ import annotations

from typing import Any, Final

from .knobs import Knobs

_CHAT: Final = (
    "GigaChat", "GigaChat-preview", "GigaChat-Plus", "GigaChat-Pro", "GigaChat-Pro-preview", "GigaChat-Max",
    "GigaChat-Max-preview", "GigaChat-2", "GigaChat-2-preview", "GigaChat-2-Pro", "GigaChat-2-Pro-preview",
    "GigaChat-2-Max", "GigaChat-2-Max-preview", "GigaChat-2-Reasoning", "GigaChat-3-Lightning", "GigaChat-3-Pro",
    "GigaChat-3-Ultra",
)  # fmt: skip
# dimensions, longest text in tokens
EMBEDDERS: Final[dict[str, tuple[int, int]]] = {
    "Embeddings": (1024, 512),
    "Embeddings-2": (1024, 512),
    "EmbeddingsGigaR": (2560, 4096),
    "GigaEmbeddings-3B-2025-09": (2048, 4096),
}
CHECKERS: Final = ("GigaCheckClassification", "GigaCheckDetection")
_TYPES: Final[dict[str, str]] = {
    **dict.fromkeys(_CHAT, "chat"),
    **dict.fromkeys(EMBEDDERS, "embedder"),
    **dict.fromkeys(CHECKERS, "aicheck"),
    "GigaFilter": "filter",
}


def _known(knobs: Knobs, kind: str | None) -> list[str]:
    return [name for name, own in _TYPES.items() if kind in (None, own) and name not in knobs.missing_models]


def chat_models(knobs: Knobs) -> list[str]:
    return _known(knobs, "chat")


def window(name: str, knobs: Knobs) -> int:
    """The longest prompt in tokens: measured for the 2nd and 3rd generation, documented for what came before them."""
    measured = name == "GigaChat" or name.startswith(("GigaChat-2", "GigaChat-3"))
    return knobs.context_tokens or (261_120 if measured else 131_072)


def describe(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "owned_by": "salutedevices", "type": _TYPES[name]}


def listing(knobs: Knobs) -> list[dict[str, Any]]:
    return [describe(name) for name in _known(knobs, None)]
