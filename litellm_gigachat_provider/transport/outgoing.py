"""From what a caller hands over to the one request that goes out, token still missing."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import httpx

from ..errors import InvalidRequestError
from ..settings import Settings
from . import jsonio
from .deadline import Deadline
from .exchange import ACCEPTED

_PLAIN = {"Accept": "application/json", "Accept-Encoding": ACCEPTED}
# Packed events could sit in the packer's buffer, so a stream is asked for as it is.
_STREAM = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}


def build(
    settings: Settings,
    method: str,
    url: str,
    json: Any,
    content: bytes | None,
    files: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    deadline: Deadline,
    *,
    stream: bool = False,
) -> httpx.Request:
    """A request whose body is in memory. Raises InvalidRequestError for what cannot be sent."""
    if json is not None:
        content = jsonio.encode(json)
    own = tuple(headers.items()) if headers else ()
    merged = httpx.Headers(_merged(url, settings.client_id, stream, json is not None, own))
    extensions = {"gigachat_deadline": deadline.at, "timeout": deadline.connect_only()}
    if files is not None:
        request = httpx.Request(method, parse_url(url), headers=merged, files=files, extensions=extensions)
    else:
        # a ready stream spares httpx's search for what kind of body it has; the length is ours to say then
        if content is not None or method != "GET":
            content = content or b""
            merged["Content-Length"] = str(len(content))
        body = httpx.ByteStream(content or b"")
        request = httpx.Request(method, parse_url(url), headers=merged, stream=body, extensions=extensions)
    request.read()
    return request


@functools.lru_cache(maxsize=512)
def _merged(
    url: str, client_id: str | None, stream: bool, json: bool, own: tuple[tuple[str, str], ...]
) -> httpx.Headers:
    """All but length and token. Kept, because a conversation sends the same ones with every call."""
    fields = {"Host": parse_url(url).netloc.decode("ascii"), **(_STREAM if stream else _PLAIN)}
    fields["User-Agent"] = user_agent()
    if client_id:
        fields["X-Client-ID"] = client_id
    if json:
        fields["Content-Type"] = "application/json"
    merged = httpx.Headers(_checked(fields), encoding="ascii")
    merged.update(_checked(dict(own)))
    return merged


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise InvalidRequestError(
                f"headers.{name}", "cannot be sent as an HTTP header", "Use printable ASCII, without line breaks"
            )
    return headers


@functools.lru_cache(maxsize=512)
def parse_url(url: str) -> httpx.URL:
    try:
        parsed: httpx.URL | None = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = None
    if parsed is None or parsed.scheme not in ("http", "https") or not parsed.host or " " in url:
        raise InvalidRequestError("api_base", "is not an http or https URL", "Use https://host/v1")
    return parsed


@functools.lru_cache(maxsize=1)
def user_agent() -> str:
    """The service's documentation asks for one: without it some requests are refused as unauthorized."""
    try:
        version = metadata.version("litellm-gigachat-provider")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"litellm-gigachat-provider/{version}"
