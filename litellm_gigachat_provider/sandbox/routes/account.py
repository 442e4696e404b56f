"""Tokens, models, balance: what needs no generation."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from .. import catalogue
from ..http import authorize, json_response, world_of
from ..rules.refusal import FORBIDDEN, NO_MODEL, Refusal


async def oauth(request: Request) -> Response:
    """``POST /api/v2/oauth``: an authorization key and a scope for a token."""
    world = world_of(request)
    raw = await request.body()
    if world.knobs.oauth_delay:
        await request.app.state.pause(world.knobs.oauth_delay)
    form = request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded"
    scope = parse_qs(raw.decode(errors="replace")).get("scope", [""])[0] if form else ""
    account = world.office.key(request.headers.get("authorization"), request.headers.get("RqUID"), scope)
    token = world.office.issue(account, world.knobs.token_ttl)
    unit = 1 if world.knobs.expires_in_seconds else 1000
    answer = {"access_token": token.value, "expires_at": int(token.expires * unit)}
    return json_response(request, answer, context=False)


async def user_token(request: Request) -> Response:
    """``POST {v1}/token``: user and password for a token; ``exp`` in seconds, as recorded."""
    world = world_of(request)
    account = world.office.user(request.headers.get("authorization"))
    token = world.office.issue(account, world.knobs.token_ttl)
    unit = 1000 if world.knobs.exp_in_ms else 1
    return json_response(request, {"tok": token.value, "exp": int(token.expires * unit)})


async def models(request: Request) -> Response:
    authorize(request)
    return json_response(request, {"object": "list", "data": catalogue.listing(world_of(request).knobs)})


async def model(request: Request) -> Response:
    authorize(request)
    name = request.path_params["model_id"]
    known = {item["id"]: item for item in catalogue.listing(world_of(request).knobs)}
    if name not in known:
        raise Refusal(404, NO_MODEL)
    return json_response(request, known[name])


async def balance(request: Request) -> Response:
    authorize(request)
    if world_of(request).knobs.balance_forbidden:
        raise Refusal(403, FORBIDDEN)
    rows = [{"usage": "GigaChat", "value": 900000}, {"usage": "embeddings", "value": 9999967}]
    return json_response(request, {"balance": rows})
