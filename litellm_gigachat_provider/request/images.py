"""Picture generation: a chat call in which the model uses its built-in drawing function.

v1: ``function_call: "auto"`` without functions lets the model use ``text2image``; the answer's text holds
``<img src="<file id>"/>``. v2: the built-in ``image_generate``; the answer has a ``files`` part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidRequestError, UnsupportedParamError
from ..types import ChatRequest, Contract, Function, ToolChoice, UserTurn
from .values import integer

# On v1 nothing but words makes the model draw: a bare noun as the prompt may be answered with text.
_TELL, _TELL_IN_RUSSIAN = "Draw a picture: ", "Нарисуй изображение: "
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_BUILTIN = "image_generate"
_MAX_N = 10  # OpenAI's

# OpenAI's parameter -> (whether a value asks for what happens anyway, what to say about any other value).
IMAGE_TABLE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n": (lambda _: True, ""),  # as many requests
    "size": (lambda value: value in ("auto", "1024x1024"), "the service chooses the size"),
    "quality": (lambda value: value in ("auto", "standard"), "the service has one quality"),
    "style": (lambda _: False, "the service has no such option: write the style into the prompt"),
    "response_format": (lambda value: value == "b64_json", "pictures have no public URL, only 'b64_json' is possible"),
    "background": (lambda value: value == "auto", "the service has no such option"),
    "output_format": (lambda value: value in ("jpeg", "jpg"), "the service draws JPEG"),
    "output_compression": (lambda _: False, "the service has no such option"),
    "moderation": (lambda value: value == "auto", "the service has no such option"),
    "user": (lambda _: True, ""),
}
_NOT_SENT = frozenset({*IMAGE_TABLE, "max_retries", "metadata", "stream", "extra_body", "extra_headers"})


def image_request(
    model: str, prompt: Any, params: Mapping[str, Any], *, contract: Contract, drop_params: bool = False
) -> ChatRequest:
    """The chat request that makes one picture, to be sent ``n`` times. Unknown parameters go into the body as they are.

    v2 can be told to use its drawing tool, so the prompt stays as it is; v1 must be asked in words.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequestError("prompt", "there is nothing to draw", "Describe the picture in words.")
    for name, (done_anyway, problem) in IMAGE_TABLE.items():
        value = params.get(name)
        if value is not None and not done_anyway(value) and not drop_params:
            raise UnsupportedParamError(name, f"{value!r}: {problem}", "Leave it out, or set drop_params=True.")
    extra_body = params.get("extra_body")
    extra = {key: value for key, value in params.items() if key not in _NOT_SENT and value is not None}
    drawing = Function(_BUILTIN, None, {}, builtin=True)
    return ChatRequest(
        model=model,
        turns=(UserTurn(prompt if contract == "v2" else _told(prompt)),),
        functions=(drawing,) if contract == "v2" else (),
        tool_choice=ToolChoice("forced", _BUILTIN) if contract == "v2" else ToolChoice("auto"),
        n=1 if params.get("n") is None else integer(params["n"], "n", low=1, high=_MAX_N),
        extra_body={**(extra_body if isinstance(extra_body, Mapping) else {}), **extra},
    )


def _told(prompt: str) -> str:
    return (_TELL_IN_RUSSIAN if _CYRILLIC.search(prompt) else _TELL) + prompt
