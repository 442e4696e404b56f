"""``litellm-gigachat``: the console command. ``python -m litellm_gigachat_provider`` is the same."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# name -> one line of help; the module of the same name in ``commands`` is imported only when it runs.
COMMANDS: dict[str, str] = {
    "demo": "chat, stream, tools, JSON, embeddings: the sandbox without a key, GigaChat with one",
    "proxy": "an OpenAI-compatible server in front of GigaChat, http://localhost:4000",
    "sandbox": "run a local GigaChat and print the settings that point to it",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 only if it did what it says."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="litellm-gigachat", description="GigaChat through LiteLLM.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            importlib.import_module(f".commands.{name}", __package__).add_arguments(command)
    arguments = parser.parse_args(words)
    module = importlib.import_module(f".commands.{arguments.command}", __package__)
    try:
        return int(module.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


if __name__ == "__main__":
    sys.exit(main())
