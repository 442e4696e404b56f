"""Files at GigaChat: upload (once per tenant and content), download, delete.

``POST /files`` is multipart with ``file`` and ``purpose=general`` and answers with the id that messages name
in ``attachments``. Access is bound to the account and to ``X-Client-ID``, so both are part of the cache key.
"""

from __future__ import annotations

import asyncio
import copy
import re
import threading
import weakref
from collections.abc import Sequence
from urllib.parse import quote

from ..errors import GigaChatError, HttpFailureError, InvalidRequestError, TimeoutFailureError
from ..transport.client import Transport
from ..transport.deadline import Deadline
from ..transport.replies import Reply
from ..watch import counters
from .fetch import Fetcher
from .filetypes import LIMITS, Kind, fetched_kind
from .shelf import Flight, Shelf
from .uploads import Attachment, Headers, check, id_in, named

_IN_THREAD = 256 * 1024  # from here on hashing and checking leave the event loop
_AT_ONCE = 4
_FILE_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")

_shelves: weakref.WeakKeyDictionary[Transport, Shelf] = weakref.WeakKeyDictionary()
_shelves_lock = threading.Lock()


def shelf_of(transport: Transport) -> Shelf:
    with _shelves_lock:
        shelf = _shelves.get(transport)
        if shelf is None:
            shelf = _shelves[transport] = Shelf()
        return shelf


# --- upload ----------------------------------------------------------------------------------------


async def upload(
    transport: Transport,
    attachments: Sequence[Attachment],
    *,
    headers: Headers | None = None,
    timeout: float | None,
    fetcher: Fetcher | None = None,
    shared: bool = True,
    kinds: dict[str, Kind] | None = None,
) -> dict[str, str]:
    """``Attachment.key`` to file id for all of them, uploading what is not there yet, within ``timeout`` seconds.

    Four files at a time. Raises InvalidRequestError naming the attachment for a wrong type or size or a URL that
    gives no file, and HttpFailureError (with the attachment in its text) for what is not the file's fault.
    ``kinds`` is filled, by key, with what files behind URLs of undeclared type are.
    ``shared=False`` neither takes a file from the tenant's cache nor puts it there: for files that are deleted after
    the call.
    """
    deadline = Deadline(timeout)
    fetcher = fetcher or Fetcher(transport.settings)
    shelf = shelf_of(transport) if shared else Shelf()
    wanted = {attachment.key: attachment for attachment in attachments}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(attachment: Attachment) -> str:
        async with gate:
            return await _upload(
                transport, attachment, headers, deadline, fetcher, shelf, {} if kinds is None else kinds
            )

    tasks = [asyncio.ensure_future(one(attachment)) for attachment in wanted.values()]
    try:
        ids = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return dict(zip(wanted, ids, strict=True))


async def _upload(
    transport: Transport,
    attachment: Attachment,
    headers: Headers | None,
    deadline: Deadline,
    fetcher: Fetcher,
    shelf: Shelf,
    kinds: dict[str, Kind],
) -> str:
    if attachment.file_id:
        return attachment.file_id
    data, mime, kind = attachment.data, attachment.mime, attachment.kind
    if data is None:
        limit = max(LIMITS.values()) if mime is None else LIMITS[kind]
        data, fetched = await fetcher.fetch(
            attachment.url or "", where=attachment.where, limit=limit, timeout=deadline.left()
        )
        if mime is None:
            mime = fetched
            kind = kinds[attachment.key] = fetched_kind(kind, fetched, data)
    if len(data) < _IN_THREAD:
        file, key = check(attachment, kind, data, mime, transport, headers)
    else:
        file, key = await asyncio.to_thread(check, attachment, kind, data, mime, transport, headers)
    while True:
        claimed = shelf.claim(key)
        if isinstance(claimed, str):
            counters.files["upload_cache_hits"] += 1
            return claimed
        flight, carrier = claimed
        if not carrier:
            found = await _carried(flight, deadline, attachment)
            if found is not None:
                return found
            continue
        try:
            reply = await transport.arequest(
                "POST",
                transport.settings.url("files"),
                files={"file": (file.filename, file.data, file.mime), "purpose": (None, "general")},
                headers=headers,
                timeout=deadline.left(),
                where="files",
            )
            file_id = id_in(reply)
        except GigaChatError as error:
            failure = named(error, attachment)
            shelf.land(key, flight, failure)
        except BaseException as error:  # cancelled, too: those who wait for this upload must learn of it
            shelf.land(key, flight, error)
            raise
        else:
            shelf.land(key, flight, file_id)
            counters.files["uploads"] += 1
            return file_id
        raise failure


async def _carried(flight: Flight, deadline: Deadline, attachment: Attachment) -> str | None:
    """What somebody else's upload of the same file came to; None if it came to nothing and must be tried again."""
    await asyncio.wait([asyncio.wrap_future(flight)], timeout=deadline.left())
    if not flight.done():
        raise TimeoutFailureError(f"{attachment.where}: the upload of the file took longer than the timeout")
    outcome = flight.result()
    if isinstance(outcome, GigaChatError):
        raise named(copy.copy(outcome), attachment)
    return outcome


# --- download and delete -------------------------------------------------------------------------------


async def download(
    transport: Transport, file_id: str, *, headers: Headers | None = None, timeout: float | None
) -> tuple[bytes, str]:
    """The bytes and the MIME type of a file. ``headers`` must carry the ``X-Client-ID`` it was made under."""
    url = transport.settings.url(f"files/{path_segment(file_id)}/content")
    accepting = {"Accept": "*/*", **(headers or {})}
    try:
        reply = await transport.arequest("GET", url, headers=accepting, timeout=timeout, where="files")
    except HttpFailureError as failure:
        if failure.status in (403, 404):
            shelf_of(transport).drop(file_id)
        raise
    counters.files["downloads"] += 1
    mime: str = reply.headers.get("content-type", "application/octet-stream")
    return reply.content, mime.partition(";")[0].strip()


async def delete(transport: Transport, file_id: str, *, headers: Headers | None = None, timeout: float | None) -> Reply:
    """Delete a file. The service takes ``POST …/delete``, not DELETE."""
    shelf_of(transport).drop(file_id)
    url = transport.settings.url(f"files/{path_segment(file_id)}/delete")
    reply = await transport.arequest("POST", url, headers=headers, timeout=timeout, where="files")
    counters.files["deletes"] += 1
    return reply


def forget_refused(transport: Transport, failure: GigaChatError) -> bool:
    """Drop cached file ids that a 403 or 404 names (``Access to file '<id>' is denied``).

    True if one was dropped: then the same request, uploaded anew, may work.
    """
    if not isinstance(failure, HttpFailureError) or failure.status not in (403, 404):
        return False
    shelf = shelf_of(transport)
    dropped = [shelf.drop(found) for found in set(_FILE_ID.findall(failure.service_message()))]
    return any(dropped)


def path_segment(given: str, field: str = "file_id") -> str:
    """An id as a part of a path: it comes from a model's text or a client and must not lead elsewhere."""
    fits = isinstance(given, str) and 0 < len(given) <= 200 and given.isprintable()
    if not fits or set(given) <= {"."}:
        raise InvalidRequestError(field, "is not the id of a file" if field == "file_id" else "is not a name")
    return quote(given, safe="")
