"""What programs read of the models, Cline for one: the same as people read in README's tables."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from proxy_process import CLIENT_KEY

README = Path(__file__).parents[2] / "README.md"
USUAL = {"gigachat": "GigaChat-2-Max", "gigachat-pro": "GigaChat-2-Pro", "gigachat-max": "GigaChat-2-Max",
         "gigachat-embeddings": "Embeddings"}  # fmt: skip


def number(cell):
    return None if cell == "–" else int(cell.replace(",", ""))


def readme():
    """By model: what ``/v1/model/info`` must say of it."""
    found = {}
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`([\w-]+)`", cells[0])
        if name and len(cells) == 8:
            window, answer, functions, images = cells[1:5]
            found[name[1]] = {
                "mode": "chat",
                "max_input_tokens": number(window),
                "max_output_tokens": number(answer),
                "supports_function_calling": functions == "yes",
                "supports_vision": images == "yes",
            }
        elif name and len(cells) == 3 and "Embedding" in name[1]:
            found[name[1]] = {"mode": "embedding", "max_input_tokens": number(cells[2])}
    return found


@pytest.fixture
def catalogue(_strict, sandbox):
    _strict.wait_ready()
    with httpx.Client(base_url=_strict.url, headers={"Authorization": f"Bearer {CLIENT_KEY}"}, timeout=30) as client:
        yield client


def test_the_listed_models_are_those_of_readme(catalogue):
    assert {"GigaChat-2-Max", "GigaChat-3-Ultra", "EmbeddingsGigaR"} < set(readme())
    listed = [model["id"] for model in catalogue.get("/v1/models").json()["data"]]
    assert sorted(listed) == sorted([*readme(), *USUAL])


@pytest.mark.parametrize("path", ["/v1/model/info", "/model/info"])
def test_what_is_told_of_each_model_is_what_readme_says(catalogue, path):
    told = {model["model_name"]: model["model_info"] for model in catalogue.get(path).json()["data"]}
    assert sorted(told) == sorted([*readme(), *USUAL])
    for name, info in told.items():
        expected = readme()[USUAL.get(name, name)]
        assert {
            key: info.get(key) or (False if value is False else None) for key, value in expected.items()
        } == expected


def test_nothing_is_asked_for_that(catalogue, sandbox):
    for path in ("/v1/models", "/v1/model/info"):
        assert catalogue.get(path).status_code == 200
    assert sandbox.requests == []
