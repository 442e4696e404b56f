"""What is publicly known of GigaChat's models. Unknown models work too: they get the defaults.

Source: gigachat.ru and developers.sber.ru price lists and model pages, 2026. Prices are in roubles
per million tokens; LiteLLM wants US dollars per token, and no rate is public fact, so the bridge
uses a nominal one that ``register(rub_per_usd=…)`` replaces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

# Tokens, shared by prompt and answer: what the production API named in its refusal of a longer one in August 2026
# ("maximum allowed context is 261120"), for GigaChat, the 2nd and the 3rd generation.
CONTEXT = 261_120


@dataclass(frozen=True, slots=True)
class Model:
    """``context`` and ``max_output`` in tokens.

    ``rub_per_million`` is the price of input, and of output too where ``rub_per_million_out`` is not given.
    """

    name: str
    mode: Literal["chat", "embedding"] = "chat"
    context: int | None = CONTEXT
    max_output: int | None = 8192
    functions: bool = True
    vision: bool = False
    native_json: bool = False  # response_format json_schema is taken on v1
    reasoning: bool = False
    rub_per_million: float | None = None
    rub_per_million_out: float | None = None
    dimensions: int | None = None


_KNOWN = (
    Model("GigaChat-2", rub_per_million=65),
    Model("GigaChat-2-Pro", vision=True, rub_per_million=500),
    Model("GigaChat-2-Max", vision=True, reasoning=True, rub_per_million=650),
    Model("GigaChat-3-Lightning", max_output=None),
    Model("GigaChat-3-Ultra", max_output=None, vision=True, native_json=True, reasoning=True),
    Model(
        "GigaChat-3-Pro",
        max_output=None,
        vision=True,
        native_json=True,
        rub_per_million=73.03,  # a reseller's
        rub_per_million_out=176.39,
    ),
    Model("GigaChat-2-Reasoning", context=None, max_output=None, reasoning=True),
    Model("GigaChat", rub_per_million=65),
    Model("GigaChat-Plus", context=None, max_output=None),
    Model("GigaChat-Pro", context=None, max_output=None, vision=True),
    Model("GigaChat-Max", context=None, max_output=None, vision=True),
    Model("Embeddings", mode="embedding", context=512, max_output=None, functions=False, dimensions=1024),
    Model("Embeddings-2", mode="embedding", context=512, max_output=None, functions=False, dimensions=1024),
    Model("EmbeddingsGigaR", mode="embedding", context=4096, max_output=None, functions=False, dimensions=2560),
    Model(
        "GigaEmbeddings-3B-2025-09", mode="embedding", context=4096, max_output=None, functions=False, dimensions=2048
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _KNOWN}

# What nobody knows a model to lack is left to the service to refuse.
_UNKNOWN_CHAT = Model("", context=None, max_output=None, vision=True, reasoning=True)
_UNKNOWN_THIRD = replace(MODELS["GigaChat-3-Pro"], reasoning=True)
_PREVIEW = "-preview"


def is_for(name: str, mode: Literal["chat", "embedding"]) -> bool:
    """False where ``name`` is known to be of the other kind; an unknown name may be either."""
    known = MODELS.get(name)
    if known is not None:
        return known.mode == mode
    return mode == "chat" or not name.startswith("GigaChat")


def find(name: str) -> Model:
    """The entry for ``name``; a ``-preview`` build shares its model's; anything else gets the defaults."""
    known = MODELS.get(name) or MODELS.get(name.removesuffix(_PREVIEW))
    if known is not None:
        return known
    if name.startswith("GigaChat-3"):
        return _UNKNOWN_THIRD
    return _UNKNOWN_CHAT
