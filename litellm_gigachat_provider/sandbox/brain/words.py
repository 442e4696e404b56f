"""What a prompt mentions: words kin to each other in English and Russian, quotes, names, numbers, JSON objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

_WORD: Final = re.compile(r"[^\W\d_]+", re.UNICODE)
_CAMEL: Final = re.compile(r"(?<=[a-zа-я])(?=[A-ZА-Я])")
QUOTED: Final = re.compile(r"(?<!\w)'([^']+)'(?!\w)|\"([^\"]+)\"|«([^»]+)»|“([^”]+)”|`([^`]+)`")
_NUMBER: Final = re.compile(r"(?<![\w.-])-?\d+(?:[.,]\d+)?(?![\w])")
# "San Francisco, CA" is one place.
_NAME: Final = re.compile(r"[A-ZА-ЯЁ][\w'’-]*(?:[ -][A-ZА-ЯЁ][\w'’-]*)*(?:, [A-Z]{2}\b)?")
_IDENTIFIER: Final = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[^\W_]+(?:[-_][^\W_]+)*\b")
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?\n:]\s*)$")

_STOP_WORDS: Final = """
    a an the and or of in on at to for from by with is are was be do does did what which who how when where why
    please me my your you i it this that these those can could would should will get set fetch make use using return
    returns given current currently now user value values data string number name names list all any one two some
    then than also tell show give find call about into if not no yes let us we its as has have
    и или в во на по для от до из с со у о об что какая какой какие как когда где кто это этот эта мне мой твой ты я
    он она оно мы вы пожалуйста текущая текущий текущее сейчас получить вернуть возвращает возвращать задать дай
    покажи скажи найди если не нет да а но же бы ли значение данные строка число имя
"""
STOP: Final = frozenset(_STOP_WORDS.split())
# A prompt in one language and a function described in the other: a small bridge for the commonest subjects.
_BRIDGE: Final = {
    "погод": "weather", "температур": "temperature", "врем": "time", "час": "time", "курс": "rate",
    "валют": "currency", "заказ": "order", "поиск": "search", "ищи": "search", "перевед": "translate",
    "перевод": "translate", "сумм": "sum", "слож": "add", "умнож": "multiply", "вычисл": "calculate",
    "посчита": "calculate", "письм": "email", "отправ": "send", "календар": "calendar", "событ": "event",
    "цен": "price", "билет": "ticket", "город": "city", "новост": "news", "файл": "file", "дат": "date",
    "статус": "status", "адрес": "address", "книг": "book", "рейс": "flight", "отел": "hotel",
    "запуст": "run", "запуск": "run", "выполн": "run", "исполн": "run", "execut": "run", "созда": "create",
    "напиш": "write", "удал": "delete", "отмен": "cancel", "перезапуст": "restart", "останов": "stop",
    "измен": "edit", "исправ": "edit", "установ": "install",
    "напомин": "reminder", "товар": "product", "клиент": "customer", "маршрут": "route", "карт": "map",
}  # fmt: skip


def words(text: str) -> list[str]:
    """Lower-case words, identifiers split at ``_``, ``-``, ``.`` and camelCase; stop words left out."""
    found = _WORD.findall(_CAMEL.sub(" ", text))
    return [word for word in (item.lower() for item in found) if word not in STOP and len(word) > 1]


def kin(one: str, other: str) -> bool:
    """Same word, or one stem ("погода", "погоду"; "convert", "conversion"; "погода", "weather")."""
    one, other = _bridge(one), _bridge(other)
    if one == other:
        return True
    short = min(len(one), len(other))
    if short < 4:
        return False
    return _common(one, other) >= max(4, short - 2)


def _bridge(word: str) -> str:
    for stem, english in _BRIDGE.items():
        if word.startswith(stem):
            return english
    return word


def _common(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other):  # noqa: B905 - the shorter one decides
        if left != right:
            break
        length += 1
    return length


def mentioned(needles: Iterable[str], haystack: Iterable[str]) -> set[str]:
    """Those of ``needles`` that have kin in ``haystack``."""
    hay = set(haystack)
    return {needle for needle in needles if any(kin(needle, word) for word in hay)}


def quoted(text: str) -> list[str]:
    return [next(group for group in match.groups() if group) for match in QUOTED.finditer(text)]


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", ".")) for found in _NUMBER.findall(text)]


def identifiers(text: str) -> list[str]:
    """``A-1024``, ``SKU42``: words with both letters and digits."""
    return _IDENTIFIER.findall(text)


def names(text: str) -> list[str]:
    """Capitalised words and runs of them, without the word that merely starts a sentence."""
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = match.group()
        if _SENTENCE_START.search(text[: match.start()]):
            name = name.partition(" ")[2]
        name = re.sub(r"['’]s$", "", name.strip(" -"))
        if name and name not in found and name.lower() not in STOP and name != "JSON":
            found.append(name)
    return found


def json_objects(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects written inside a text."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    while at != -1:
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if isinstance(value, dict):
            found.append(value)
        at = text.find("{", end)
    return found
