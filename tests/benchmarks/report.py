"""The numbers of a run as a Markdown table: medians, ratios of paired slices, their spread."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

from .rows import Metric, Row
from .yardsticks import BUILTIN, NOTHING, OURS, SDK

Found = Mapping[str, Sequence[Mapping[str, float]]]  # yardstick -> one mapping of numbers a round
_HEAD = ("what", "", "built-in", "do-nothing or SDK", "ours", "ours ÷ built-in", "ours ÷ that", "reach", "")


def header() -> dict[str, str]:
    """What a reader must know to judge the numbers."""
    names = ("litellm", "litellm-gigachat-provider", "gigachat", "httpx", "aiohttp", "httpcore", "h2", "orjson")
    versions = {name: _version(name) for name in names}
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "load": " ".join(f"{value:.1f}" for value in os.getloadavg()),
        **{name: version for name, version in versions.items() if version},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def summary(row: Row, metric: Metric, found: Found) -> dict[str, Any]:
    """Medians by yardstick, ratios with their quartiles, and whether each aim is reached."""
    values = {who: [each[metric.key] for each in rounds if metric.key in each] for who, rounds in found.items()}
    ours = values.get(OURS) or values.get("litellm") or []
    medians = {who: statistics.median(numbers) for who, numbers in values.items() if numbers}
    ratios = {who: _ratio(ours, values.get(who, [])) for who in (BUILTIN, NOTHING, SDK)}
    reached = []
    for aim in metric.aims:
        ratio = ratios[aim.against] if aim.against else None
        value = ratio[0] if ratio else None
        if not aim.against and ours:
            value = statistics.median(ours)
        reached.append(None if value is None else aim.reached(value))
    told = {"medians": medians, "ratios": ratios, "reached": reached, "values": values}
    return {"row": row.name, "metric": metric.key, **told}


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float] | None:
    """Median, lower and upper quartile of the ratios of slices that followed one another."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=False) if b]
    if not pairs:
        return None
    if len(pairs) < 4:
        return statistics.median(pairs), min(pairs), max(pairs)
    low, middle, high = statistics.quantiles(pairs, n=4)
    return middle, low, high


def lines(row: Row, found: Found) -> list[str]:
    out = []
    other = SDK if SDK in row.who else NOTHING
    for number, metric in enumerate(row.metrics):
        told = summary(row, metric, found)
        medians, ratios = told["medians"], told["ratios"]
        cells = [
            row.title if number == 0 else "",
            metric.title,
            _number(metric, medians.get(BUILTIN)),
            _number(metric, medians.get(other)),
            _number(metric, medians.get(OURS, medians.get("litellm"))),
            _shown(ratios[BUILTIN]),
            _shown(ratios[other]),
            ", ".join(f"{aim}{' of do-nothing' if aim.against == NOTHING else ''}" for aim in metric.aims),
            " ".join({True: "yes", False: "**no**", None: "?"}[word] for word in told["reached"]),
        ]
        out.append("| " + " | ".join(cells) + " |")
    return out


def _number(metric: Metric, value: float | None) -> str:
    if value is None:
        return "–"
    return {0.0: "no", 1.0: "yes"}.get(value, "?") if metric.key == "whole" else metric.form.format(value)


def _shown(ratio: tuple[float, float, float] | None) -> str:
    return "–" if ratio is None else f"{ratio[0]:.2f} ({ratio[1]:.2f}–{ratio[2]:.2f})"


def head_lines(about: Mapping[str, str]) -> list[str]:
    told = ", ".join(f"{key} {value}" for key, value in about.items())
    return [
        f"{told}.",
        "",
        "Medians; in parentheses the quartiles of the ratios of neighbouring slices.",
        "",
        "| " + " | ".join(_HEAD) + " |",
        "|" + "---|" * len(_HEAD),
    ]
