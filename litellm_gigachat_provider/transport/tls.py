"""TLS trust: certifi, the bundled Russian roots and the user's own CA, in private contexts.

Nothing global is touched: neither certifi's file, nor ``ssl``'s defaults, nor the environment.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from ..errors import CredentialsError, InvalidRequestError
from ..settings import Secret, Settings

_LOG = logging.getLogger("litellm_gigachat_provider")

# GigaChat's certificates chain to the Russian Trusted Root CA, which no default trust store has. The server
# sends the intermediate; it is bundled as well because some corporate gateways leave it out.
CERTS = Path(__file__).resolve().parent.parent / "certs"
BUNDLED = ("russian_trusted_root_ca.pem", "russian_trusted_sub_ca_2024.pem")

_CONTEXTS_KEPT = 64
_contexts: OrderedDict[Hashable, ssl.SSLContext] = OrderedDict()
_lock = threading.Lock()
_warned: set[str] = set()


def context_for(settings: Settings, *, http2: bool = False) -> ssl.SSLContext:
    """The context of this TLS identity, cached; a certificate file that was replaced on disk is read anew.

    ``http2`` only keeps two contexts apart: httpcore writes the protocols it offers into the context on every
    connect, so a client that speaks HTTP/2 must not share one with a client that does not.

    Raises ``InvalidRequestError`` (missing or broken file) or ``CredentialsError`` (key does not open or fit).
    """
    files = (settings.ca_bundle_file, settings.cert_file, settings.key_file, *_system_bundles())
    key = (settings.tls_key, http2, tuple(_state(path) for path in files))
    with _lock:
        context = _contexts.get(key)
        if context is not None:
            _contexts.move_to_end(key)
    if context is None:
        context = _build(settings)
        with _lock:
            context = _contexts.setdefault(key, context)
            while len(_contexts) > _CONTEXTS_KEPT:
                _contexts.popitem(last=False)
    if not settings.verify:
        _warn_unverified(settings)
    return context


def reset_after_fork() -> None:
    """A lock held by another thread at the time of the fork stays locked in the child for ever."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reset_after_fork)


def _state(path: str | None) -> tuple[str, int, int] | None:
    if not path:
        return None
    try:
        stat = os.stat(path)  # noqa: PTH116 - on the hot path
    except (OSError, ValueError):
        return (path, 0, 0)
    return (path, stat.st_mtime_ns, stat.st_size)


def _system_bundles() -> tuple[str | None, str | None]:
    """OpenSSL's own variables, which httpx no longer reads once it is given a context. Added, never instead."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def _build(settings: Settings) -> ssl.SSLContext:
    # Not ssl.create_default_context(): from Python 3.13 on it sets VERIFY_X509_STRICT, which corporate roots
    # made years ago do not pass, and it would depend on the machine's trust store.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.verify:
        _trust(context, settings)
    else:  # the single, explicit opt-out: GIGACHAT_VERIFY_SSL_CERTS=false
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if settings.cert_file:
        _show_certificate(context, settings)
    elif settings.key_file:
        raise InvalidRequestError("GIGACHAT_KEY_FILE", "is set without GIGACHAT_CERT_FILE", "Set both, or neither")
    return context


def _trust(context: ssl.SSLContext, settings: Settings) -> None:
    context.load_verify_locations(cafile=certifi.where())
    for name in BUNDLED:
        context.load_verify_locations(cafile=str(CERTS / name))
    cert_file, cert_dir = _system_bundles()
    for path, is_folder in ((cert_file, False), (cert_dir, True)):
        if path and Path(path).exists():
            _try_system_bundle(context, path, is_folder)
    if settings.ca_bundle_file:
        _load_bundle(context, settings.ca_bundle_file)


def _try_system_bundle(context: ssl.SSLContext, path: str, is_folder: bool) -> None:
    try:
        context.load_verify_locations(**({"capath": path} if is_folder else {"cafile": path}))
    except OSError as error:  # ssl.SSLError is an OSError; OpenSSL itself passes over a broken one in silence
        _LOG.debug("SSL_CERT_FILE or SSL_CERT_DIR %s was not read: %s", path, error)


def _load_bundle(context: ssl.SSLContext, path: str) -> None:
    """A PEM file, or a folder: every certificate in it, whether or not c_rehash was run on it."""
    place = Path(path).expanduser()
    if not place.exists():
        remedy = "Name a PEM file or a folder of PEM files"
        raise InvalidRequestError("GIGACHAT_CA_BUNDLE_FILE", f"{path} does not exist", remedy)
    files = sorted(item for item in place.iterdir() if item.is_file()) if place.is_dir() else [place]
    loaded = False
    problem = ""
    for file in files:
        try:
            context.load_verify_locations(cafile=str(file))
            loaded = True
        except OSError as error:
            problem = error.strerror or "no certificate in it"
    if not loaded:
        problem = f"{path} holds no usable certificate ({problem or 'it is empty'})"
        raise InvalidRequestError("GIGACHAT_CA_BUNDLE_FILE", problem, "It must be PEM text")


def _show_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    cert_file, key_file = settings.cert_file or "", settings.key_file
    for variable, path in (("GIGACHAT_CERT_FILE", cert_file), ("GIGACHAT_KEY_FILE", key_file)):
        if path and not Path(path).expanduser().is_file():
            raise InvalidRequestError(variable, f"{path} does not exist or is not a file", "Name a PEM file")
    certificate = str(Path(cert_file).expanduser())
    private_key = str(Path(key_file).expanduser()) if key_file else None
    problem: str | None = None
    password = _Password(settings.key_file_password)
    try:
        context.load_cert_chain(certificate, private_key, password=password)
    except ssl.SSLError as error:
        problem = _read_key_problem(error, password)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
    except ValueError:
        problem = "cannot be opened: GIGACHAT_KEY_FILE_PASSWORD is too long"
    if problem:
        raise CredentialsError(f"the client certificate {cert_file} (key {key_file or 'in the same file'}) {problem}")


class _Password:
    """Always given to OpenSSL, which would otherwise ask on the terminal and wait. Remembers that it was asked,
    since OpenSSL reports a wrong password and a broken file in the same words."""

    def __init__(self, secret: Secret | None) -> None:
        self.secret = secret
        self.asked = False

    def __call__(self) -> str:
        self.asked = True
        return self.secret.reveal() if self.secret is not None else ""


def _read_key_problem(error: ssl.SSLError, password: _Password) -> str:
    if "VALUES_MISMATCH" in str(error).upper().replace(" ", "_"):
        return "do not belong together: the key is another certificate's"
    if password.asked and password.secret is None:
        return "cannot be opened: the key is encrypted, set GIGACHAT_KEY_FILE_PASSWORD"
    if password.asked:
        return "cannot be opened: GIGACHAT_KEY_FILE_PASSWORD is wrong"
    return f"cannot be used: the files are not PEM or are incomplete ({error.reason or 'SSL error'})"


def _warn_unverified(settings: Settings) -> None:
    host = urlsplit(settings.base_url).hostname or ""
    with _lock:
        if host in _warned:
            return
        _warned.add(host)
    _LOG.warning(
        "TLS verification is OFF for %s (GIGACHAT_VERIFY_SSL_CERTS=false): keys, tokens and prompts can be read on "
        "the way. "
        "The Russian roots are bundled; for another CA set GIGACHAT_CA_BUNDLE_FILE instead.",
        host,
    )


_REFUSALS = ("certificate required", "bad certificate", "unknown ca", "handshake failure")


def tls_hint(message: str) -> str:
    """A remedy when ``message`` is the text of a TLS failure, or an empty string."""
    words = message.lower().replace("_", " ")
    if "certificate verify failed" in words or "hostname mismatch" in words:
        return (
            "The server's certificate is not trusted. certifi and the Russian roots are; a corporate proxy or gateway "
            "needs its own CA: set GIGACHAT_CA_BUNDLE_FILE to its PEM file"
        )
    if any(refusal in words for refusal in _REFUSALS):
        return (
            "The server refused the TLS handshake; if it wants a client certificate, set GIGACHAT_CERT_FILE and "
            "GIGACHAT_KEY_FILE"
        )
    if "wrong version number" in words or "record layer" in words:
        return "The address does not speak TLS: check the port and whether it should be http (localhost only)"
    return ""
