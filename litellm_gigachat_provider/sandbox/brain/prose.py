"""Texts: short, deterministic, and made of what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from . import words
from .arguments import Filler

_COUNT: Final = re.compile(
    r"(?:count|посчитай|сосчитай|числа)\D*?(-?\d+)\s*(?:to|до|\.\.|-|по)\s*(-?\d+)", re.IGNORECASE
)
_SAY: Final = re.compile(
    r"(?:\bsay|\brepeat|\breply with|\banswer with|\brespond with|\bскажи|\bповтори|\bответь)\b(?: after me| за мной)?"
    r"(?!\W+(?:in |with )?(?:one |a |short |одн\w+ |кратк\w+ )*(?:sentence|line|phrase|предложени|фраз|строк))"
    r"(?: only| exactly| just| the word| word| одним словом| словом| слово| только)*:?\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_TAIL: Final = re.compile(
    r"\s*(?:and nothing else|only|exactly|и ничего (?:больше|более)|without .*)?\s*[.!]*\s*$", re.IGNORECASE
)
_HELLO: Final = re.compile(r"^\W*(hello|hi|hey|привет|здравствуй\w*|добрый день)\b", re.IGNORECASE)
# What Open WebUI asks beside each answer: {"title": …}, {"follow_ups": […]}, {"tags": […]} for the chat it quotes.
_CHAT: Final = re.compile(r"<chat_history>\s*USER:\s*(.+?)\s*$.*</chat_history>", re.DOTALL | re.MULTILINE)
_JSON: Final = re.compile(r"\bJSON\b", re.IGNORECASE)
_LISTED: Final = r"((?:[\"'`«]?\w+[\"'`»]?(?:\s*,\s*(?:and |и )?|\s+and\s+|\s+и\s+)?)+)"
_KEYS: Final = re.compile(rf"\b(?:keys?|fields?|properties|ключ\w*|пол[еяй]\w*)\b\s*:?\s*{_LISTED}", re.IGNORECASE)
_QUOTED_KEYS: Final = re.compile(  # "with 'setup' and 'punchline' keys"
    r"((?:[\"'`«]\w+[\"'`»](?:\s*,\s*(?:and |и )?|\s+and\s+|\s+и\s+)?)+)\s*(?:as )?(?:keys?|fields?|properties)\b",
    re.IGNORECASE,
)
_TOOL_SIGNS: Final = {
    "web_search": ("search", "find", "latest", "news", "today", "найди", "новост", "сегодня", "поищи"),
    "url_content_extraction": ("http://", "https://"),
    "code_interpreter": ("python", "code", "calculate", "compute", "plot", "вычисли", "посчитай", "код", "график"),
}
_REFUSAL: Final = "Не люблю менять тему разговора, но вот сейчас тот самый случай."


def refusal() -> str:
    """What comes with ``finish_reason: blacklist``."""
    return _REFUSAL


def reasoning(prompt: str, effort: str) -> str:
    return f"Thinking ({effort}): the question is “{_short(prompt)}”."


def caption(prompt: str) -> str:
    return f"Picture: {_short(prompt)}"


def echo(prompt: str) -> str:
    return f"You asked: {_short(prompt)}"


def starts_any(prompt: str, stems: Sequence[str]) -> bool:
    lower = prompt.lower()
    return any(re.search(rf"(?<!\w){stem}", lower) for stem in stems)


def asks_tool(tool: str, prompt: str) -> bool:
    return any(sign in prompt.lower() for sign in _TOOL_SIGNS[tool])


def joins(prompt: str, targets: Sequence[str]) -> bool:
    """Whether the first two targets stand in one enumeration ("A and B", "A, B", «A и B»)."""
    pattern = rf"{re.escape(targets[0])}\W*(?:,|and|и|&|or|или|in|в|\s)+\W*{re.escape(targets[1])}"
    return re.search(pattern, prompt, re.IGNORECASE) is not None


def asks_json(system: str, prompt: str) -> bool:
    return bool(_JSON.search(prompt) or _JSON.search(system))


def results(pairs: Sequence[tuple[str, Any]]) -> str:
    """``get_weather: temp=5, city=Omsk``, one line for each result of the turn."""
    return "\n".join(f"{name}: {_flat(value)}" for name, value in pairs)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_scalar(item)}" for key, item in value.items()) or "empty"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def json_text(system: str, prompt: str, found: Sequence[tuple[str, Any]]) -> str:
    """A JSON object: an instance of a schema the texts carry, an object they carry, or one with the keys they name."""
    carried = words.json_objects(prompt) + words.json_objects(system)
    chat = _CHAT.search(prompt)
    if chat and carried:
        title = " ".join(chat[1].split()[:6]).rstrip(".,:;!?…")
        return _pretty({key: [] if isinstance(value, list) else title for key, value in carried[0].items()})
    schema = next((item for item in carried if "properties" in item), None)
    if schema is not None:
        plain = "\n".join([prompt, *(_flat(value) for _, value in found)])
        return _pretty(Filler(plain, schema).fill({"type": "object", **schema}))
    if carried:
        return _pretty(carried[0])
    if found:
        return _pretty(dict(found))
    keys = next(
        (match for at in (prompt, system) for sign in (_QUOTED_KEYS, _KEYS) if (match := sign.search(at))), None
    )
    if keys:
        named = [word for word in re.findall(r"\w+", keys[1]) if word.lower() not in ("and", "и")]
        schema = {"type": "object", "required": named, "properties": {name: {} for name in named}}
        return _pretty(Filler(prompt).fill(schema))
    return _pretty({"answer": text(prompt, [])})


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=4)


def text(prompt: str, files: Sequence[tuple[str, int]]) -> str:
    """The plain answer to a plain prompt."""
    if files:
        listed = ", ".join(f"{name} ({size} bytes)" for name, size in files)
        return f"I see {listed}. {echo(prompt)}" if prompt.strip() else f"I see {listed}."
    counted = _COUNT.search(prompt)
    if counted:
        return _count(int(counted[1]), int(counted[2]))
    said = _SAY.search(prompt)
    if said:
        inner = words.quoted(said[1])
        return inner[0] if inner else _TAIL.sub("", said[1])
    hello = _HELLO.match(prompt)
    if hello:
        return "Привет! Чем могу помочь?" if re.match(r"[а-яё]", hello[1], re.IGNORECASE) else "Hello! How can I help?"
    return echo(prompt)


def _count(first: int, last: int) -> str:
    step = 1 if last >= first else -1
    last = first + step * min(abs(last - first), 10_000)
    return ", ".join(str(number) for number in range(first, last + step, step))


def _short(prompt: str) -> str:
    flat = " ".join(prompt.split())
    return flat if len(flat) <= 200 else flat[:199] + "…"
