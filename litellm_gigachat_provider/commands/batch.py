"""``litellm-gigachat batch``: a file of requests in, a file of results out, with a long wait between."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .output import CommandError, UsageError, complain, minute, quiet_litellm, say, say_json, shortened, table

_POLL = 5.0  # seconds
_PATIENCE = 10  # failures in a row: a hiccup of the network must not end a wait of hours
_WIDTH = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="requests in OpenAI's batch format, one JSON object a line")
    parser.add_argument("-o", "--output", metavar="RESULTS", help="where OpenAI's results go, in the requests' order")
    parser.add_argument("--resume", metavar="ID", help="wait for this batch, made from FILE, instead of making one")
    parser.add_argument("--drop-params", action="store_true", help="leave out parameters GigaChat does not have")
    parser.add_argument("--list", action="store_true", help="show the account's batches")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 only if every request was answered."""
    from .. import batches

    quiet_litellm()
    if arguments.list:
        return _list(batches.list_batches(), as_json=arguments.json)
    target = _target(arguments)
    batch_id, hint = arguments.resume, "whether the batch was made shows: litellm-gigachat batch --list"
    try:
        batch_id = batch_id or batches.create(arguments.file, drop_params=arguments.drop_params)["id"]
        words = ["litellm-gigachat", "batch", arguments.file, "-o", arguments.output, "--resume", batch_id]
        hint = f"the batch goes on at GigaChat; to come back to it: {shlex.join(words)}"
        complain(hint)  # at once: this process may be killed
        batch = _wait(batch_id)
        rows = batches.results(batch_id, arguments.file)
    except KeyboardInterrupt:
        complain(hint)
        raise
    _write(target, rows)
    failed = sum(row["error"] is not None for row in rows)
    if arguments.json:
        say_json({**batch, "results": str(target), "answered": len(rows) - failed, "failed": failed})
    else:
        say(f"{len(rows) - failed} of {len(rows)} requests answered: {target}")
    if failed:
        raise CommandError(f"{failed} of {len(rows)} requests failed: `error` in their lines says why")
    return 0


def _target(arguments: argparse.Namespace) -> Path:
    """Judged first: a batch costs money, and its results must have a place."""
    if not arguments.file or not arguments.output:
        raise UsageError("a FILE of requests and -o RESULTS are needed")
    target = Path(arguments.output)
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise UsageError(f"{shortened(str(target))} cannot be written")
    return target


def _wait(batch_id: str) -> dict[str, Any]:
    """The batch once it is over; on a terminal, and only there, a line shows how far it is."""
    from litellm import exceptions as errors

    from ..batches import RUNNING, status

    passing = (errors.APIConnectionError, errors.Timeout, errors.RateLimitError, errors.InternalServerError)
    terminal = sys.stderr is not None and sys.stderr.isatty()
    began, missed = time.monotonic(), 0
    try:
        while True:
            try:
                batch = status(batch_id)
                missed = 0
            except (*passing, errors.ServiceUnavailableError):
                missed += 1
                if missed == _PATIENCE:
                    raise
            else:
                if terminal:
                    line = _bar(batch["request_counts"], int(time.monotonic() - began))
                    print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
                if batch["status"] not in RUNNING:
                    return batch
            time.sleep(_POLL)
    finally:
        if terminal:
            print(file=sys.stderr, flush=True)


def _bar(counts: Mapping[str, int], seconds: int) -> str:
    total = max(counts["total"], 1)
    done = min(counts["completed"] + counts["failed"], total)
    full = _WIDTH * done // total
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    return f"[{'#' * full}{'.' * (_WIDTH - full)}] {done} of {total}{failed}, {seconds // 60}:{seconds % 60:02}"


def _write(target: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """All of it or nothing: whoever finds the file finds it whole."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
    except OSError as error:
        raise CommandError(f"{shortened(str(target))} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _list(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> int:
    if as_json:
        say_json(found)
    elif found:
        heads = ("BATCH", "METHOD", "STATUS", "REQUESTS", "ANSWERED", "FAILED", "MADE")
        cells = [
            (one["id"], one.get("method"), one["status"], *one["request_counts"].values(), minute(one["created_at"]))
            for one in found
        ]
        say(table(heads, cells))
    else:
        say("The account has no batches.")
    return 0
