"""``litellm-gigachat batch``: a file of requests in, a file of results out, with a long wait between."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .output import CommandError, UsageError, complain, quiet_litellm, say, say_json, shortened, table

_PATIENCE = 10  # failures in a row while waiting: a hiccup of the network must not end a wait of hours
_WIDTH = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="requests in OpenAI's batch format, one JSON object a line")
    parser.add_argument("-o", "--output", metavar="RESULTS", help="where OpenAI's results go, in the requests' order")
    parser.add_argument("--resume", metavar="ID", help="wait for this batch, made from FILE, instead of making one")
    parser.add_argument("--list", action="store_true", help="show the account's batches")
    parser.add_argument("--drop-params", action="store_true", help="leave out parameters GigaChat does not have")
    parser.add_argument("--poll", type=float, default=5.0, metavar="SECONDS", help="between looks (default: 5)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 only if every request was answered."""
    from .. import batches

    quiet_litellm()
    if arguments.list:
        return _list(batches.list_batches(), as_json=arguments.json)
    target = _target(arguments)
    batch_id = arguments.resume or _create(arguments)
    words = ["litellm-gigachat", "batch", arguments.file, "-o", arguments.output, "--resume", batch_id]
    _note(f"Batch {batch_id}. Should this stop, go on with: {shlex.join(words)}")
    try:
        batch = _wait(batch_id, arguments.poll)
        rows = batches.results(batch_id, arguments.file)
    except KeyboardInterrupt:
        _note(f"The batch goes on at GigaChat. Come back to it with: {shlex.join(words)}")
        raise
    _write(target, rows)
    failed = sum(row["error"] is not None for row in rows)
    if arguments.json:
        say_json({**batch, "results": str(target), "answered": len(rows) - failed, "failed": failed})
    else:
        say(f"{len(rows) - failed} of {len(rows)} requests answered: {target}")
    if failed:
        raise CommandError(f"{failed} of {len(rows)} requests failed: see error in their lines of {target}")
    return 0


def _target(arguments: argparse.Namespace) -> Path:
    """Judged first: a batch costs money, and its results must have a place."""
    if not arguments.file or not arguments.output:
        raise UsageError("a FILE of requests and -o RESULTS are needed")
    if not arguments.poll > 0:
        raise UsageError("--poll takes seconds above 0")
    target = Path(arguments.output)
    if not target.parent.is_dir() or target.is_dir() or not os.access(target.parent, os.W_OK):
        raise UsageError(f"{shortened(str(target))} cannot be written")
    return target


def _create(arguments: argparse.Namespace) -> str:
    from ..batches import create

    try:
        return str(create(arguments.file, drop_params=arguments.drop_params)["id"])
    except KeyboardInterrupt:
        _note("Whether the batch was made shows: litellm-gigachat batch --list")
        raise


def _wait(batch_id: str, poll: float) -> dict[str, Any]:
    """The batch once it is over."""
    from litellm import exceptions as failures

    from ..batches import RUNNING, status

    passing = (failures.APIConnectionError, failures.Timeout, failures.RateLimitError, failures.InternalServerError)
    bar, missed = _Bar(), 0
    try:
        while True:
            try:
                batch = status(batch_id)
            except (*passing, failures.ServiceUnavailableError):
                missed += 1
                if missed >= _PATIENCE:
                    raise
            else:
                missed = 0
                bar.show(batch["request_counts"])
                if batch["status"] not in RUNNING:
                    return batch
            time.sleep(poll)
    finally:
        bar.end()


class _Bar:
    """How far the batch is, on one line of a terminal; a pipe or a log gets nothing of it."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._began = time.monotonic()

    def show(self, counts: dict[str, int]) -> None:
        if not self._terminal:
            return
        total = max(counts["total"], 1)
        done = min(counts["completed"] + counts["failed"], total)
        full = _WIDTH * done // total
        minutes, secs = divmod(int(time.monotonic() - self._began), 60)
        failed = f", {counts['failed']} failed" if counts["failed"] else ""
        line = f"[{'#' * full}{'.' * (_WIDTH - full)}] {done} of {total}{failed}, {minutes}:{secs:02}"
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._terminal:
            print(file=sys.stderr, flush=True)


def _write(target: Path, rows: Sequence[dict[str, Any]]) -> None:
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


def _list(found: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        say_json(found)
        return 0
    rows = [
        [one["id"], one.get("method"), one["status"], *one["request_counts"].values(), _moment(one.get("created_at"))]
        for one in found
    ]
    say(table(("BATCH", "METHOD", "STATUS", "REQUESTS", "ANSWERED", "FAILED", "MADE"), rows) if rows else "No batches.")
    return 0


def _moment(stamp: Any) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(stamp)) if isinstance(stamp, int) else ""


def _note(text: str) -> None:
    complain(text)
