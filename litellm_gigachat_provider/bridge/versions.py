"""Which LiteLLM is installed, what is said when it is none we know, and the one series that needs a warning."""

from __future__ import annotations

import functools
import warnings
from importlib.metadata import PackageNotFoundError, version

from litellm.types.utils import LlmProviders

from .metadata import PROVIDER

# The versions that .ci/versions (which reads this line) runs the tests on, oldest to newest.
RUN_ON = ("1.81.10", "1.83.14", "1.90.7", "1.98.1", "1.105.7", "1.108.14", "1.110.2")


@functools.cache
def litellm_version() -> str:
    """The installed LiteLLM's version, ``unknown`` when its metadata is missing."""
    try:
        return version("litellm")
    except PackageNotFoundError:
        return "unknown"


def has_builtin() -> bool:
    """Whether this LiteLLM has its own provider named gigachat (1.80.12 and later)."""
    return any(provider.value == PROVIDER for provider in LlmProviders)


class SeamError(RuntimeError):
    """``gigachat/`` calls would not reach this provider. Names the LiteLLM version and the remedy."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem} (LiteLLM {litellm_version()}). gigachat/ calls are blocked rather than handed to LiteLLM's "
            "built-in provider, which switches certificate checks off. Remedy: update litellm-gigachat-provider, "
            f"or install a LiteLLM it was run on ({', '.join(RUN_ON)}): pip install 'litellm=={RUN_ON[-1]}'."
        )


def warn_of_1_106() -> None:
    """LiteLLM 1.106 fails in its own code on every call with ``tools`` where ``mcp>=2`` is not installed."""
    if not litellm_version().startswith("1.106."):
        return
    try:
        works = int(version("mcp").split(".")[0]) >= 2
    except (PackageNotFoundError, ValueError):
        works = False
    if not works:
        warnings.warn(
            f"LiteLLM {litellm_version()} fails on every call with tools unless mcp>=2 is installed: "
            "run pip install 'mcp>=2', or install another LiteLLM (pip install 'litellm!=1.106.*').",
            RuntimeWarning,
            stacklevel=3,
        )
