"""``litellm-gigachat tokens``: how many tokens a text has for a model."""

from __future__ import annotations

import argparse

from .output import read_file, read_stdin, say, say_json, shortened, table

_SHOWN = 40  # characters of a text that stand for it in the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="texts to count, one row each; standard input if there is none")
    parser.add_argument("-f", "--file", action="append", default=[], metavar="PATH", help="a UTF-8 file (repeatable)")
    parser.add_argument("--model", default="GigaChat-2-Max", help="whose tokens (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from ..account import count_tokens

    texts = _texts(arguments)
    counted = count_tokens([text for _, text in texts], arguments.model)
    rows = [{"source": source, **row} for (source, _), row in zip(texts, counted, strict=True)]
    total = {"tokens": sum(row["tokens"] for row in counted), "characters": sum(row["characters"] for row in counted)}
    if arguments.json:
        say_json({"model": arguments.model, "texts": rows, "total": total})
        return 0
    shown = [[row["source"], row["tokens"], row["characters"]] for row in rows]
    if len(shown) > 1:
        shown.append(["total", total["tokens"], total["characters"]])
    say(table(("TEXT", "TOKENS", "CHARACTERS"), shown))
    return 0


def _texts(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """(what it is called, text); ``-`` among the arguments is standard input."""
    found = [("standard input", read_stdin()) if text == "-" else (_title(text), text) for text in arguments.text]
    found += [(shortened(path), read_file(path)) for path in arguments.file]
    return found or [("standard input", read_stdin())]


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
