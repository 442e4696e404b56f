"""The checks of ``doctor`` that talk to the token server and to the API."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConnectionFailureError, GigaChatError, InvalidRequestError, TimeoutFailureError
from ..settings import Settings
from .doctor_types import FAIL, OK, SKIP, WARN, Check, Patient
from .output import model_name, sentence

_CLOCK_MAY_DIFFER = 60.0  # seconds
_EXPIRES_SOON = 14.0  # days
_UNTRUSTED = (
    "If a company proxy or an own installation signs its certificates, put its root (PEM) into a file and name the "
    "file in GIGACHAT_CA_BUNDLE_FILE; the Russian roots are bundled already. If the certificate is said to be expired "
    "or not yet valid, look at this machine's clock"
)
_UNREACHABLE = (
    "Check the address in the settings, the internet connection, a firewall or VPN, and HTTPS_PROXY if this network "
    "needs a proxy"
)


@dataclass
class Probe:
    """One unauthenticated request to a host: who it says it is, and what time it has."""

    certificate: dict[str, Any] = field(default_factory=dict)
    protocol: str = ""
    date: float | None = None  # Unix seconds
    asked: float = 0.0
    failure: GigaChatError | None = None


def now() -> float:
    return time.time()


def probe(patient: Patient, url: str) -> Probe:
    """Asked once a host, however many checks want it. No credential goes along."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    if origin not in patient.probes:
        patient.probes[origin] = _ask(patient, url)
    found: Probe = patient.probes[origin]
    return found


def _ask(patient: Patient, url: str) -> Probe:
    import httpx

    from ..transport.failures import NETWORK_ERRORS, translate
    from ..transport.outgoing import user_agent
    from ..transport.proxies import proxy_for
    from ..transport.tls import context_for

    timeout = min(patient.timeout, 10.0)
    headers = {"User-Agent": user_agent(), "Accept": "application/json"}
    try:
        with (
            httpx.Client(
                verify=context_for(patient.settings), timeout=timeout, trust_env=False, proxy=proxy_for(httpx.URL(url))
            ) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            socket = response.extensions["network_stream"].get_extra_info("ssl_object")
            found = Probe(asked=now(), date=_date(response.headers.get("date")))
            if socket is not None:
                found.certificate, found.protocol = socket.getpeercert() or {}, socket.version() or "TLS"
            return found
    except NETWORK_ERRORS as error:
        return Probe(failure=translate(error, host=urlsplit(url).netloc, timeout=timeout))


def _date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, OverflowError):
        return None


# --- clock, TLS --------------------------------------------------------------------------------------


def clock(patient: Patient) -> Check:
    if not isinstance(patient.resolved, Settings):
        return Check(SKIP, "skipped: needs Settings and Credentials", blocked=True)
    found = probe(patient, patient.settings.url("models"))
    if found.failure is not None:
        return Check(SKIP, "skipped: needs TLS to the API", blocked=True)
    if found.date is None:
        return Check(WARN, "the server does not tell the time, so the clock cannot be compared")
    ahead = found.asked - found.date
    if abs(ahead) <= _CLOCK_MAY_DIFFER:
        return Check(OK, f"agrees with the server's within {max(1, round(abs(ahead)))} s")
    return Check(
        WARN,
        f"this machine is {_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the server",
        "Switch on time synchronisation (NTP). Tokens are renewed by the server's clock, but certificates and other "
        "programs go by this machine's",
        data={"seconds_ahead": round(ahead)},
    )


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def tls_oauth(patient: Patient) -> Check:
    if not patient.settings.renewable:
        return Check(OK, f"not needed: {patient.settings.auth_mode} mode fetches no token")
    return _tls(patient, patient.settings.token_url)


def tls_api(patient: Patient) -> Check:
    return _tls(patient, patient.settings.url("models"))


def _tls(patient: Patient, url: str) -> Check:
    parts = urlsplit(url)
    found = probe(patient, url)
    if found.failure is not None:
        return _unreachable(found.failure)
    if parts.scheme != "https":
        return Check(OK, f"{parts.netloc} speaks plain http, allowed for this machine only")
    if not found.certificate:
        return Check(
            WARN,
            f"{parts.netloc} speaks {found.protocol}, but its certificate is NOT checked "
            "(GIGACHAT_VERIFY_SSL_CERTS=false): keys and prompts can be read on the way",
            "Remove GIGACHAT_VERIFY_SSL_CERTS; for another CA set GIGACHAT_CA_BUNDLE_FILE",
        )
    issuer, days = _issuer(found.certificate), _days_left(found.certificate)
    detail = f"{parts.netloc}, {found.protocol}, issued by {issuer}"
    if days is None:
        return Check(OK, detail)
    detail += f", expires in {days:.0f} days"
    data = {"issuer": issuer, "days_left": round(days)}
    if days < _EXPIRES_SOON:
        return Check(WARN, detail, "Its operator must renew it soon; after that calls will fail", data=data)
    return Check(OK, detail, data=data)


def _unreachable(failure: GigaChatError) -> Check:
    text, _, remedy = sentence(failure).partition(". ")
    if isinstance(failure, InvalidRequestError):
        return Check(FAIL, sentence(failure), "Correct the setting named above")
    if "TLS with" in text:
        return Check(FAIL, text, _UNTRUSTED)
    return Check(FAIL, text, remedy or _UNREACHABLE)


def _issuer(certificate: dict[str, Any]) -> str:
    names = {key: value for group in certificate.get("issuer", ()) for key, value in group}
    return str(names.get("commonName") or names.get("organizationName") or "an unnamed authority")


def _days_left(certificate: dict[str, Any]) -> float | None:
    try:
        return (ssl.cert_time_to_seconds(certificate["notAfter"]) - now()) / 86400
    except (KeyError, ValueError):
        return None


# --- token, model, completion, balance ---------------------------------------------------------------


def oauth(patient: Patient) -> Check:
    from ..transport.auth import refresh_token

    settings = patient.settings
    if not settings.renewable:
        return Check(OK, f"not fetched: {settings.auth_mode} mode uses what was given")
    started = time.monotonic()
    try:
        status = refresh_token(settings, timeout=patient.timeout)
    except GigaChatError as error:
        return _token_failure(error)
    left = status["seconds_left"]
    life = f"lives {left / 60:.0f} minutes" if left is not None else "with no stated end"
    data = {"expires_in_seconds": left, "scope": settings.scope}
    detail = f"obtained in {time.monotonic() - started:.2f} s, {life}, scope {settings.scope}"
    if left is not None and left < 120:
        return Check(WARN, detail, "A token usually lives 30 minutes: look at this machine's clock", data=data)
    return Check(OK, detail, data=data)


def _token_failure(error: GigaChatError) -> Check:
    text = sentence(error)
    if isinstance(error, (ConnectionFailureError, TimeoutFailureError)):
        return Check(FAIL, text, _UNREACHABLE)
    head, dot, remedy = text.rpartition("). ")  # "… (401, code 6: …). What to do"
    return Check(FAIL, head + ")", remedy) if dot else Check(FAIL, text, "Check the key and GIGACHAT_SCOPE")


def model(patient: Patient) -> Check:
    from openai import OpenAIError

    from ..account import list_models

    try:
        rows = list_models(timeout=patient.timeout)
    except OpenAIError as error:
        if getattr(error, "status_code", None) in (403, 404, 405):
            return Check(WARN, f"this host does not list its models ({sentence(error)})", "The completion decides")
        return Check(FAIL, sentence(error), "Check GIGACHAT_BASE_URL, and that the key belongs to that host")
    names = [row["id"] for row in rows]
    if patient.model in names:
        return Check(OK, f"{patient.model} is one of {len(names)}", data={"models": names})
    chats = [row["id"] for row in rows if row.get("type", "chat") == "chat"]
    return Check(
        FAIL,
        f"{patient.model} is not on this host",
        f"Use --model with one of: {', '.join(chats) or 'none'}. Hosts carry different generations",
        data={"models": names},
    )


def completion(patient: Patient) -> Check:
    import litellm
    from openai import OpenAIError

    started = time.monotonic()
    try:
        answer = litellm.completion(
            model=model_name(patient.model),
            messages=[{"role": "user", "content": "Ответь одним словом: работает?"}],
            max_tokens=32,
            timeout=patient.timeout,
            num_retries=0,
        )
    except OpenAIError as error:
        return Check(FAIL, sentence(error), _COMPLETION_REMEDIES.get(getattr(error, "status_code", 0) or 0, ""))
    usage, reason = answer.usage, answer.choices[0].finish_reason
    elapsed, spent = time.monotonic() - started, f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    detail = f"answered in {elapsed:.2f} s, {spent}, ended by {reason}"
    return Check(OK, detail, data={"finish_reason": reason, "total_tokens": usage.total_tokens})


_COMPLETION_REMEDIES = {
    401: "The key works for tokens but not for this host: check GIGACHAT_BASE_URL and GIGACHAT_SCOPE",
    402: "Buy a package, or wait for the next free one, at developers.sber.ru",
    408: "Try again with a longer --timeout",
    429: "Another call of this key is running, or its quota is used up: wait and try again",
    500: "The service has trouble: try again in some minutes",
    503: "The service has trouble: try again in some minutes",
}


def balance(patient: Patient) -> Check:
    from openai import OpenAIError

    from ..account import balance as ask_balance

    try:
        rows = ask_balance(timeout=patient.timeout)
    except OpenAIError as error:
        if getattr(error, "status_code", None) == 403:
            return Check(OK, "not shown: an account that pays as it goes has no packages (the service answered 403)")
        return Check(WARN, sentence(error), "Calls may work all the same")
    shown = ", ".join(f"{row.get('usage')} {row.get('value')}" for row in rows)
    if not rows:
        return Check(WARN, "the account has no packages", "Calls fail with 402 until one is bought", data=rows)
    if all(not row.get("value") for row in rows):
        return Check(WARN, f"used up: {shown}", "Buy a package, or wait for the next free one", data=rows)
    return Check(OK, f"tokens left: {shown}", data=rows)
