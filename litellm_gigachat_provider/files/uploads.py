"""One upload: what is checked before it, sent for it, and said when it fails."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..errors import BadAnswerError, GigaChatError, HttpFailureError, InvalidRequestError
from ..transport.client import Transport
from ..transport.replies import Reply
from .filetypes import Kind, Prepared, prepare

Headers = Mapping[str, str]
_REFUSED = frozenset({400, 413, 415, 422})  # the file's own fault


class Attachment(Protocol):
    """What is uploaded: one of ``data``, ``url`` and ``file_id`` is set; ``where`` names it in the caller's input."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def data(self) -> bytes | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def file_id(self) -> str | None: ...
    @property
    def mime(self) -> str | None: ...
    @property
    def filename(self) -> str | None: ...
    @property
    def where(self) -> str: ...


@dataclass
class UploadFailureError(HttpFailureError):
    """The service refused a file; ``attachment`` is its place in the caller's input."""

    attachment: str = ""

    def describe(self) -> str:
        return f"{self.attachment}: {super().describe()}"


def check(
    attachment: Attachment, kind: Kind, data: bytes, mime: str | None, transport: Transport, headers: Headers | None
) -> tuple[Prepared, Hashable]:
    file = prepare(kind, data, mime, attachment.filename, attachment.where)
    owner = transport.settings.client_id
    for name, value in (headers or {}).items():
        if name.lower() == "x-client-id":
            owner = value
    return file, (hashlib.sha256(file.data).digest(), file.mime, owner)


def id_in(reply: Reply) -> str:
    data = reply.json()
    file_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(file_id, str) or not file_id:
        raise BadAnswerError("GigaChat answered an upload without the id of the file")
    return file_id


def named(failure: GigaChatError, attachment: Attachment) -> GigaChatError:
    """The failure with the attachment's place in it, and the file's own fault as the caller's error."""
    if isinstance(failure, HttpFailureError):
        if failure.status in _REFUSED:
            problem = f"GigaChat refused the file ({failure.status}: {failure.service_message()})"
            return InvalidRequestError(attachment.where, problem)
        return UploadFailureError(
            failure.status, failure.body, failure.headers, failure.url, failure.where, attachment.where
        )
    if isinstance(failure, InvalidRequestError):
        return InvalidRequestError(attachment.where, failure.problem, failure.remedy)
    return type(failure)(f"{attachment.where}: {failure}")
