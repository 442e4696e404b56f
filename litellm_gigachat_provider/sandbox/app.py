"""The ASGI application: every route of the service, v1 under both of its prefixes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import routes_account, routes_chat
from .gate import Abort, Gate, Pause, refused
from .http import Handler
from .refusal import Refusal
from .state import World

V1_PREFIXES: Final = ("/v1", "/api/v1")
_NOT_FOUND: Final = (
    "<html>\r\n<head><title>{status}</title></head>\r\n<body><center>nginx</center></body>\r\n</html>\r\n"
)

_V1: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/token", routes_account.user_token),
    ("GET", "/models", routes_account.models),
    ("GET", "/models/{model_id}", routes_account.model),
    ("GET", "/balance", routes_account.balance),
    ("POST", "/chat/completions", routes_chat.chat_v1),
)


def html_page(status: int) -> Response:
    """What the front proxy says where the service itself is not reached."""
    return Response(_NOT_FOUND.format(status=status), status, {"Content-Type": "text/html"})


async def _nowhere(request: Request, error: Exception) -> Response:
    return html_page(getattr(error, "status_code", 404))


def _routes() -> Iterator[Route]:
    yield Route("/api/v2/oauth", routes_account.oauth, methods=["POST"])
    for prefix in V1_PREFIXES:
        for method, path, handler in _V1:
            yield Route(prefix + path, handler, methods=[method])


def build(world: World, pause: Pause, abort: Abort) -> ASGIApp:
    """``pause`` sleeps but ends early when the server stops; ``abort`` drops a client's connection."""
    app = Starlette(
        routes=list(_routes()),
        exception_handlers={Refusal: refused, 404: _nowhere, 405: _nowhere},
    )
    app.state.world = world
    app.state.pause = pause
    return Gate(app, world, pause, abort)
