"""Thoughts, media and citation markers in the text, whole and split anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import FILE, FILE_2, pieces

from litellm_gigachat_provider.contracts.answer_text import TextCleaner
from litellm_gigachat_provider.types import MediaRef

IMG = f'<img src="{FILE}" fuse="true"/>'


def clean(parts: list[str], sources: bool = True) -> tuple[str, str, list[MediaRef], list[tuple[str, int, int]]]:
    cleaner = TextCleaner(sources=sources)
    out = [cleaner.feed(part) for part in parts] + [cleaner.end()]
    return (
        "".join(o.content for o in out),
        "".join(o.reasoning for o in out),
        [ref for o in out for ref in o.media],
        [c for o in out for c in o.citations],
    )


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        ("Привет", "Привет", ""),
        ("<think>a < b</think>\n\nok", "ok", "a < b"),
        ("\n <think>\n  many\n\nlines \n</think>x", "x", "many\n\nlines"),
        ("<think>cut in thou", "", "cut in thou"),
        ("<think></think>", "", ""),
        ("say <think>no</think>", "say <think>no</think>", ""),
        ("<thinking>", "<thinking>", ""),
        ("<thi", "<thi", ""),
        ("  \n", "  \n", ""),
        ("", "", ""),
    ],
)
def test_thoughts(text: str, content: str, reasoning: str) -> None:
    assert clean([text])[:2] == (content, reasoning)


@pytest.mark.parametrize(
    ("text", "content", "media"),
    [
        (f"{IMG} a cat", "a cat", [MediaRef(FILE)]),
        (f"Here: {IMG} a cat", "Here: a cat", [MediaRef(FILE)]),
        (f'<video cover="{FILE}" src="{FILE_2}" fuse="true"/>', "", [MediaRef(FILE_2, "video"), MediaRef(FILE)]),
        ('<img src="https://example.org/a.png">', '<img src="https://example.org/a.png">', []),
        ('<img alt="x">', '<img alt="x">', []),
        ("a < b > c <im", "a < b > c <im", []),
    ],
)
def test_media(text: str, content: str, media: list[MediaRef]) -> None:
    found = clean([text])
    assert (found[0], found[2]) == (content, media)


def test_citation_markers_become_numbers_with_their_places() -> None:
    assert clean(["Sky [sources=[2]] and [sources=[1, 3]]."]) == (
        "Sky [2] and [1][3].",
        "",
        [],
        [("2", 4, 7), ("1", 12, 15), ("3", 15, 18)],
    )
    assert clean(["x [sources=[2]]"], sources=False)[0] == "x [sources=[2]]"


def test_plain_text_is_never_held_back() -> None:
    cleaner = TextCleaner()
    assert [cleaner.feed(part).content for part in ("1 ", "< 2", " [and] ", "so")] == ["1 ", "< 2", " [and] ", "so"]


def test_an_endless_tag_is_let_go() -> None:
    cleaner = TextCleaner()
    start = "<img " + "x" * 600
    assert cleaner.feed(start).content == start


TOKENS = st.sampled_from(
    [
        "<think>",
        "</think>",
        " ",
        "\n",
        "a",
        "Ж",
        "😀",
        IMG,
        "<img ",
        "<",
        ">",
        "[sources=[1,2]]",
        "[sources=[",
        "[",
        "]",
    ]
)


@given(st.lists(TOKENS, max_size=12).map("".join), st.lists(st.integers(0, 400), max_size=30))
def test_a_split_changes_nothing(text: str, cuts: list[int]) -> None:
    assert clean(pieces(text, cuts)) == clean([text])
