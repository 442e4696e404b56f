"""What the commands share: plain-text tables, JSON, and one clear sentence for a failure."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_LITELLM_PREFIX = re.compile(r"^(?:litellm\.)?(?:\w+Error|Timeout)\s*:\s*(?:litellm\.\w+:\s*)?")
_USER_FOLDER = re.compile(r"(/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s:'\"]+")


class CommandError(Exception):
    """A command cannot do what it was asked to; the text is for the person at the terminal."""


class UsageError(CommandError):
    """The command line itself is at fault: exit code 2."""


def say(text: str = "") -> None:
    """A line on standard output, at once: the next step may take seconds."""
    print(text, flush=True)


def say_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str), flush=True)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns padded with spaces; numbers to the right; None as ``-``."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(headers, *cells, strict=True)]
    right = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(headers))]
    lines = [list(headers), ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)


def minute(at: Any) -> str | None:
    """Unix seconds as this machine's date and time; None for what is no number."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if isinstance(at, (int, float)) else None


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def sentence(error: BaseException) -> str:
    """The failure in one line: without class names, line breaks and home folders."""
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    text = " ".join(text.partition("Traceback (most recent call last)")[0].split())
    return shortened(_LITELLM_PREFIX.sub("", text) or type(error).__name__)


def shortened(text: str) -> str:
    """Paths below a home folder begin with ``~``, so that no user name is shown."""
    try:
        home = str(Path.home())
    except RuntimeError:  # no home: a container's bare user id
        home = ""
    if len(home) > 1:
        text = re.sub(re.escape(home) + r"(?![\w.-])", "~", text)
    return _USER_FOLDER.sub("~", text)


def complain(text: str) -> None:
    print(f"litellm-gigachat: {text}", file=sys.stderr, flush=True)


def quiet_litellm() -> None:
    """LiteLLM prints "Give Feedback / Get Help" in red on every failure; the command says it in its own words."""
    import litellm

    litellm.suppress_debug_info = True


def model_name(model: str) -> str:
    """``gigachat/<model>``, whether or not the prefix was typed."""
    return model if model.startswith("gigachat/") else f"gigachat/{model}"


def read_stdin() -> str:
    """All of standard input, UTF-8 whatever the terminal's locale; UsageError where a person would have to type."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("no text: give it as arguments, or pipe it in")
    buffer = getattr(sys.stdin, "buffer", None)
    return decoded(buffer.read(), "standard input") if buffer is not None else sys.stdin.read()


def read_file(path: str) -> str:
    """The UTF-8 text of a file that the command line names; ``-`` is standard input."""
    if path == "-":
        return read_stdin()
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{shortened(path)} cannot be read: {error.strerror or type(error).__name__}") from error
    return decoded(data, shortened(path))


def decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{where} is not UTF-8 text") from None
