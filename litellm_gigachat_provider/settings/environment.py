"""Reading the process environment and ``.env``: a snapshot that is cheap enough to take on every call."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ..errors import InvalidRequestError

# Setting -> the variables it is read from; the first one found wins.
VARIABLES: dict[str, tuple[str, ...]] = {
    "credentials": ("GIGACHAT_CREDENTIALS", "GIGACHAT_AUTH_KEY", "GIGACHAT_API_KEY"),
    "oauth_client_id": ("GIGACHAT_CLIENT_ID",),
    "oauth_client_secret": ("GIGACHAT_CLIENT_SECRET",),
    "access_token": ("GIGACHAT_ACCESS_TOKEN",),
    "user": ("GIGACHAT_USER",),
    "password": ("GIGACHAT_PASSWORD",),
    "auth_header_name": ("GIGACHAT_AUTH_HEADER_NAME",),
    "auth_header_value": ("GIGACHAT_AUTH_HEADER_VALUE",),
    "scope": ("GIGACHAT_SCOPE",),
    "base_url": ("GIGACHAT_BASE_URL", "GIGACHAT_API_BASE"),
    "chat_v2_url": ("GIGACHAT_CHAT_V2_URL",),
    "auth_url": ("GIGACHAT_AUTH_URL",),
    "verify": ("GIGACHAT_VERIFY_SSL_CERTS",),
    "ca_bundle_file": ("GIGACHAT_CA_BUNDLE_FILE",),
    "cert_file": ("GIGACHAT_CERT_FILE",),
    "key_file": ("GIGACHAT_KEY_FILE",),
    "key_file_password": ("GIGACHAT_KEY_FILE_PASSWORD",),
    "api_version": ("GIGACHAT_API_VERSION",),
    "max_concurrency": ("GIGACHAT_MAX_CONCURRENCY",),
    "limit_url": ("GIGACHAT_LIMIT_URL",),
}
NAMES: tuple[str, ...] = tuple(name for names in VARIABLES.values() for name in names)

# A .env that appears in the working directory is noticed within this many seconds; a change of a known
# one, or of the working directory, at once.
SEARCH_EVERY = 0.5

Snapshot = tuple[str | None, ...]
EnvFile = str | os.PathLike[str] | Literal[False] | None


def clean(value: str | None) -> str | None:
    """Without surrounding white space, quotes, or the invisible marks that come along from a web page."""
    if value is None:
        return None
    text = value.strip().strip("\ufeff\u200b\u200e\u00a0").strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text or None


def snapshot() -> Snapshot:
    """The known variables' present values; compare it, or :func:`decode` it."""
    return tuple(map(os.environ.get, NAMES))


def decode(taken: Snapshot) -> dict[str, str]:
    """Snapshot -> variable -> cleaned value; unset and empty ones are left out."""
    found = {name: clean(value) for name, value in zip(NAMES, taken, strict=True)}
    return {name: text for name, text in found.items() if text is not None}


@dataclass(frozen=True)
class DotEnv:
    """Which ``.env`` applies and its state on disk; part of the cache key. ``path`` is None when there is none."""

    path: str | None = None
    state: tuple[int, int, int] | None = None
    explicit: bool = False


_NONE = DotEnv()
_found: tuple[str, float, str | None] = ("", 0.0, None)  # working directory, when searched, what was found


def locate(env_file: EnvFile) -> DotEnv:
    """The ``.env`` to read: the named one, or the first from the working directory upward."""
    if env_file is False:
        return _NONE
    if env_file:
        path = os.fspath(env_file)
        return DotEnv(path, _state(path), True)
    found = _search()
    return DotEnv(found, _state(found)) if found else _NONE


def _search() -> str | None:
    global _found
    try:
        cwd = os.getcwd()  # noqa: PTH109 - on the hot path; Path.cwd() costs five times as much
    except OSError:  # the directory was removed under us
        return None
    known_cwd, searched, found = _found
    now = time.monotonic()
    if cwd != known_cwd or now - searched > SEARCH_EVERY:
        found = _walk(Path(cwd))
        _found = (cwd, now, found)
    return found


def _walk(start: Path) -> str | None:
    for folder in (start, *start.parents):
        candidate = folder / ".env"
        try:
            if candidate.is_file():
                return str(candidate)
        except OSError:
            continue
    return None


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - on the hot path
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=16)
def read(dotenv: DotEnv) -> Mapping[str, str]:
    """The known variables of a ``.env``, cleaned. ``os.environ`` is not touched.

    Raises ``InvalidRequestError`` naming the file when it cannot be read.
    """
    if dotenv.path is None or (dotenv.state is None and not dotenv.explicit):
        return {}
    from dotenv import dotenv_values

    problem = ""
    values: Mapping[str, str | None] = {}
    try:
        with Path(dotenv.path).open(encoding="utf-8-sig") as stream:
            values = dotenv_values(stream=stream)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
    except ValueError:  # UnicodeDecodeError holds the file's bytes, so it must not be chained
        problem = "is not UTF-8 text"
    if problem:
        raise InvalidRequestError(
            "env_file", f"{dotenv.path} {problem}", "Fix the file, or name another with env_file="
        )
    return {name: text for name in NAMES if (text := clean(values.get(name))) is not None}
