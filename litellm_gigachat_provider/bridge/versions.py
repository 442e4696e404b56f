"""Which LiteLLM is installed, and the one series of it that needs a word of warning."""

from __future__ import annotations

import functools
import warnings
from importlib.metadata import PackageNotFoundError, version


@functools.cache
def litellm_version() -> str:
    """The installed LiteLLM's version, ``unknown`` when its metadata is missing."""
    try:
        return version("litellm")
    except PackageNotFoundError:
        return "unknown"


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
