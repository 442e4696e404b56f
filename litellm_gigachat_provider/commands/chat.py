"""``litellm-gigachat chat``: one quick prompt, the answer shown as it arrives."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .output import CommandError, UsageError, model_name, quiet_litellm, read_stdin, say_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="the prompt; standard input if there is none, or for '-'")
    parser.add_argument("--model", default="GigaChat-2-Max", help="chat model (default: %(default)s)")
    parser.add_argument("--system", help="instructions for the model")
    parser.add_argument("--no-stream", action="store_true", help="wait for the whole answer")
    parser.add_argument("--json", action="store_true", help="the whole answer as OpenAI's JSON (does not stream)")


def run(arguments: argparse.Namespace) -> int:
    import litellm

    prompt = _prompt(arguments.prompt)
    quiet_litellm()
    messages: list[Any] = [{"role": "system", "content": arguments.system}] if arguments.system else []
    messages.append({"role": "user", "content": prompt})
    call = {"model": model_name(arguments.model), "messages": messages}
    if arguments.json:
        say_json(litellm.completion(**call).model_dump(exclude_none=True))
        return 0
    if arguments.no_stream:
        choice = litellm.completion(**call).choices[0]
        sys.stdout.write(choice.message.content or "")
        return _finish(choice.finish_reason)
    return _finish(_stream(litellm.completion(**call, stream=True)))


def _stream(chunks: Any) -> str | None:
    """Show the pieces as they come; the finish reason."""
    reason, shown = None, False
    try:
        for chunk in chunks:
            piece = chunk.choices[0].delta.content or ""
            sys.stdout.write(piece)
            sys.stdout.flush()
            reason, shown = chunk.choices[0].finish_reason or reason, shown or bool(piece)
    except BaseException:  # Ctrl-C, too: the complaint, or the shell's prompt, begins a line of its own
        if shown:
            sys.stdout.write("\n")
        raise
    return reason


def _finish(reason: str | None) -> int:
    """Exit code 1 for an answer that is not whole."""
    sys.stdout.write("\n")
    sys.stdout.flush()
    if reason == "content_filter":
        raise CommandError("GigaChat's content filter stopped the answer")
    if reason == "length":
        raise CommandError("the answer was cut at the model's limit of tokens")
    return 0


def _prompt(words: list[str]) -> str:
    text = read_stdin() if not words or words == ["-"] else " ".join(words)
    if not text.strip():
        raise UsageError("the prompt is empty")
    return text
