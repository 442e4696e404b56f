"""``litellm-gigachat token``: the access token's state, never the token itself."""

from __future__ import annotations

import argparse
import time
from typing import Any

from .output import say, say_json, shortened, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--refresh", action="store_true", help="fetch a new token now and show that one")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from ..settings import resolve
    from ..transport.auth import refresh_token, token_status

    settings = resolve()
    status = refresh_token(settings) if arguments.refresh else token_status(settings)
    status = {**status, "expires_in_seconds": status.pop("seconds_left")}
    if arguments.json:
        say_json(status)
        return 0
    say(table(("TOKEN", ""), _rows(status)))
    if not status["has_token"] and status["renewable"]:
        say("\nTokens live in the process that uses them. --refresh fetches one here, to see that it works.")
    return 0


def _rows(status: dict[str, Any]) -> list[list[Any]]:
    seconds = status["expires_in_seconds"]
    return [
        ["identity", status["auth_mode"]],
        ["scope", status["scope"]],
        ["token server", status["auth_url"]],
        ["has token", status["has_token"]],
        ["valid", status["valid"]],
        ["expires in", f"{seconds / 60:.0f} min ({seconds:.0f} s)" if seconds is not None else None],
        ["expires at", _clock(status["expires_at"])],
        ["can be renewed", status["renewable"]],
        ["last error", shortened(status["last_error"]) if status["last_error"] else None],
    ]


def _clock(at: float | None) -> str | None:
    return None if at is None else time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))
