"""The five file routes. JSON has no PUT or DELETE here: deleting is ``POST /files/{id}/delete``."""

from __future__ import annotations

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..files import StoredFile
from ..http import authorize, bytes_response, json_response, world_of
from ..rules.refusal import Refusal


def _who(request: Request) -> tuple[str, str | None]:
    return authorize(request).client_id, request.headers.get("X-Client-ID")


async def upload(request: Request) -> Response:
    owner, client_id = _who(request)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(400, "Request must be multipart/form-data")
    try:
        form = await request.form()
    except HTTPException as error:
        raise Refusal(400, "Request must be multipart/form-data", str(error.detail)) from error
    try:
        return json_response(request, (await _stored(request, form, owner, client_id)).describe())
    finally:
        await form.close()


async def _stored(request: Request, form: FormData, owner: str, client_id: str | None) -> StoredFile:
    part, purpose = form.get("file"), form.get("purpose")
    if not isinstance(part, UploadFile) or not part.filename:
        raise Refusal(400, "Form field file with a file name is required")
    if not isinstance(purpose, str):
        raise Refusal(400, "Form field purpose is required")
    world = world_of(request)
    file = StoredFile(
        id=world.new_id(),
        data=await part.read(),
        # The type is judged by the part's own header, not by the name.
        mime=(part.content_type or "").partition(";")[0].strip().lower(),
        filename=part.filename,
        purpose=purpose,
        created_at=int(world.now()),
        owner=owner,
        client_id=client_id,
    )
    return world.files.upload(file)


async def listing(request: Request) -> Response:
    files = world_of(request).files.all_of(*_who(request))
    return json_response(request, {"data": [file.describe() for file in files]})


async def info(request: Request) -> Response:
    file = world_of(request).files.get(request.path_params["file_id"], *_who(request))
    return json_response(request, file.describe())


async def content(request: Request) -> Response:
    file = world_of(request).files.get(request.path_params["file_id"], *_who(request))
    kind = file.mime if file.mime == "image/jpeg" else "application/octet-stream"
    return bytes_response(request, file.data, kind)


async def delete(request: Request) -> Response:
    return json_response(request, world_of(request).files.delete(request.path_params["file_id"], *_who(request)))
