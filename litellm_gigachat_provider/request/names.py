"""Function names GigaChat refuses, replaced by names it takes, and restored in the answer.

The service: "Only Latin letters (A-Z or a-z), underscore (_), hyphen (-), dot (.) and digits (not
leading) are allowed." The names of its own functions cannot be redefined by the caller either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

MAX_LENGTH = 64
BUILTIN_V1 = frozenset({"text2image", "text2model3d", "get_file_content"})
BUILTIN_V2 = frozenset(
    {"web_search", "url_content_extraction", "code_interpreter", "image_generate", "model_3d_generate"}
)
RESERVED = BUILTIN_V1 | BUILTIN_V2

_LEGAL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_CYRILLIC = (
    "а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh"
)
_CYRILLIC += " щ=sch ъ= ы=y ь= э=e ю=yu я=ya"
_PAIRS = [pair.split("=") for pair in _CYRILLIC.split(" ")]
_LATIN = str.maketrans({**dict(_PAIRS), **{one.upper(): two.title() for one, two in _PAIRS}})


def is_legal(name: str) -> bool:
    return len(name) <= MAX_LENGTH and _LEGAL.match(name) is not None and name not in RESERVED


def _readable(name: str) -> str:
    """A legal name that still tells the model what the function is about."""
    if name in RESERVED:
        return f"user_{name}"
    base = _ILLEGAL.sub("_", name.translate(_LATIN)).strip("_")
    if not base:
        base = "function"
    if not (base[0].isalpha() or base[0] == "_"):
        base = f"f_{base}"
    return base


def _hashed(base: str, name: str, digits: int) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
    return f"{base[: MAX_LENGTH - digits - 1]}_{digest}"


class Names:
    """The two-way map of one request. Deterministic: the same names in the same order, the same aliases.

    Legal names always keep themselves, whatever else is asked for; an alias never takes one.
    """

    def __init__(self, legal: Iterable[str] = ()) -> None:
        self._wire: dict[str, str] = {}
        self._taken = {name for name in legal if is_legal(name)}

    def copy(self) -> Names:
        """The same names so far, to go on with separately."""
        twin = Names()
        twin._wire, twin._taken = self._wire.copy(), self._taken.copy()
        return twin

    def wire(self, name: str) -> str:
        """GigaChat's name for the caller's ``name``."""
        known = self._wire.get(name)
        if known is None:
            known = name if is_legal(name) else self._alias(name)
            self._taken.add(known)
            self._wire[name] = known
        return known

    def _alias(self, name: str) -> str:
        base = _readable(name)
        if len(base) <= MAX_LENGTH and base not in self._taken and is_legal(base):
            return base
        for digits in (8, 16, 32, 48):
            alias = _hashed(base, name, digits)
            if alias not in self._taken:
                return alias
        raise AssertionError("four SHA-256 prefixes of one name are taken")  # pragma: no cover

    def reserve(self, name: str) -> str:
        """A free legal name for a function of our own that the caller never sees."""
        alias = name if is_legal(name) and name not in self._taken else self._alias(name)
        self._taken.add(alias)
        return alias

    def restored(self) -> Mapping[str, str]:
        """GigaChat's name -> the caller's name, aliased ones only."""
        return {wire: name for name, wire in self._wire.items() if wire != name}
