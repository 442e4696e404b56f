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
from typing import Any

from .contracts.batches import RUNNING
from .flows import batches as flows
from .flows.doors import blocking, for_task
from .flows.flow import Flow
from .settings import Overrides

__all__ = ["RUNNING", "acreate", "alist_batches", "aresults", "astatus", "create", "list_batches", "results", "status"]

File = str | os.PathLike[str] | bytes | Iterable[Mapping[str, Any]]


@blocking
def create(file: File, *, drop_params: bool = False, **settings: Any) -> Flow[dict[str, Any]]:
    """Hand in a batch; what is told of it is that of :func:`status`. Keep its ``id`` and the file.

    ``drop_params``: leave out parameters that GigaChat has no counterpart for instead of refusing their line.
    A failure on the way back says so: :func:`list_batches` then shows whether the batch was made.
    """
    return flows.create(Overrides(**settings), file, drop_params)


acreate = for_task(create)


@blocking
def status(batch_id: str, **settings: Any) -> Flow[dict[str, Any]]:
    """``{"id", "method", "status", "request_counts": {"total", "completed", "failed"}, "output_file_id", …}``.

    While ``status`` is one of ``RUNNING`` it goes on; "completed" is the only documented end. Unknown ids are
    ``NotFoundError``. The shapes of the answer are read tolerantly, unknown keys stay in it.
    """
    return flows.status(Overrides(**settings), batch_id)


astatus = for_task(status)


@blocking
def list_batches(**settings: Any) -> Flow[list[dict[str, Any]]]:
    """All batches of the account, each as :func:`status` tells it."""
    return flows.listing(Overrides(**settings))


alist_batches = for_task(list_batches)


@blocking
def results(batch_id: str, file: File, **settings: Any) -> Flow[list[dict[str, Any]]]:
    """OpenAI's results, one for every request of ``file`` and in its order, whatever process made the batch.

    ``file`` is the one the batch was made from: what an answer means (names of tools, JSON, stop strings) follows from
    its request, which the service does not keep. ``[{"id", "custom_id", "response": {"status_code", "request_id",
    "body"}, "error"}, …]``; ``error`` is None or ``{"code": "<class of litellm.exceptions>", "message"}``, also for a
    request that the result file does not answer. Raises ``BadRequestError`` while the batch goes on, and for a file
    that lacks requests of the batch. The result file's shape is not documented: known variants of it are read.
    """
    return flows.results(Overrides(**settings), batch_id, file)


aresults = for_task(results)
