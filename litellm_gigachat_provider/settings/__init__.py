"""Where GigaChat is, who we are there, and how the peer is verified: one frozen value, resolved once per call.

Order of precedence: constructor of the handler, then the call's own ``api_key``, ``api_base``, ``api_version``
and scope, then the environment, then ``.env`` (read, never written into ``os.environ``), then the defaults.
A :class:`Settings` value is also the key of tokens, files and limits, so two tenants cannot share any of them.
"""

from __future__ import annotations

from ..errors import GigaChatError
from .guard import refuse_redirects
from .values import (
    DEFAULT_AUTH_URL,
    DEFAULT_BASE_URL,
    DEFAULT_SCOPE,
    NO_OVERRIDES,
    Overrides,
    Secret,
    Settings,
    SettingSource,
)

__all__ = [
    "DEFAULT_AUTH_URL",
    "DEFAULT_BASE_URL",
    "DEFAULT_SCOPE",
    "NO_OVERRIDES",
    "Overrides",
    "Secret",
    "SettingSource",
    "Settings",
    "explain",
    "refuse_redirects",
    "resolve",
]


def resolve(
    overrides: Overrides = NO_OVERRIDES,
    *,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    scope: str | None = None,
    client_id: str | None = None,
) -> Settings:
    """The settings of one call. Cached by its arguments, the environment and the ``.env`` file's state.

    Raises ``CredentialsError`` when there is no usable credential and ``InvalidRequestError`` for any other
    broken value; both name the variable or argument at fault, neither touches the network.
    """
    from .levels import Call
    from .resolution import resolve_call, wrap_key  # 6 ms: the first call pays, not the import

    key, api_key = wrap_key(api_key), None  # a traceback shows the locals of this frame
    try:
        return resolve_call(overrides, Call(key, api_base, api_version, scope, client_id))
    except GigaChatError as error:
        failure = error.with_traceback(None)  # the frames below held what was typed in place of a key
    raise failure


def explain(overrides: Overrides = NO_OVERRIDES) -> list[SettingSource]:
    """Every setting with its origin, for ``doctor``. Never raises for a broken value: it is told in ``problem``."""
    from .resolution import explain_settings

    return explain_settings(overrides)
