"""``litellm-gigachat models``: what this host answers for, with what is publicly known of each model."""

from __future__ import annotations

import argparse
from typing import Any

from ..models import MODELS, find
from .output import say, say_json, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="only this one; an unknown name is a failure")
    parser.add_argument("--json", action="store_true", help="the service's own list, with what is known added")


def run(arguments: argparse.Namespace) -> int:
    from ..account import get_model, list_models

    listed = [get_model(arguments.model)] if arguments.model else list_models()
    rows = [{**row, **_known(row["id"])} for row in listed]
    if arguments.json:
        say_json(rows[0] if arguments.model else rows)
        return 0
    say(
        table(
            ("MODEL", "TYPE", "CONTEXT", "IMAGES", "FUNCTIONS", "RUB PER MILLION TOKENS"),
            [[row["id"], row.get("type"), *(row.get(name) for name in _KNOWN.values())] for row in rows],
        )
    )
    if arguments.model:
        return 0
    say(f"\n{len(rows)} models. Use one as gigachat/<model>; '-' means not publicly known.")
    return 0


# Our name for it -> the key it is shown under.
_KNOWN = {"context": "context", "vision": "images", "functions": "functions", "rub_per_million": "rub_per_million"}


def _known(name: str) -> dict[str, Any]:
    if name.removesuffix("-preview") not in MODELS:
        return {}
    model = find(name)
    return {shown: getattr(model, field) for field, shown in _KNOWN.items()}
