"""A picture as a flow: a chat call with the built-in drawing function, then the file's bytes."""

from __future__ import annotations

import time
from typing import Any

from ..answer.pictures import pictures
from ..bridge.embeddings_images import fill_image_response
from ..ids import new_id
from ..request.images import image_request
from ..watch import counters
from .ask import ask
from .call import Call
from .chat import first_codec
from .flow import Flow
from .media import download_images


def draw(call: Call, prompt: Any, model_response: Any) -> Flow[Any]:
    """The whole of ``image_generation``: gives the filled ``model_response``."""
    codec = first_codec(call)
    request = image_request(call.model, prompt, call.params, contract=codec.contract, drop_params=call.drop_params)
    reply = yield from ask(call, codec, codec.body(request, {}))
    answer = codec.read_answer(reply.json(), request, new_id())
    counters.spent(answer.usage)
    media = pictures(answer)
    found = yield from download_images(call, media)
    data = [url.partition(",")[2] for url in found.values()]
    return fill_image_response(model_response, data, answer, created=answer.created or int(time.time()))
