"""The checks of ``doctor`` that need no network."""

from __future__ import annotations

import base64
import platform
import re
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

import httpx

from ..errors import GigaChatError, InvalidRequestError
from ..settings import Settings, explain
from ..settings import environment as env
from ..settings import parsing as read
from .doctor_types import FAIL, OK, SKIP, WARN, Check, Patient
from .output import sentence

_SECRET = re.compile(r"Secret\(sha256:[0-9a-f]+\)")


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions(patient: Patient) -> Check:
    from .. import __version__

    names = ("litellm", "httpx", "h2", "certifi", "orjson", "aiohttp")
    found = {"python": platform.python_version(), "system": platform.system(), "litellm-gigachat-provider": __version__}
    found |= {name: installed(name) or "not installed" for name in names}
    detail = ", ".join(f"{name} {value}" for name, value in found.items())
    if installed("h2") is None:
        return Check(
            WARN,
            detail,
            "Without h2 streamed answers arrive all at once: GigaChat sends them piece by piece only over HTTP/2. "
            "pip install 'httpx[http2]'",
            data=found,
        )
    if found["litellm"].startswith("1.106.") and installed("mcp") is None:
        return Check(
            WARN,
            detail,
            "LiteLLM 1.106 fails on every call with tools unless mcp is there: pip install 'mcp>=2' or another LiteLLM",
            data=found,
        )
    return Check(OK, detail, data=found)


def provider(patient: Patient) -> Check:
    """LiteLLM has a provider of the same name, which would switch certificate checks off."""
    from ..bridge import registration
    from ..bridge.versions import SeamError

    try:
        registration.self_check()
    except SeamError as error:
        return Check(FAIL, sentence(error), data=registration.status())
    status = registration.status()
    builtin = "; LiteLLM's built-in provider of that name is put aside" if status["builtin"] else ""
    return Check(OK, f"{status['handler']}, proven by a call, a stream and an embedding{builtin}", data=status)


def settings(patient: Patient) -> Check:
    lines = [line for line in explain() if line.name != "credentials"]
    rows = [(line.name, _SECRET.sub("(hidden)", line.value), line.source) for line in lines]
    problems = [line.problem for line in lines if line.problem]
    headers = ("SETTING", "VALUE", "FROM")
    if problems:
        return Check(FAIL, "; ".join(problems), "Correct the setting named above", headers, rows)
    given = sum(line.source not in ("default", "search from the working directory") for line in lines)
    return Check(OK, f"{given} given, the others by default", "", headers, rows)


# --- credentials -------------------------------------------------------------------------------------


def key(patient: Patient) -> Check:
    """The shape of what was given as credentials: whether it works is for the access token's check."""
    resolved = patient.resolved
    if isinstance(resolved, InvalidRequestError):
        return Check(SKIP, "skipped: needs Settings", blocked=True)
    if not isinstance(resolved, Settings):
        twice = _encoded_twice(patient)
        problem, _, remedy = sentence(resolved).partition("; ")
        return Check(FAIL, problem, _DECODE_ONCE if twice else remedy[:1].upper() + remedy[1:])
    variable, value = _given(patient)
    if resolved.auth_mode == "token":
        return _token(variable, value, resolved)
    if resolved.auth_mode != "key" or resolved.credentials is None:
        return Check(OK, _OTHER_MODES[resolved.auth_mode])
    pair = read.decode_key(resolved.credentials.reveal()) or ""
    client_id, _, secret = pair.partition(":")
    source = variable or "the id and the secret"
    if client_id == secret:
        return Check(
            WARN,
            f"{source}: the client id and the secret are the same text",
            "One of the two was pasted in both places: copy the secret again, or use the authorization key",
        )
    if not (read.UUID.match(client_id) and read.UUID.match(secret)):
        return Check(
            WARN,
            f"{source} has the shape of an authorization key, but not two UUIDs in it, as the service issues them",
            "If the access token below fails, copy the authorization key again from developers.sber.ru",
        )
    encoded = ":" in value
    return Check(OK, f"{source} is {'id:secret in clear, encoded here' if encoded else 'an authorization key'}")


_DECODE_ONCE = "It is encoded twice: decode it once, or paste the key as the project's page shows it"
_OTHER_MODES = {
    "password": "user and password of an own installation",
    "header": "a fixed header: no access token is fetched",
    "mtls": "a client certificate alone: no access token is fetched",
}


def _given(patient: Patient) -> tuple[str, str]:
    """The variable that holds the key, and what stands in it."""
    for name in env.VARIABLES["credentials"]:
        if name in patient.variables:
            return name, patient.variables[name]
    return "", ""


def _token(variable: str, value: str, resolved: Settings) -> Check:
    if value and read.looks_like_token(value) and not resolved.credentials:
        return Check(
            WARN,
            f"{variable} holds an access token instead of the authorization key",
            "It works until it expires, 30 minutes after it was issued: put the authorization key there instead",
        )
    if not resolved.renewable:
        return Check(OK, "a ready access token; it cannot be renewed here when it expires")
    return Check(OK, "a ready access token, with credentials to renew it")


def _encoded_twice(patient: Patient) -> bool:
    _, value = _given(patient)
    try:
        inner = base64.b64decode(value, validate=True).decode("ascii")
    except ValueError:
        return False
    return read.decode_key(inner.strip()) is not None


# --- proxies -----------------------------------------------------------------------------------------


def proxies(patient: Patient) -> Check:
    from ..transport.proxies import misread, proxy_for

    resolved, rows = patient.resolved, []
    for url in (resolved.token_url, resolved.base_url) if isinstance(resolved, Settings) else ():
        try:
            proxy = proxy_for(httpx.URL(url))
        except GigaChatError as error:
            return Check(FAIL, sentence(error))
        rows.append((urlsplit(url).hostname or "", str(proxy.url) if proxy is not None else "direct"))
    rows = list(dict.fromkeys(rows))
    through = sorted({row[1] for row in rows} - {"direct"})
    is_set = any(urllib.request.getproxies().get(name) for name in ("http", "https", "all"))
    unused = "set, but not used for GigaChat's hosts" if is_set else "none in force"
    detail = f"in force: {', '.join(through)}" if through else unused
    if problems := misread():
        return Check(WARN, f"{detail}; left out: {'; '.join(problems)}", "Mend or remove it", ("HOST", "THROUGH"), rows)
    return Check(OK, detail, headers=("HOST", "THROUGH"), rows=rows)
