"""Uploaded and generated files: limits, types, and who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .rules.refusal import TOO_LARGE, Refusal

MEGABYTE: Final = 1024 * 1024
_DOCUMENTS: Final = (
    "text/plain", "application/msword", "application/pdf", "application/epub", "application/ppt", "application/pptx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.ms-excel",
)  # fmt: skip
_IMAGES: Final = ("image/jpeg", "image/png", "image/tiff", "image/bmp")
_AUDIO: Final = tuple(
    f"audio/{kind}" for kind in ("mp4", "mp3", "x-m4a", "wav", "x-wav", "wave", "x-pn-wav", "webm", "x-ogg", "opus")
)
LIMITS: Final[dict[str, int]] = {
    **dict.fromkeys(_DOCUMENTS, 40 * MEGABYTE),
    **dict.fromkeys(_IMAGES, 15 * MEGABYTE),
    **dict.fromkeys(_AUDIO, 35 * MEGABYTE),
}
PURPOSES: Final = ("general", "assistant")


@dataclass(frozen=True)
class StoredFile:
    id: str
    data: bytes
    mime: str
    filename: str
    purpose: str
    created_at: int
    owner: str  # the account's client id
    client_id: str | None  # the X-Client-ID it came with

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "access_policy": "private",
        }


@dataclass
class StoredBatch:
    """A task of ``POST /batches``: its lines are worked off at once, and told of as time goes by."""

    id: str
    method: str
    rows: list[dict[str, Any]]  # {"id", "result"} or {"id", "error"}
    created_at: float
    owner: str
    client_id: str | None
    output_file_id: str | None = None


class FileShelf:
    """Files by id. Access needs the same account and the same ``X-Client-ID``."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}

    def clear(self) -> None:
        self._files.clear()

    def __len__(self) -> int:
        return len(self._files)

    def add(self, file: StoredFile) -> StoredFile:
        self._files[file.id] = file
        return file

    def upload(self, file: StoredFile) -> StoredFile:
        """Checks the type (400), the size (413) and the purpose (400) before keeping it."""
        if file.mime not in LIMITS:
            raise Refusal(400, f"Unsupported file type: {file.mime or 'unknown'}")
        if len(file.data) > LIMITS[file.mime]:
            raise Refusal(413, TOO_LARGE, f"{len(file.data)} bytes of {file.mime}")
        if file.purpose not in PURPOSES:
            raise Refusal(400, f"Unknown purpose: {file.purpose}")
        if not file.data:
            raise Refusal(400, "File is empty")
        return self.add(file)

    def get(self, file_id: str, owner: str, client_id: str | None) -> StoredFile:
        file = self._files.get(file_id)
        if file is None:
            raise Refusal(404, f"No such file: {file_id}")
        if file.owner != owner or file.client_id != client_id:
            raise Refusal(403, f"Access to file '{file_id}' is denied")
        return file

    def all_of(self, owner: str, client_id: str | None) -> list[StoredFile]:
        return [file for file in self._files.values() if (file.owner, file.client_id) == (owner, client_id)]

    def delete(self, file_id: str, owner: str, client_id: str | None) -> dict[str, Any]:
        self.get(file_id, owner, client_id)
        del self._files[file_id]
        return {"id": file_id, "deleted": True, "access_policy": "private"}
