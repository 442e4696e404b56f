"""An embeddings call as a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bridge.embeddings import fill_embedding_response
from ..contracts.embeddings import read_vectors
from ..request import embeddings
from ..transport.replies import Reply
from ..types import Usage
from ..watch import counters, logs
from .call import Call
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
    vectors: list[list[float]] = []
    tokens = 0
    for body, batch in zip(bodies, batches, strict=True):
        found, cost = read_vectors(body, len(batch["input"]))
        vectors += found
        tokens += cost
    counters.spent(Usage(prompt_tokens=tokens))
    return fill_embedding_response(
        model_response, vectors, model=plan.model, tokens=tokens, encoding_format=plan.encoding_format
    )


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
