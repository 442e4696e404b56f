"""Secrets that are looked for everywhere, and the everywhere."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from typing import Any
from urllib.parse import quote

PACKAGE = "litellm_gigachat_provider"


def forms(secret: str) -> set[str]:
    """The secret as it is, in Base64 (its middle, whatever stood before it), in JSON and in URLs."""
    raw = secret.encode()
    found = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), raw.hex()}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw).decode()
        found.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return {form for form in found if len(form) >= 8}


class Canaries:
    """``plant(name, secret)``, then ``search(place, text)``; ``found`` says what was seen where."""

    def __init__(self) -> None:
        self.secrets: dict[str, set[str]] = {}
        self.found: list[str] = []
        self.searched = 0

    def plant(self, name: str, secret: str) -> None:
        assert len(secret) >= 8, "too short to be searched for"
        self.secrets.setdefault(name, set()).update(forms(secret))

    def search(self, place: str, text: str) -> None:
        self.searched += len(text)
        for name, looks in self.secrets.items():
            for look in looks:
                at = text.find(look)
                if at >= 0:
                    self.found.append(f"{name} in {place}: …{text[max(0, at - 80) : at]}<here>")
                    break

    def search_error(self, place: str, error: BaseException) -> None:
        """Text, chain, attributes and the locals of this package's frames: what an error tracker collects."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            link = waiting.pop()
            if link is None or id(link) in seen:
                continue
            seen.add(id(link))
            where = f"{place}: {type(link).__name__}"
            self.search(f"{where}, its text", f"{link}\n{link!r}\n{link.args!r}")
            self.search(f"{where}, its attributes", deep(vars(link), skip=()))
            self.search(
                f"{where}, its traceback", "".join(traceback.format_exception(type(link), link, link.__traceback__))
            )
            self._search_frames(where, link)
            waiting += [link.__cause__, link.__context__, getattr(link, "original_exception", None)]

    def _search_frames(self, where: str, error: BaseException) -> None:
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            if f"/{PACKAGE}/" in code.co_filename and "/sandbox/" not in code.co_filename:
                for name, value in step.tb_frame.f_locals.items():
                    self.search(
                        f"{where}, local {name} of {code.co_name} ({code.co_filename}:{step.tb_lineno})",
                        safe_repr(value),
                    )
            step = step.tb_next


def safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(error).__name__}>"


def deep(value: Any, skip: tuple[str, ...], depth: int = 0) -> str:
    """``repr`` that goes into plain containers, leaving out the keys of ``skip``."""
    if depth > 12:
        return "…"
    if isinstance(value, dict):
        return " ".join(f"{key}={deep(item, skip, depth + 1)}" for key, item in list(value.items()) if key not in skip)
    if isinstance(value, (list, tuple, set)):
        return " ".join(deep(item, skip, depth + 1) for item in value)
    return str(value) if isinstance(value, str) else safe_repr(value)


class Everything(logging.Handler):
    """All log records of the process, as text, with their arguments and exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = io.StringIO()
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(record.name)
        try:
            message = record.getMessage()
        except Exception:
            message = str(record.msg)
        self.text.write(f"{record.name}: {message} {safe_repr(record.args)}\n")
        if record.exc_info and record.exc_info[1] is not None:
            self.text.write("".join(traceback.format_exception(*record.exc_info)))
