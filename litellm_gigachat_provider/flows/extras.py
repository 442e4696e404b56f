"""Embeddings, picture generation and the small service calls, as flows like ``chat``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..request import embeddings, images
from ..transport.replies import Reply
from ..watch import counters, logs
from .call import Call
from .chat import ask, download_images, first_codec, new_id
from .flow import Do, Flow, Gather

_PARALLEL = 4  # batches of one embedding call in flight at once


def embed(call: Call, texts: Any, model_response: Any) -> Flow[Any]:
    """Vectors for ``texts`` in their order, over as many requests as the service's batch size asks for."""
    plan = embeddings.plan(call.model, texts, call.params, drop_params=call.drop_params)
    if call.logging is not None:
        call.logging.pre_call(
            input=texts, api_key="", additional_args={"api_base": call.settings.url("embeddings"), "headers": {}}
        )
    bodies: list[dict[str, Any]] = []
    batches = list(plan.batches)
    for start in range(0, len(batches), _PARALLEL):
        group = batches[start : start + _PARALLEL]
        if len(group) == 1:
            bodies.append((yield from _post_json(call, "embeddings", group[0], "embeddings")))
        else:
            bodies += yield Gather([_post_json(call, "embeddings", batch, "embeddings") for batch in group])
    filled = embeddings.fill_embedding_response(model_response, bodies, plan)
    counters.spent_embedding(filled)
    return filled


def draw(call: Call, prompt: Any, model_response: Any) -> Flow[Any]:
    """One picture: a chat call with the built-in drawing function, then the file's bytes."""
    codec = first_codec(call)
    request = images.image_request(
        call.model, prompt, call.params, contract=codec.contract, drop_params=call.drop_params
    )
    reply = yield from ask(call, codec, codec.body(request, {}))
    answer = codec.read_answer(reply.json(), request, new_id())
    counters.spent(answer.usage)
    media = images.pictures(answer)
    found = yield from download_images(call, media)
    data = [url.partition(",")[2] for url in found.values()]
    return images.fill_image_response(model_response, data, answer, created=answer.created or int(time.time()))


def _post_json(call: Call, path: str, body: Mapping[str, Any], where: str) -> Flow[Any]:
    url = call.settings.url(path)
    started = logs.sent(url, body, call.headers)
    reply: Reply = yield Do(
        call.transport.arequest,
        "POST",
        url,
        json=body,
        headers=call.headers,
        timeout=call.remaining(),
        where=where,
        client=call.client,
    )
    if started:
        logs.answered(reply, started)
    return reply.json()
