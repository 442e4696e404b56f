"""``litellm-gigachat balance``: tokens left in the account's packages."""

from __future__ import annotations

import argparse

from .output import say, say_json, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from ..account import balance

    rows = balance()
    if arguments.json:
        say_json(rows)
    elif rows:
        say(table(("PACKAGE", "TOKENS LEFT"), [[row.get("usage"), row.get("value")] for row in rows]))
    else:
        say("The account has no packages.")
    return 0
