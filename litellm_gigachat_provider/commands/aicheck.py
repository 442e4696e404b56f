"""``litellm-gigachat aicheck``: whether a model wrote a text."""

from __future__ import annotations

import argparse

from .output import UsageError, read_file, read_stdin, say, say_json, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="Russian text of 20 words or more; standard input if there is none")
    parser.add_argument("-f", "--file", metavar="PATH", help="a UTF-8 file instead")
    parser.add_argument(
        "--model",
        default="GigaCheckClassification",
        help="or GigaCheckDetection, which says where (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from ..account import check_ai

    if arguments.text and arguments.file:
        raise UsageError("give a text or a file, not both")
    text = read_file(arguments.file) if arguments.file else " ".join(arguments.text) or read_stdin()
    if not text.strip():
        raise UsageError("the text is empty")
    answer = check_ai(text, arguments.model)
    if arguments.json:
        say_json(answer)
        return 0
    cells = [
        answer.get("category"),
        answer.get("characters"),
        answer.get("tokens"),
        _places(answer.get("ai_intervals")),
    ]
    say(table(("WRITTEN BY", "CHARACTERS", "TOKENS", "BY A MODEL"), [cells]))
    return 0


def _places(intervals: object) -> str | None:
    """``[[1, 120]]`` as ``1-120``; characters of the text."""
    pairs = intervals if isinstance(intervals, list) else []
    return ", ".join("-".join(map(str, pair)) for pair in pairs if isinstance(pair, list)) or None
