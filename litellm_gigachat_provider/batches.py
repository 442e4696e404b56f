"""Batches: many requests in one file, answered when GigaChat finds the time (scope CORP).

A file is OpenAI's: a path, its bytes or an iterable of dicts, each ``{"custom_id", "method": "POST", "url", "body"}``
with ``url`` ``/v1/chat/completions`` or ``/v1/embeddings``, one of them a file. Bodies are read as those of calls are;
a bad line is refused with its number before anything is sent. Files that messages attach are uploaded and stay; there
is no stream and no v2, and ``X-Session-ID`` does not exist. What would need a second request (the model leaves out the
function that stands for ``response_format`` or ``tool_choice="required"``) is an error of its line.

All functions take the settings of :class:`litellm_gigachat_provider.GigaChatLLM` like those of ``account`` (``timeout``
in seconds, 600 for each request) and raise ``litellm.exceptions`` classes; the ``a…`` twins are the same for a task.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .bridge.exceptions import to_litellm
from .contracts.batches import RUNNING
from .errors import GigaChatError
from .flows import batches as flows
from .flows.flow import Flow, arun, run
from .settings import Overrides

__all__ = ["RUNNING", "acreate", "alist_batches", "aresults", "astatus", "create", "list_batches", "results", "status"]

T = TypeVar("T")
File = str | os.PathLike[str] | bytes | Iterable[Mapping[str, Any]]


def create(file: File, *, drop_params: bool = False, **settings: Any) -> dict[str, Any]:
    """Hand in a batch; what is told of it is that of :func:`status`. Keep its ``id`` and the file.

    ``drop_params``: leave out parameters that GigaChat has no counterpart for instead of refusing their line.
    A failure on the way back says so: :func:`list_batches` then shows whether the batch was made.
    """
    return _done(flows.create(Overrides(**settings), file, drop_params))


async def acreate(file: File, *, drop_params: bool = False, **settings: Any) -> dict[str, Any]:
    """:func:`create` for a task."""
    return await _adone(flows.create(Overrides(**settings), file, drop_params))


def status(batch_id: str, **settings: Any) -> dict[str, Any]:
    """``{"id", "method", "status", "request_counts": {"total", "completed", "failed"}, "output_file_id", …}``.

    While ``status`` is one of ``RUNNING`` it goes on; "completed" is the only documented end. Unknown ids are
    ``NotFoundError``. The shapes of the answer are read tolerantly, unknown keys stay in it.
    """
    return _done(flows.status(Overrides(**settings), batch_id))


async def astatus(batch_id: str, **settings: Any) -> dict[str, Any]:
    """:func:`status` for a task."""
    return await _adone(flows.status(Overrides(**settings), batch_id))


def list_batches(**settings: Any) -> list[dict[str, Any]]:
    """All batches of the account, each as :func:`status` tells it."""
    return _done(flows.listing(Overrides(**settings)))


async def alist_batches(**settings: Any) -> list[dict[str, Any]]:
    """:func:`list_batches` for a task."""
    return await _adone(flows.listing(Overrides(**settings)))


def results(batch_id: str, file: File, **settings: Any) -> list[dict[str, Any]]:
    """OpenAI's results, one for every request of ``file`` and in its order, whatever process made the batch.

    ``file`` is the one the batch was made from: what an answer means (names of tools, JSON, stop strings) follows from
    its request, which the service does not keep. ``[{"id", "custom_id", "response": {"status_code", "request_id",
    "body"}, "error"}, …]``; ``error`` is None or ``{"code": "<class of litellm.exceptions>", "message"}``, also for a
    request that the result file does not answer. Raises ``BadRequestError`` while the batch goes on, and for a file
    that lacks requests of the batch. The result file's shape is not documented: known variants of it are read.
    """
    return _done(flows.results(Overrides(**settings), batch_id, file))


async def aresults(batch_id: str, file: File, **settings: Any) -> list[dict[str, Any]]:
    """:func:`results` for a task."""
    return await _adone(flows.results(Overrides(**settings), batch_id, file))


def _done(flow: Flow[T]) -> T:
    try:
        return run(flow)
    except GigaChatError as error:
        raise to_litellm(error, "") from error


async def _adone(flow: Flow[T]) -> T:
    try:
        return await arun(flow)
    except GigaChatError as error:
        raise to_litellm(error, "") from error
