"""What README says of LiteLLM's built-in provider still holds on this LiteLLM: its own code, unpatched, is asked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import litellm
import pytest

import litellm_gigachat_provider as ours
from litellm_gigachat_provider.bridge import versions

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not versions.has_builtin(), reason="this LiteLLM has no such provider")


@pytest.fixture
def builtin():
    """The class under the guard's."""
    return litellm.GigaChatConfig.__mro__[1]()


def mapped(builtin, **params):
    return builtin.map_openai_params(params, {}, "GigaChat-2", False)


def messages(builtin, *given):
    return builtin.transform_request("GigaChat-2", list(given), {}, {}, {})["messages"]


def calls(*pairs):
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(pairs)
        ],
    }


def test_parameters(builtin):
    assert mapped(builtin, stop=["x"]) == {}
    assert mapped(builtin, response_format={"type": "json_object"}) == {}
    assert mapped(builtin, tool_choice="required") == {"function_call": "auto"}
    assert not {"reasoning_effort", "n"} & set(builtin.get_supported_openai_params("GigaChat-2"))
    embedding = litellm.GigaChatEmbeddingConfig.__mro__[1]()
    assert "encoding_format" not in embedding.get_supported_openai_params("Embeddings")


def test_tools_go_out_as_they_are(builtin):
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "odd name!", "parameters": schema}}
    (function,) = mapped(builtin, tools=[tool])["functions"]
    assert (function["name"], function["parameters"]) == ("odd name!", schema)


def test_history(builtin):
    results = [{"role": "tool", "tool_call_id": f"c{at}", "content": "sunny"} for at in (0, 1)]
    call, *answers = messages(builtin, calls(("a", "{}"), ("b", "{}")), *results)
    assert call["function_call"]["name"] == "a"
    assert [answer["content"] for answer in answers] == [json.dumps("sunny")] * 2
    (broken,) = messages(builtin, calls(("a", "{not JSON")))
    assert broken["function_call"]["arguments"] == {}


def test_parts(builtin, monkeypatch):
    asked = []
    monkeypatch.setattr(type(builtin), "_upload_image", lambda self, url: asked.append(url))
    url, data = "https://example.com/a.png", "data:application/pdf;base64,AA=="
    parts = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"file_data": data}},
        {"type": "file", "file": {"file_id": "1"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]
    (message,) = messages(builtin, {"role": "user", "content": parts})
    assert message == {"role": "user", "content": "see"}  # what was not uploaded is left out
    release = tuple(map(int, versions.litellm_version().split(".")[:2]))
    assert asked == ([url, data] if release >= (1, 110) else [url])


def test_what_is_recommended_was_run():
    assert versions.RUN_ON[0] == "1.81.10"
    newest = versions.RUN_ON[-1]
    text = str(ours.SeamError("x"))
    assert f"litellm=={newest}" in text
    assert all(version in text for version in versions.RUN_ON)
    assert "RUN_ON" in (ROOT / ".ci" / "versions").read_text(encoding="utf-8")
    for name in ("README.md", "README.ru.md"):
        table = (ROOT / name).read_text(encoding="utf-8").partition("`gigachat_auth_url`")[0][-900:]
        assert newest in re.findall(r"1\.\d+\.\d+", table), name
