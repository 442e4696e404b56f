"""The files of a call: uploaded before it, downloaded after it, deleted where the caller ordered it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from ..errors import GigaChatError
from ..types import ChatRequest, Kind, MediaRef
from ..watch import logs
from .call import Call
from .flow import Do, Flow

T = TypeVar("T")


Make = Callable[[ChatRequest, Mapping[str, str]], Flow[T]]
Reread = Callable[[Mapping[str, Kind]], ChatRequest]


def with_files(
    call: Call, request: ChatRequest, reread: Reread, make: Make[T]
) -> Flow[tuple[T, ChatRequest, Mapping[str, str]]]:
    """``make`` with the request's files uploaded; the request that was made, and the file ids.

    What is behind a URL is known only now: where it is another kind of file than it seemed, the call is read once
    more (``reread``), since a document asks for other functions than a picture. The service does not say how long it
    keeps a file: when it has lost one that was uploaded before, all that it refuses is uploaded again, once.
    """
    kinds: dict[str, Kind] = {}
    uploaded = yield from upload(call, request, kinds)
    try:
        if settles(request, kinds):
            request = replace(reread(kinds), stream=request.stream)
        return (yield from make(request, uploaded)), request, uploaded
    except GigaChatError as failure:
        if not (uploaded and lost_a_file(call, failure)):
            yield from clean_up(call, request, uploaded)
            raise
    uploaded = yield from upload(call, request, kinds)
    return (yield from make(request, uploaded)), request, uploaded


def settles(request: ChatRequest, kinds: Mapping[str, Kind]) -> bool:
    """Whether ``kinds`` say of a file of ``request`` what was not known, or not so, when it was read."""
    return any(not a.sure or kinds.get(a.key, a.kind) != a.kind for a in request.attachments)


def lost_a_file(call: Call, failure: GigaChatError) -> bool:
    from ..files import files

    return files.forget_refused(call.transport, failure)


def upload(call: Call, request: ChatRequest, kinds: dict[str, Kind]) -> Flow[Mapping[str, str]]:
    attachments = request.attachments
    if not attachments:
        return {}
    from ..files import files  # most calls carry no file

    uploaded: Mapping[str, str] = yield Do(
        files.upload,
        call.transport,
        attachments,
        headers=context_headers(call),
        timeout=call.remaining(),
        shared=not call.delete_files,
        kinds=kinds,
    )
    return uploaded


def clean_up(call: Call, request: ChatRequest, uploaded: Mapping[str, str]) -> Flow[None]:
    """Delete what was uploaded for this call, where the caller asked for it. Files he named himself stay."""
    if not call.delete_files or not uploaded:
        return
    from ..files import files

    ours = {uploaded[a.key] for a in request.attachments if a.file_id is None}
    for file_id in sorted(ours):
        try:
            yield Do(
                files.delete,
                call.transport,
                file_id,
                headers=context_headers(call),
                timeout=call.remaining(),
            )
        except GigaChatError as error:  # the answer is there and must not be lost for this
            logs.LOG.warning("the file %s was not deleted at GigaChat: %s", file_id, error)


def context_headers(call: Call) -> dict[str, str]:
    """The headers a file call must share with its chat call: file access is bound to ``X-Client-ID``."""
    return {key: value for key, value in call.headers.items() if key.lower() == "x-client-id"}


def download_images(call: Call, media: list[MediaRef]) -> Flow[dict[str, str]]:
    """Data URLs of the images the model made, by file id."""
    from ..files import files

    images: dict[str, str] = {}
    for ref in media:
        if ref.kind == "image" and ref.file_id not in images:
            data, mime = yield Do(
                files.download,
                call.transport,
                ref.file_id,
                headers=context_headers(call),
                timeout=call.remaining(),
            )
            images[ref.file_id] = f"data:{image_mime(mime)};base64,{base64.b64encode(data).decode()}"
    return images


def image_mime(mime: str) -> str:
    """The service often says ``application/octet-stream``; its images are JPEG."""
    return mime if mime.startswith("image/") else "image/jpeg"
