"""The ASGI application: every route of the service, v1 under both of its prefixes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .brain.script import ScriptedFaultError
from .gate import Abort, Gate, Pause, refused, scripted_fault
from .http import Handler, html_page
from .routes import account as routes_account
from .routes import batches as routes_batches
from .routes import chat as routes_chat
from .routes import files as routes_files
from .routes import text as routes_text
from .rules.refusal import Refusal
from .state import World

V1_PREFIXES: Final = ("/v1", "/api/v1")
V2_PATHS: Final = ("/v2/chat/completions", "/api/v2/chat/completions")
_V1: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/token", routes_account.user_token),
    ("GET", "/models", routes_account.models),
    ("GET", "/models/{model_id}", routes_account.model),
    ("GET", "/balance", routes_account.balance),
    ("POST", "/chat/completions", routes_chat.chat_v1),
    ("POST", "/embeddings", routes_text.embeddings),
    ("POST", "/tokens/count", routes_text.count_tokens),
    ("POST", "/functions/validate", routes_text.validate_function),
    ("POST", "/ai/check", routes_text.ai_check),
    ("POST", "/files", routes_files.upload),
    ("GET", "/files", routes_files.listing),
    ("GET", "/files/{file_id}", routes_files.info),
    ("GET", "/files/{file_id}/content", routes_files.content),
    ("POST", "/files/{file_id}/delete", routes_files.delete),
    ("POST", "/batches", routes_batches.create),
    ("GET", "/batches", routes_batches.listing),
)


async def _nowhere(request: Request, error: Exception) -> Response:
    return html_page(getattr(error, "status_code", 404))


def _routes() -> Iterator[Route]:
    yield Route("/api/v2/oauth", routes_account.oauth, methods=["POST"])
    for path in V2_PATHS:
        yield Route(path, routes_chat.chat_v2, methods=["POST"])
    for prefix in V1_PREFIXES:
        for method, path, handler in _V1:
            yield Route(prefix + path, handler, methods=[method])


def build(world: World, pause: Pause, abort: Abort) -> ASGIApp:
    """``pause`` sleeps but ends early when the server stops; ``abort`` drops a client's connection."""
    app = Starlette(
        routes=list(_routes()),
        exception_handlers={Refusal: refused, ScriptedFaultError: scripted_fault, 404: _nowhere, 405: _nowhere},
    )
    app.state.world = world
    app.state.pause = pause
    return Gate(app, world, pause, abort)
