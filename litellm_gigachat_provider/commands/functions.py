"""``litellm-gigachat functions``: a file of tools, as they are sent and as GigaChat judges them."""

from __future__ import annotations

import argparse
import json

from .output import CommandError, read_file, say, say_json, shortened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="JSON: a tool, a list of tools, or a request with 'tools'; '-' is standard input")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 if a function is not valid."""
    from ..account import validate_function

    try:
        given = json.loads(read_file(arguments.file))
    except ValueError as error:
        raise CommandError(f"{shortened(arguments.file)} is not JSON: {error}") from None
    inside = [
        given[word] for word in ("tools", "functions") if isinstance(given, dict) and isinstance(given.get(word), list)
    ]
    rows = validate_function(inside[0] if inside else given)
    if arguments.json:
        say_json(rows)
    for row in () if arguments.json else rows:
        say(f"{row['name']}: {row.get('message')}")
        for kind in ("errors", "warnings"):
            for remark in row.get(kind) or ():
                said = remark if isinstance(remark, dict) else {"description": remark}
                say(f"  {kind[:-1]} at {said.get('schema_location', '(root)')}: {said.get('description')}")
        say(f"  sent as {json.dumps(row['function'], ensure_ascii=False)}")
    return 1 if any(row.get("errors") for row in rows) else 0
