"""``litellm-gigachat files``: what the account keeps at GigaChat."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .output import CommandError, UsageError, minute, say, say_json, shortened, table

ACTIONS = ("list", "show", "download", "delete")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="default: %(default)s")
    parser.add_argument("id", nargs="*", help="ids of files; one for 'download', none for 'list'")
    parser.add_argument("-o", "--output", metavar="PATH", help="where 'download' writes (default: the file's own name)")
    parser.add_argument("--client-id", help="the X-Client-ID that the files were made under")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from .. import account

    ids, owner = arguments.id, {"client_id": arguments.client_id}
    if (arguments.action == "list") == bool(ids) or (arguments.action == "download" and len(ids) != 1):
        takes = {"list": "no id", "download": "one id"}.get(arguments.action, "ids")
        raise UsageError(f"'files {arguments.action}' takes {takes}, and {len(ids)} were given")
    if arguments.output and arguments.action != "download":
        raise UsageError(f"'files {arguments.action}' writes no file")
    if arguments.action == "download":
        return _download(account.get_file(ids[0], **owner), arguments, owner)
    if arguments.action == "delete":
        deleted = [account.delete_file(file_id, **owner) for file_id in ids]
        say_json(deleted) if arguments.json else say("\n".join(f"deleted {row.get('id')}" for row in deleted))
        return 0
    rows = [account.get_file(file_id, **owner) for file_id in ids] if ids else account.get_files(**owner)
    if arguments.json:
        say_json(rows)
    elif rows:
        cells = [[row.get("id"), row.get("filename"), row.get("bytes"), minute(row.get("created_at"))] for row in rows]
        say(table(("ID", "NAME", "BYTES", "CREATED"), cells))
    else:
        say("The account keeps no files" + (f" under {arguments.client_id}." if arguments.client_id else "."))
    return 0


def _download(file: dict[str, Any], arguments: argparse.Namespace, owner: dict[str, Any]) -> int:
    from ..account import get_file_content

    # The name is what somebody called it: a part of a path in it must not lead elsewhere.
    own = Path(str(file.get("filename") or "").replace("\\", "/")).name or arguments.id[0]
    path = Path(arguments.output or own)
    if not arguments.output and path.exists():
        raise CommandError(f"{shortened(str(path))} exists already: say with -o where to write")
    data = get_file_content(arguments.id[0], **owner)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{shortened(str(path))} cannot be written: {error.strerror}") from error
    written = {"id": arguments.id[0], "path": str(path), "bytes": len(data)}
    say_json(written) if arguments.json else say(f"{shortened(str(path))}: {len(data)} bytes")
    return 0
