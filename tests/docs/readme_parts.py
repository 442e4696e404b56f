"""The two READMEs taken apart: code blocks, headings, links, tables, generated parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "README.md"
RUSSIAN = ROOT / "README.ru.md"
READMES = (ENGLISH, RUSSIAN)

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*) *$")
_NEEDS = re.compile(r"^\s*<!-- needs: (?P<what>[^>]+?) -->\s*$")
_HEADING = re.compile(r"^(?P<marks>#+) (?P<text>.+?) *$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_GENERATED = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(<!-- end of generated -->)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced code block; ``needs`` is what the comment just before it names, ``""`` without one."""

    language: str
    text: str
    needs: str
    line: int


@dataclass(frozen=True)
class Heading:
    level: int
    text: str

    @property
    def anchor(self) -> str:
        """The fragment GitHub makes of it."""
        kept = re.sub(r"[^\w\- ]", "", self.text.lower())
        return kept.replace(" ", "-")


def blocks(path: Path) -> list[Block]:
    found: list[Block] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            at += 1
            continue
        start, indent = at + 1, len(opening["indent"])
        at = start
        while lines[at].strip() != "```":
            at += 1
        text = "\n".join(line[indent:] for line in lines[start:at]) + "\n"
        marker = _NEEDS.match(lines[start - 2]) if start >= 2 else None
        found.append(Block(opening["language"], text, marker["what"] if marker else "", start))
        at += 1
    return found


def blocks_below(path: Path, heading: str) -> list[Block]:
    """The blocks between a heading and the next one of a section."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = lines.index(heading) + 1
    end = next(number for number, line in enumerate(lines[start:], start) if line.startswith(("## ", "### ")))
    return [block for block in blocks(path) if start < block.line <= end]


def prose(path: Path) -> str:
    """The text without its code blocks."""
    kept, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def headings(path: Path) -> list[Heading]:
    return [
        Heading(len(found["marks"]), found["text"])
        for line in prose(path).splitlines()
        if (found := _HEADING.match(line)) is not None
    ]


def links(path: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(prose(path))]


def rows(path: Path, first_cell: str) -> list[list[str]]:
    """The cells of the table whose header begins with ``first_cell``, without header and rule."""
    lines = prose(path).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
    return found


def generated(path: Path) -> dict[str, str]:
    """What stands between the markers, by name."""
    return {found["name"]: found["body"] for found in _GENERATED.finditer(path.read_text(encoding="utf-8"))}


def with_generated(path: Path, parts: dict[str, str]) -> str:
    """The file's text with ``parts`` between their markers."""
    text = path.read_text(encoding="utf-8")
    return _GENERATED.sub(lambda found: found[1] + parts[found["name"]] + found[4], text)
