"""``litellm-gigachat sandbox``: a local GigaChat that runs until it is stopped."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8790, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--tls", action="store_true", help="speak TLS and HTTP/2 with a certificate made for this run")


def run(arguments: argparse.Namespace) -> int:
    try:
        from ..sandbox.server import run_forever
    except ImportError as error:
        print(f'The sandbox needs its extra ({error.name}): pip install -e ".[sandbox]"', file=sys.stderr)
        return 2
    run_forever(arguments.host, arguments.port, arguments.tls)
    return 0
