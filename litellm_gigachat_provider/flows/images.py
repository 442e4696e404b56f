"""Pictures as flows: chat calls with the built-in drawing function, then the files' bytes."""

from __future__ import annotations

import time
from typing import Any

from ..answer.pictures import pictures
from ..bridge.pictures import fill_image_response
from ..contracts.codecs import CODECS, Codec
from ..errors import HttpFailureError
from ..ids import new_id
from ..request.images import image_request
from ..types import Answer, ChatRequest, Usage
from ..watch import counters
from .ask import ask
from .call import Call, as_v1
from .chat import falls_back, first_codec
from .flow import Flow, Gather
from .media import download_images


def draw(call: Call, prompt: Any, model_response: Any) -> Flow[Any]:
    """The whole of ``image_generation``, ``n`` pictures side by side: gives the filled ``model_response``."""
    codec = first_codec(call)
    try:
        drawn = yield from _draw(call, codec, prompt)
    except HttpFailureError as failure:
        if not falls_back(call, codec, failure):
            raise
        drawn = yield from _draw(as_v1(call), CODECS["v1"], prompt)
    usage = sum((answer.usage for answer, _ in drawn), Usage())
    return fill_image_response(
        model_response,
        [(picture, answer.content) for answer, found in drawn for picture in found],
        usage,
        created=drawn[0][0].created or int(time.time()),
        model=call.model,
        logging=call.logging,
    )


def _draw(call: Call, codec: Codec, prompt: Any) -> Flow[list[tuple[Answer, list[str]]]]:
    request = image_request(call.model, prompt, call.params, contract=codec.contract, drop_params=call.drop_params)
    if request.n == 1:
        return [(yield from _draw_one(call, codec, request))]
    drawn: list[tuple[Answer, list[str]]]
    drawn = yield Gather([_draw_one(call, codec, request) for _ in range(request.n)])
    return drawn


def _draw_one(call: Call, codec: Codec, request: ChatRequest) -> Flow[tuple[Answer, list[str]]]:
    reply = yield from ask(call, codec, codec.body(request, {}))
    answer = codec.read_answer(reply.json(), request, new_id())
    counters.spent(answer.usage)
    found = yield from download_images(call, pictures(answer))
    return answer, [url.partition(",")[2] for url in found.values()]
