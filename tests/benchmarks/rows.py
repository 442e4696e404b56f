"""The rows of the table: what is measured, how often, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .yardsticks import ALL, BUILTIN, OURS, SDK

Sign = Literal["<=", ">=", "=="]


@dataclass(frozen=True)
class Aim:
    """``against`` a yardstick the limit is a ratio, by itself a value."""

    sign: Sign
    limit: float
    against: str | None = None

    def reached(self, value: float) -> bool:
        return {"<=": value <= self.limit, ">=": value >= self.limit, "==": value == self.limit}[self.sign]

    def __str__(self) -> str:
        words = {"<=": "≤", ">=": "≥", "==": "="}[self.sign]
        return f"{words} {self.limit:g}{'×' if self.against else ''}"


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    form: str = "{:.0f}"
    aims: tuple[Aim, ...] = ()


@dataclass(frozen=True)
class Row:
    """``rounds`` is how many slices of each yardstick; ``fresh`` starts a new process for each."""

    name: str
    title: str
    measure: str
    args: dict[str, Any]
    metrics: tuple[Metric, ...]
    rounds: int = 9
    fresh: bool = False
    who: tuple[str, ...] = ALL
    quick: dict[str, Any] = field(default_factory=dict)  # replaces args in a quick run
    server: Literal["plain", "h2", "redis"] = "plain"


def _of_builtin(limit: float, sign: Sign = "<=") -> Aim:
    return Aim(sign, limit, BUILTIN)


_TWO = (BUILTIN, OURS)


def _cpu(*aims: Aim, unit: str = "µs", key: str = "cpu") -> Metric:
    return Metric(key, f"CPU, {unit}", "{:.0f}" if unit == "µs" else "{:.2f}", aims)


def _callers(count: int) -> Row:
    metrics = (
        _cpu(_of_builtin(0.95), unit="ms"),
        Metric("rps", "requests/s", "{:.0f}", (_of_builtin(1.05, ">="),)),
        Metric("errors", "errors", "{:.0f}", (Aim("==", 0),)),
    )
    args = {"count": count, "each": 1000 // count}
    return Row(f"callers{count}", f"{count} callers, 50 ms server", "callers", args, metrics, rounds=7)


ROWS: tuple[Row, ...] = (
    Row("async", "async call", "acall", {"count": 60}, (_cpu(_of_builtin(0.95)),), rounds=25),
    Row("sync", "sync call", "call", {"count": 60}, (_cpu(_of_builtin(1.0)),), rounds=25),
    Row(
        "tools",
        "async call, 20 tools",
        "acall",
        {"count": 40, "payload": "tools"},
        (_cpu(_of_builtin(0.90)),),
        rounds=15,
    ),
    Row(
        "history",
        "async call, 20 tools, 100 messages with calls",
        "acall",
        {"count": 20, "payload": "history"},
        (_cpu(_of_builtin(0.90)),),
        rounds=15,
    ),
    _callers(100),
    _callers(500),
    Row(
        "burst",
        "200-chunk stream in one read, per chunk",
        "streams",
        {"way": "burst/0", "count": 8},
        (_cpu(_of_builtin(0.20)), Metric("whole", "text whole", "{:.0f}", (Aim("==", 1),))),
    ),
    Row(
        "burst-sync",
        "the same, sync",
        "stream",
        {"way": "burst/0", "count": 8},
        (_cpu(_of_builtin(0.20)), Metric("whole", "text whole", "{:.0f}", (Aim("==", 1),))),
        rounds=5,
    ),
    Row(
        "drip",
        "200-chunk stream, a chunk a millisecond, per chunk",
        "streams",
        {"way": "drip/1", "count": 4},
        (
            _cpu(_of_builtin(0.90)),
            Metric("first", "first chunk, ms", "{:.2f}"),
            Metric("whole", "text whole", "{:.0f}", (Aim("==", 1),)),
        ),
        who=_TWO,
        rounds=15,
    ),
    Row(
        "streams50",
        "50 streams in one read each, at once",
        "streams",
        {"way": "burst/0", "count": 1, "at_once": 50},
        (
            Metric("rate", "server's chunks/s", "{:.0f}", (_of_builtin(8, ">="),)),
            Metric("lag", "loop lag, ms", "{:.0f}", (Aim("<=", 250),)),
            Metric("whole", "text whole", "{:.0f}", (Aim("==", 1),)),
        ),
        rounds=5,
    ),
    Row(
        "drip50",
        "50 streams of a chunk a millisecond, at once",
        "streams",
        {"way": "drip/1", "count": 1, "at_once": 50},
        (
            Metric("rate", "server's chunks/s", "{:.0f}", (_of_builtin(8, ">="),)),
            Metric("lag", "loop lag, ms", "{:.0f}", (Aim("<=", 250),)),
            Metric("whole", "text whole", "{:.0f}", (Aim("==", 1),)),
        ),
        rounds=5,
        who=_TWO,
    ),
    Row(
        "first",
        "200 first calls at once",
        "first_calls",
        {"count": 200},
        (
            Metric("oauth", "OAuth requests", "{:.0f}", (Aim("==", 1),)),
            Metric("seconds", "seconds", "{:.2f}", (_of_builtin(0.9),)),
            Metric("errors", "errors", "{:.0f}", (Aim("==", 0),)),
        ),
        rounds=5,
        fresh=True,
        who=_TWO,
    ),
    Row(
        "expiry",
        "tokens of 2 s, 20 s of load",
        "expiry",
        {"seconds": 20, "life": 2000},
        (
            Metric("oauth", "OAuth requests", "{:.0f}", (Aim("<=", 14),)),
            Metric("failed", "failed calls", "{:.0f}", (Aim("==", 0),)),
            Metric("spread", "p99/p50", "{:.2f}"),
        ),
        rounds=1,
        who=_TWO,
        quick={"seconds": 5, "life": 2000},
    ),
    Row(
        "no-expiry",
        "the same load, tokens of 30 min",
        "expiry",
        {"seconds": 20, "life": 1_800_000},
        (Metric("oauth", "OAuth requests", "{:.0f}"), Metric("spread", "p99/p50", "{:.2f}")),
        rounds=1,
        who=_TWO,
        quick={"seconds": 5, "life": 1_800_000},
    ),
    Row(
        "sequential",
        "1,000 sequential async calls",
        "sequential",
        {"count": 1000},
        (
            Metric("chat", "connections to chat", "{:.0f}", (Aim("==", 1),)),
            Metric("oauth", "connections to OAuth", "{:.0f}", (Aim("==", 1),)),
        ),
        rounds=1,
        fresh=True,
        who=_TWO,
        quick={"count": 200},
    ),
    Row(
        "loops",
        "20 × asyncio.run",
        "loops",
        {"count": 20},
        (
            Metric("chat", "connections to chat", "{:.0f}", (Aim("<=", 20),)),
            Metric("open", "open after a loop", "{:.0f}", (Aim("==", 0),)),
        ),
        rounds=1,
        fresh=True,
        who=_TWO,
    ),
    Row(
        "import",
        "import on top of LiteLLM",
        "imported",
        {},
        (
            Metric("cpu", "CPU, ms", "{:.0f}", (Aim("<=", 25),)),
            Metric("time", "ms (more where cores are shared)", "{:.0f}"),
            Metric("rss", "MB", "{:.1f}", (Aim("<=", 3),)),
        ),
        rounds=7,
        fresh=True,
        who=("litellm",),
    ),
    Row(
        "memory",
        "memory growth, 20,000 async calls",
        "memory",
        {"count": 20_000, "warm": 2000},
        (Metric("growth", "KB per 1,000", "{:.0f}", (Aim("<=", 100),)),),
        rounds=1,
        fresh=True,
        quick={"count": 2000, "warm": 1000},
    ),
    Row(
        "http2",
        "TLS HTTP/2, a chunk every 50 ms",
        "http2",
        {"count": 5},
        tuple(
            Metric(f"{way}_{key}", f"{way}: {title}", "{:.1f}")
            for way in ("sync", "async")
            for key, title in (
                ("first", "first chunk after it was sent, ms"),
                ("late", "each chunk after it was sent, median ms"),
                ("worst", "the latest, ms"),
                ("gap", "spacing, median ms"),
                ("min", "spacing, least ms"),
                ("max", "spacing, most ms"),
            )
        ),
        rounds=1,
        fresh=True,
        who=(OURS,),
        quick={"count": 2},
        server="h2",
    ),
    Row(
        "short",
        "TLS stream of 10 events (HTTP/2 where offered)",
        "short_streams",
        {"count": 10},
        tuple(
            Metric(f"{way}_{key}", f"{way}: {title}", "{:.2f}")
            for way in ("cold", "warm")
            for key, title in (("cpu", "CPU, ms"), ("first", "first chunk, ms"))
        ),
        rounds=9,
        who=(BUILTIN, SDK, OURS),
        quick={"count": 5},
        server="h2",
    ),
    Row(
        "redis",
        "one limit (1) for all processes, round trips to Redis a call",
        "round_trips",
        {"calls": 10},
        (
            Metric("alone", "one caller", "{:.1f}", (Aim("<=", 2.5),)),
            Metric("queue", "4 processes of 5 callers, 50 ms an answer", "{:.1f}"),
        ),
        rounds=1,
        fresh=True,
        who=(OURS,),
        quick={"calls": 3},
        server="redis",
    ),
)
