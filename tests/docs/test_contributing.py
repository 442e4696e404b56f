"""CONTRIBUTING.md names what is there, and stays a page."""

from __future__ import annotations

import re

from readme_parts import ROOT, links

PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text(encoding="utf-8")
PACKAGE = ROOT / "litellm_gigachat_provider"


def test_it_is_a_page():
    assert len(TEXT.splitlines()) <= 60


def test_every_file_it_names_exists():
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", TEXT))
    assert len(named) > 25
    for path in named:  # of the package, from its root or from the room just named; or of the repository
        assert (PACKAGE / path).exists() or (ROOT / path).exists() or list(PACKAGE.glob(f"*/{path}")), path


def test_links_lead_somewhere():
    assert all((ROOT / target).exists() for target in links(PAGE))


def test_every_room_stands_in_the_table():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"`(\w+)/`", TEXT))
