"""What of a prompt asks for a call: not what it forbids, explains or quotes.

Assistants run what the model calls, many of them without asking back: a call that nobody asked for does harm.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from . import words

_NOTES: Final = re.compile(r"<(system-reminder|environment_details)>.*?</\1>", re.DOTALL)  # an assistant's, no user's
_FORBIDS: Final = re.compile(
    r"\b(?:do not|don['’]t|never|without|no need to)\s+(?:\w+\s+){0,3}?"
    r"(?:call|run|execut|invok|us(?:e|ing)\s+(?:any\s+|the\s+)?(?:tool|function|command)|tools\b|functions\b)"
    r"|\b(?:just|only) (?:explain|describe)\b|\bтолько (?:объясни|опиши|поясни)"
    r"|\bне\s+(?:(?:надо|нужно|стоит)\s+)?(?:ничего\s+)?(?:вызыв|вызов|запуска|запуст|выполн|исполн|использу\w* инстр)"
    r"|\b(?:запускать|выполнять|вызывать)\s+(?:\w+\s+)?не\s|\bбез\s+(?:функц|инструмент|вызов|запуск|выполнен)",
    re.IGNORECASE,
)
_EXPLAINS: Final = re.compile(
    r"\bwhat (?:does|do|did|would|will)\b.*\b(?:do|mean)\b|\b(?:explain|describe|tell me) (?:what|how|why)\b"
    r"|\bresult of the tool\b|\bчто (?:делает|сделает|значит|означает|такое)\b|\bкак работает\b",
    re.IGNORECASE | re.DOTALL,
)
# These do so only where the sentence has a quote or a function for it.
_EXPLAINS_IT: Final = re.compile(
    r"\b(?:explain|describe|translate|repeat|say|meaning of|объясни|поясни|расскажи|опиши|переведи|повтори|скажи)\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(rf"(?:{words.QUOTED.pattern}|[.!?](?!\s|$)|[^.!?\n])+[.!?]*\s*|[.!?\s]+")
_CLAUSE: Final = re.compile(r"[,:;—.!\n]|\b(?:and|then|и|затем|потом)\b", re.IGNORECASE)
_POLITE: Final = frozenset(("please", "now", "just", "also", "пожалуйста", "теперь", "сначала", "а"))
# Words in the names of functions that change something: the order they want, where it is another word.
_ACTS: Final = {
    "run": "run", "exec": "run", "execute": "run", "bash": "run", "shell": "run", "terminal": "run", "command": "run",
    "powershell": "run", "write": "write", "edit": "edit", "patch": "patch", "apply": "apply", "replace": "replace",
    "insert": "insert", "update": "update", "create": "create", "delete": "delete", "remove": "remove", "move": "move",
    "rename": "rename", "restart": "restart", "start": "start", "stop": "stop", "kill": "kill", "cancel": "cancel",
    "send": "send", "install": "install", "commit": "commit", "push": "push", "buy": "buy", "pay": "pay",
    "transfer": "transfer", "task": "task",
}  # fmt: skip


def request(prompt: str, names: Collection[str]) -> str:
    """The sentences that may ask for a call, with their quotes; "" where the prompt forbids calls."""
    text = words.QUOTED.sub(lambda found: _unquoted(found.group(), names), _NOTES.sub("", prompt))
    if _FORBIDS.search(spoken(text)):
        return ""
    return "".join(found.group() for found in _SENTENCE.finditer(text) if not _explains(found.group(), names))


def _unquoted(quote: str, names: Collection[str]) -> str:
    """A function's name is named with or without quotes."""
    return quote[1:-1] if quote[1:-1] in names else quote


def spoken(text: str) -> str:
    """``text`` with a mark for each quote."""
    return words.QUOTED.sub("…", text)


def _explains(sentence: str, names: Collection[str]) -> bool:
    plain = spoken(sentence)
    if _EXPLAINS.search(plain):
        return True
    return bool(_EXPLAINS_IT.search(plain)) and ("…" in plain or any(names_it(name, plain) for name in names))


def names_it(name: str, text: str) -> bool:
    """Whether ``text`` has the function's very name; a plain word ("Read"), or what changes things, must be called."""
    own = rf"(?<!\w){re.escape(name)}(?!\w)"
    if _acts(name) or (name.isalpha() and name in (name.lower(), name.title())):
        verb = r"\b(?<!not )(?<!['’]t )(?<!never )(?<!не )(?:use|call|using|используй|вызови)"
        own = rf"{verb}\W+(?:the\W+|tool\W+|функцию\W+|инструмент\W+)?{own}"
    return re.search(own, text, re.IGNORECASE) is not None


def orders(name: str, text: str) -> bool | None:
    """Whether a clause of ``text`` begins with what the function ``name`` does; None where it changes nothing."""
    acts = _acts(name)
    if not acts:
        return None
    clauses = [re.findall(r"\w+", clause.lower()) for clause in _CLAUSE.split(text)]
    told = [next((word for word in clause if word not in _POLITE), "") for clause in clauses]
    return all(any(words.kin(act, word) for word in told) for act in acts)


def _acts(name: str) -> set[str]:
    return {_ACTS[word] for word in words.words(name) if word in _ACTS}
