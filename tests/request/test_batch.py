"""OpenAI's batch file: what is understood, and every line that is refused, with its number."""

from __future__ import annotations

import json

import pytest
from batch_lines import chat, embed

from litellm_gigachat_provider.errors import InvalidRequestError, UnsupportedParamError
from litellm_gigachat_provider.request.batch import read_lines


def jsonl(*lines):
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


def test_lines_of_bytes_keep_their_numbers():
    data = b"\xef\xbb\xbf" + jsonl(chat("a"), b"", b"  \r", chat("b", stop=["x"]), b"")
    assert [(line.number, line.custom_id) for line in read_lines(data)] == [(1, "a"), (4, "b")]
    assert read_lines(data)[1].asked.stop == ("x",)
    assert read_lines(data)[0].asked.model == "GigaChat-2-Max"


def test_line_ends_are_those_of_json_lines_only():
    text = json.dumps(chat(text="a\u2028b\x85c"), ensure_ascii=False)
    (line,) = read_lines(text.encode())
    assert line.asked.turns[0].text == "a\u2028b\x85c"


def test_embeddings():
    (line,) = read_lines([embed(texts=["x"] * 21, dimensions=1024, user="u")])
    assert [len(group["input"]) for group in line.asked.batches] == [20, 1]


BAD = [
    (b"{", "line 2, line: is not JSON"),
    (b"[1]", "line 2, line: must be an object"),
    (b'{"custom_id": NaN}', "line 2, line: is not JSON"),
    (b"\xff", "line 2, line: is not JSON"),
    ({**chat(), "custom_id": None}, "line 2, custom_id: must be a string"),
    ({**chat(), "custom_id": ""}, "line 2, custom_id: must be a string"),
    ({**chat(), "custom_id": 7}, "line 2, custom_id: must be a string"),
    (chat("first"), "line 2, custom_id: 'first' stands in line 1 already"),
    ({**chat(), "url": "/v1/responses"}, "line 2, url: '/v1/responses' is not known"),
    ({**chat(), "url": ["/v1/embeddings"]}, "line 2, url: "),
    ({**chat(), "method": "GET"}, "line 2, method: must be POST"),
    ({**chat(), "body": None}, "line 2, body: must be an object"),
    (embed(), "line 2, url: is another one than before"),
    (chat(model=None), "line 2, model: must be the name of a model"),
    (chat(model="Embeddings"), "line 2, model: Embeddings is a model for embeddings"),
    (chat(messages=[]), "line 2, messages"),
    (chat(temperature="hot"), "line 2, temperature"),
    (chat(stream=True), "line 2, stream: a batch does not stream"),
    (chat(tool_choice="required"), "line 2, tool_choice: requires a call"),
]
CANNOT = [
    ({"seed": 1}, "line 2, seed"),
    ({"session_id": "s"}, "line 2, session_id: is said of one call"),
    ({"extra_headers": {"X-Client-ID": "1"}}, "line 2, extra_headers: is said of one call"),
    ({"gigachat_delete_files": True}, "line 2, gigachat_delete_files: is said of one call"),
    ({"extra_body": {"gigachat_scope": "B2B"}}, "line 2, gigachat_scope: is said of one call"),
    ({"api_version": "v2"}, "line 2, api_version: is said of one call"),
    ({"api_key": "k"}, "line 2, api_key: is said of one call"),
    ({"timeout": 5}, "line 2, timeout: is said of one call"),
]


@pytest.mark.parametrize(("line", "words"), BAD, ids=[words for _, words in BAD])
@pytest.mark.parametrize("drop_params", [False, True])
def test_bad_lines(line, words, drop_params):
    with pytest.raises(InvalidRequestError) as refused:
        read_lines(jsonl(chat("first"), line, chat("third")), drop_params=drop_params)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(("params", "words"), CANNOT, ids=[words for _, words in CANNOT])
def test_what_a_batch_cannot_do(params, words):
    lines = [chat("first"), chat("second", **params)]
    with pytest.raises(UnsupportedParamError) as refused:
        read_lines(lines)
    assert str(refused.value).startswith(words)
    assert "drop_params" in refused.value.remedy
    assert len(read_lines(lines, drop_params=True)) == 2


def test_what_is_dropped_is_not_sent():
    (line,) = read_lines([embed(api_key="k", session_id="s", dimensions=5)], drop_params=True)
    assert line.asked.batches == ({"model": "Embeddings", "input": ["кот"]},)


@pytest.mark.parametrize("nothing", [b"", b"\n\n", []])
def test_an_empty_file(nothing):
    with pytest.raises(InvalidRequestError, match="has no requests"):
        read_lines(nothing)


def test_a_chat_model_embeds_nothing():
    with pytest.raises(InvalidRequestError, match="line 1, model: GigaChat-2 is a model for chat"):
        read_lines([embed(model="GigaChat-2")])
