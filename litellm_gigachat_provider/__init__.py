"""GigaChat for LiteLLM: importing this package makes ``gigachat/<model>`` answer through it.

::

    import litellm, litellm_gigachat_provider

    litellm.completion(model="gigachat/GigaChat-2-Max", messages=[{"role": "user", "content": "Привет!"}])

In a LiteLLM proxy's ``config.yaml``: ``custom_provider_map: [{provider: gigachat, custom_handler:
litellm_gigachat_provider.gigachat}]``. Importing does no network, reads no environment and logs nothing.
"""

from __future__ import annotations

from typing import Any

from . import _console
from .bridge import registration
from .bridge.registration import register
from .bridge.versions import SeamError
from .provider import GigaChatLLM

__version__ = "0.2.0"
__all__ = ["GigaChatLLM", "SeamError", "gigachat", "register", "stats", "token_info"]

gigachat = GigaChatLLM()
"""The ready handler: settings come from each call, the environment and ``.env``."""

registration.install(gigachat)
del _console  # it has done its work, before the first import of LiteLLM


def token_info(**settings: Any) -> dict[str, Any]:
    """State of the access token for the current settings: never the token itself, and no network.

    ``settings`` are those of :class:`GigaChatLLM`. Keys: ``has_token``, ``expires_in_seconds`` (None when
    unknown), ``expires_at`` (Unix seconds), ``valid``, ``auth_mode``, ``scope``, ``fingerprint``, ``last_error``.
    """
    from .settings import Overrides, resolve
    from .transport.auth import token_status

    status = token_status(resolve(Overrides(**settings)))
    return {**status, "expires_in_seconds": status.pop("seconds_left")}


def stats() -> dict[str, Any]:
    """Counters of this process since its start: requests, errors by kind, token refreshes, conversions, cache hits."""
    from .transport import auth
    from .watch import counters

    return counters.snapshot(auth.stats())
