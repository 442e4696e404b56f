"""LiteLLM's picture calls: which parameters it hands on, what it leaves behind, and its ``ImageResponse``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import litellm
from litellm.types.utils import ImageObject, ImageResponse, ImageUsage, ImageUsageInputTokensDetails, ModelResponse

if TYPE_CHECKING:
    from ..types import Usage  # a third of what importing the package costs, as is all that needs it

# LiteLLM has no price of a token for pictures; this is how a provider tells what a call cost.
_COST = "llm_provider-x-litellm-response-cost"


class ImageConfig:
    """A provider without one gets none of OpenAI's parameters before LiteLLM 1.108: ``optional_params`` is empty."""

    def get_supported_openai_params(self, model: str) -> list[str]:
        from ..request.images import IMAGE_TABLE

        return list(IMAGE_TABLE)

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], *_: Any, **__: Any
    ) -> dict[str, Any]:
        return {**optional_params, **non_default_params}


def call_params(logging: Any) -> Mapping[str, Any]:
    """``litellm_params`` (``api_version``, ``drop_params``, …) of a picture call: only LiteLLM's log gets them."""
    found = getattr(logging, "model_call_details", {}).get("litellm_params")
    return found if isinstance(found, Mapping) else {}


def fill_image_response(
    response: ImageResponse,
    pictures: Sequence[tuple[str, str | None]],
    usage: Usage,
    *,
    created: int,
    model: str,
    logging: Any,
) -> ImageResponse:
    """``pictures``: each in base64, with the model's caption, which becomes ``revised_prompt``."""
    response.created = created
    response.data = [ImageObject(b64_json=picture, revised_prompt=caption or None) for picture, caption in pictures]
    response.usage = ImageUsage(
        input_tokens=usage.prompt_tokens,
        input_tokens_details=ImageUsageInputTokensDetails(text_tokens=usage.prompt_tokens, image_tokens=0),
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )
    provider = getattr(logging, "model_call_details", {}).get("custom_llm_provider")
    if f"{provider}/{model}" in litellm.model_cost:
        from .openai_shapes import litellm_usage

        spent = ModelResponse(model=model, usage=litellm_usage(usage))
        cost = litellm.completion_cost(spent, model=model, custom_llm_provider=provider)
        response._hidden_params["additional_headers"] = {_COST: cost}
    return response
