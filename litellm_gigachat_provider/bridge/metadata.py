"""The names LiteLLM knows us by, and the known models in its price and ability map, which cost look-ups read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import litellm

from ..models import MODELS, Model

PROVIDER = "gigachat"
MARK = "_litellm_gigachat_provider"  # stands on our handlers, and on what we replaced in LiteLLM
# Nominal: LiteLLM counts dollars, the price list is in roubles; register(rub_per_usd=…) sets yours.
RUB_PER_USD = 80.0
_PRICES = frozenset({"input_cost_per_token", "output_cost_per_token"})
_LITELLMS_WINDOW = 128_000  # of every chat model, in the map of 1.81 to 1.110


def add_models(rub_per_usd: float, *, replace_prices: bool = False) -> None:
    """Add what LiteLLM does not know; a value the user registered is never replaced.

    ``litellm.register_model`` would do the same at 35 ms and a warning per model.
    """
    users: Mapping[str, Any] = getattr(litellm.utils, "_runtime_registered_model_cost", {})
    known: set[str] = getattr(litellm, "gigachat_models", set())
    for key, ours in (pair for name in _providers() for pair in entries(rub_per_usd, name)):
        entry = merged(ours, litellm.model_cost.get(key, {}), users=key in users)
        if replace_prices and key not in users:
            entry.update(prices(ours))
        litellm.model_cost[key] = entry
        known.add(key)
    forget = getattr(litellm.utils, "_invalidate_model_cost_lowercase_map", None)
    if forget is not None:
        forget()


def _providers() -> list[str]:
    """``gigachat``, and every other name in the map whose handler is ours: cost look-ups go by these."""
    others = [e["provider"] for e in litellm.custom_provider_map if getattr(type(e["custom_handler"]), MARK, False)]
    return list(dict.fromkeys((PROVIDER, *others)))


def entries(rub_per_usd: float, provider: str = PROVIDER) -> Iterator[tuple[str, dict[str, Any]]]:
    """``<provider>/<name>`` and its entry for every known model, previews of chat models included."""
    for model in MODELS.values():
        names = (model.name, f"{model.name}-preview") if model.mode == "chat" else (model.name,)
        for name in names:
            yield f"{provider}/{name}", entry(model, rub_per_usd, provider)


def entry(model: Model, rub_per_usd: float, provider: str = PROVIDER) -> dict[str, Any]:
    """LiteLLM's shape of one model: prices in dollars a token, context in tokens."""
    chat = model.mode == "chat"
    found: dict[str, Any] = {"litellm_provider": provider, "mode": model.mode}
    found["input_cost_per_token"] = found["output_cost_per_token"] = 0.0  # LiteLLM's own word for an unknown price
    if model.rub_per_million is not None:
        price = model.rub_per_million / 1_000_000 / rub_per_usd
        found["input_cost_per_token"] = found["output_cost_per_token"] = price
        if model.rub_per_million_out is not None:
            found["output_cost_per_token"] = model.rub_per_million_out / 1_000_000 / rub_per_usd
        found["cache_read_input_token_cost"] = 0.0  # "cached tokens are not billed"
        found["cache_creation_input_token_cost"] = price
    if model.context is not None:
        found["max_input_tokens"] = model.context
    if model.max_output is not None:
        found["max_output_tokens"] = found["max_tokens"] = model.max_output
    if model.dimensions is not None:
        found["output_vector_size"] = model.dimensions
    if chat:
        found.update(
            supports_function_calling=model.functions,
            supports_tool_choice=model.functions,
            supports_vision=model.vision,
            supports_response_schema=True,
            supports_system_messages=True,
            supports_reasoning=model.reasoning,
            supports_prompt_caching=True,
            supports_native_streaming=True,
        )
    return found


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any], *, users: bool) -> dict[str, Any]:
    """What is there wins over ours, but for LiteLLM's own price 0.0, which stands for an unknown price, and its own
    128,000 tokens of context, where the service was measured to take more.
    """
    if not users:
        # by its value, too: before 1.98 LiteLLM does not tell which entries are the user's
        unmeasured = "max_input_tokens" in ours and theirs.get("max_input_tokens") == _LITELLMS_WINDOW
        dropped = {"max_input_tokens"} if unmeasured else set()
        if not any(theirs.get(name) for name in _PRICES):
            dropped |= _PRICES
        theirs = {key: value for key, value in theirs.items() if key not in dropped}
    return {**ours, **theirs}


def prices(ours: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in ours.items() if "cost" in key}
