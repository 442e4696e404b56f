"""``litellm-gigachat``: the console command. ``python -m litellm_gigachat_provider`` is the same.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from openai import OpenAIError  # the base of all of LiteLLM's exceptions

from . import __version__
from .bridge.versions import SeamError, litellm_version
from .commands.output import CommandError, UsageError, complain, sentence
from .errors import GigaChatError
from .watch.logs import LOG

# name -> one line of help; the module of the same name in ``commands`` is imported only when it runs.
COMMANDS: dict[str, str] = {
    "demo": "chat, stream, tools, JSON, embeddings: the sandbox without a key, GigaChat with one",
    "doctor": "check the set-up step by step, with a remedy for what fails; safe to paste in public",
    "chat": "ask one quick question; the answer is shown as it arrives",
    "proxy": "run a LiteLLM proxy on http://localhost:4000 with GigaChat behind it",
    "sandbox": "run a local GigaChat and print the settings that point to it",
    "models": "list the models of this host",
    "files": "list, show, download and delete the account's files",
    "tokens": "count the tokens of texts and files",
    "batch": "have a file of requests answered at GigaChat's leisure, and write the file of results",
    "aicheck": "ask GigaChat whether a model wrote a text",
    "functions": "have GigaChat check the tools of a file, and show how they are sent",
    "balance": "show the tokens left in the account's packages",
    "token": "show the access token's state, or fetch a new one",
}
_DEBUG = "show what is sent and received on standard error, without texts and secrets"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 only if it did what it says."""
    arguments = _parse(list(sys.argv[1:] if argv is None else argv))
    module = importlib.import_module(f".commands.{arguments.command}", __package__)
    with _debug_log(arguments.debug):
        try:
            return _run(module.run, arguments)
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            _forget_output()
            return 141


def _parse(words: list[str]) -> argparse.Namespace:
    versions = f"litellm-gigachat-provider {__version__} (LiteLLM {litellm_version()})"
    parser = argparse.ArgumentParser(prog="litellm-gigachat", description="GigaChat through LiteLLM.")
    parser.add_argument("--version", action="version", version=versions, help="show the versions and exit")
    parser.add_argument("--debug", action="store_true", dest="debug_all", help=_DEBUG)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            importlib.import_module(f".commands.{name}", __package__).add_arguments(command)
            with contextlib.suppress(argparse.ArgumentError):  # a command may have a --debug of its own
                command.add_argument("--debug", action="store_true", help=_DEBUG)
    arguments = parser.parse_args(words)
    arguments.debug = arguments.debug or arguments.debug_all
    return arguments


def _run(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """The exit code; what can go wrong on the way to GigaChat becomes one sentence instead of a traceback."""
    try:
        return run(arguments)
    except UsageError as error:
        complain(sentence(error))
        return 2
    except (CommandError, GigaChatError, OpenAIError, SeamError) as error:
        complain(sentence(error))
        return 1


@contextlib.contextmanager
def _debug_log(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    level, propagate = LOG.level, LOG.propagate
    LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG)
    LOG.propagate = False  # LiteLLM may have a handler at the root: each line once
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(level)
        LOG.propagate = propagate


def _forget_output() -> None:
    """The reader of a pipe went away: without this Python complains once more when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
