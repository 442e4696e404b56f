"""Batches from Python, both ways: what was sent, and OpenAI's results."""

from __future__ import annotations

import asyncio
import base64
import json

import litellm
import pytest
from batch_lines import chat, embed
from loopback import answer, serving

from litellm_gigachat_provider import batches
from litellm_gigachat_provider.files import fetch
from litellm_gigachat_provider.sandbox.knobs import Fault

WEATHER = {
    "type": "function",
    "function": {
        "name": "погода",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture(params=["sync", "async"])
def do(request):
    """``do("create", …)`` in both ways."""

    def run(name, *args, **kwargs):
        if request.param == "sync":
            return getattr(batches, name)(*args, **kwargs)
        return asyncio.run(getattr(batches, f"a{name}")(*args, **kwargs))

    return run


def sent(sandbox):
    (posted,) = [one for one in sandbox.requests if one.path == "/v1/batches" and one.method == "POST"]
    return [json.loads(line) for line in posted.body.splitlines()]


def messages(rows):
    return [row["response"]["body"]["choices"][0]["message"] for row in rows]


def test_a_batch_from_file_to_results(gigachat_sandbox, do, tmp_path):
    gigachat_sandbox.knobs.batch_seconds = 100
    gigachat_sandbox.script(["один", "два"])
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(json.dumps(chat(name, name)) for name in "ab"), encoding="utf-8")
    made = do("create", path)
    assert made["status"] in batches.RUNNING
    assert sent(gigachat_sandbox) == [
        {"id": f"0:{name}", "request": {"model": "GigaChat-2-Max", "messages": [{"role": "user", "content": name}]}}
        for name in "ab"
    ]
    assert do("status", made["id"])["request_counts"] == {"total": 2, "completed": 0, "failed": 0}
    assert [one["id"] for one in do("list_batches")] == [made["id"]]
    with pytest.raises(litellm.BadRequestError, match="is created, 0 of 2 requests are done"):
        do("results", made["id"], path)
    gigachat_sandbox.advance(100)
    assert do("status", made["id"])["status"] == "completed"
    rows = do("results", made["id"], path.read_bytes())
    first = rows[0]["response"]["body"]
    assert rows[0] == {
        "id": f"batch_req_{made['id']}_1",
        "custom_id": "a",
        "response": {"status_code": 200, "request_id": f"batch_req_{made['id']}_1", "body": first},
        "error": None,
    }
    assert (first["object"], first["model"], first["choices"][0]["finish_reason"]) == (
        "chat.completion",
        "GigaChat-2-Max",
        "stop",
    )
    assert first["usage"]["total_tokens"] == first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"] > 0
    assert [message["content"] for message in messages(rows)] == ["один", "два"]
    assert do("results", made["id"], str(path)) == rows
    assert gigachat_sandbox.refused == []


def test_answers_are_finished_as_those_of_calls(gigachat_sandbox, do):
    """By requests that are read again, as another process would: the service sends nothing of them back."""
    city = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    lines = [
        chat("tool", tools=[WEATHER], tool_choice="required"),
        chat("required", tools=[WEATHER, CLOCK], tool_choice="required"),
        chat("native", model="GigaChat-3-Pro", response_format=city),
        chat("function", response_format=city),
        chat("object", response_format={"type": "json_object"}),
        chat("stop", stop="три"),
        chat("n", n=2),
        chat("legacy", functions=[WEATHER["function"]], function_call={"name": "погода"}),
    ]
    gigachat_sandbox.knobs.arguments = {"city": "Омск", "name": "Омск", "tool": "clock", "clock": {}}
    gigachat_sandbox.script(
        ['```json\n{"name": "Омск"}\n```'], when=lambda question: (question.format or {}).get("type") == "json_schema"
    )
    gigachat_sandbox.script(
        ['Вот: {"a": 1}', "раз два три четыре", "x", "y"], when=lambda question: not question.functions
    )
    made = do("create", iter(lines))
    assert [line["id"] for line in sent(gigachat_sandbox)][6:8] == ["0:n", "1:n"]
    required = sent(gigachat_sandbox)[1]["request"]  # forced at once: a batch cannot be asked once more
    assert required["function_call"] == {"name": required["functions"][0]["name"]} == {"name": "call_tool"}
    alias = sent(gigachat_sandbox)[0]["request"]["functions"][0]["name"]
    assert alias.isascii()
    rows = {row["custom_id"]: row for row in do("results", made["id"], iter(lines))}
    assert [row["error"] for row in rows.values()] == [None] * 8
    tool, required, native, function, obj, stop, n, legacy = messages(rows.values())
    assert tool["tool_calls"][0]["function"]["name"] == "погода"
    assert json.loads(tool["tool_calls"][0]["function"]["arguments"])["city"] == "Омск"
    assert required["tool_calls"][0]["function"]["name"] == "clock"
    assert json.loads(native["content"]) == {"name": "Омск"}
    assert json.loads(function["content"])["name"] == "Омск"
    assert json.loads(obj["content"]) == {"a": 1}
    assert stop["content"] == "раз два "
    assert n["content"] == "x"
    assert [choice["message"]["content"] for choice in rows["n"]["response"]["body"]["choices"]] == ["x", "y"]
    assert legacy["function_call"]["name"] == "погода"
    assert rows["legacy"]["response"]["body"]["choices"][0]["finish_reason"] == "function_call"


def test_lines_that_fail(gigachat_sandbox, do):
    tools = {"tools": [WEATHER], "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}
    lines = [chat("model", model="GigaChat-x"), chat("busy", "busy"), chat("text", "text", **tools), chat("fine")]
    gigachat_sandbox.script([Fault(status=429)], when=lambda question: "busy" in question.prompt)
    gigachat_sandbox.script(["просто текст"], when=lambda question: question.functions)
    rows = do("results", do("create", lines)["id"], lines)
    assert [row["custom_id"] for row in rows] == ["model", "busy", "text", "fine"]
    assert [row["error"] and row["error"]["code"] for row in rows] == [
        "NotFoundError",
        "RateLimitError",
        "InternalServerError",
        None,
    ]
    assert [row["response"] and row["response"]["status_code"] for row in rows] == [404, 429, None, 200]
    assert "No such model" in rows[0]["error"]["message"]
    assert rows[0]["response"]["body"]["error"]["message"] == rows[0]["error"]["message"]
    assert "a batch cannot ask it again" in rows[2]["error"]["message"]


def test_embeddings(gigachat_sandbox, do):
    lines = [embed("a", [f"text {i}" for i in range(21)]), embed("b", "один", encoding_format="base64"), embed("c", "")]
    with pytest.raises(litellm.BadRequestError, match="line 3, input: is empty"):
        do("create", lines)
    lines[2] = embed("c", "слово " * 600)
    made = do("create", lines)
    assert made["method"] == "embedder"
    assert [line["id"] for line in sent(gigachat_sandbox)] == ["0:a", "1:a", "0:b", "0:c"]
    many, one, long = do("results", made["id"], lines)
    body = many["response"]["body"]
    wanted = litellm.embedding(model="gigachat/Embeddings", input=lines[0]["body"]["input"])
    assert body["data"] == [dict(item) for item in wanted.data]
    assert body["usage"]["prompt_tokens"] == wanted.usage.prompt_tokens
    assert len(base64.b64decode(one["response"]["body"]["data"][0]["embedding"])) == 4 * 1024
    assert (long["response"]["status_code"], long["error"]["code"]) == (413, "ContextWindowExceededError")


def test_files_are_uploaded_once(gigachat_sandbox, do):
    url = "data:text/plain;base64," + base64.b64encode("Отчёт".encode()).decode()
    parts = [{"type": "text", "text": "О чём?"}, {"type": "file", "file": {"filename": "a.txt", "file_data": url}}]
    lines = [chat(name, parts) for name in "ab"]
    made = do("create", lines)
    uploads = [one for one in gigachat_sandbox.requests if one.path == "/v1/files"]
    ids = [line["request"]["messages"][0]["attachments"] for line in sent(gigachat_sandbox)]
    assert len(uploads) == 1
    assert ids[0] == ids[1]
    assert [row["error"] for row in do("results", made["id"], lines)] == [None, None]


def test_a_bad_line_is_refused_before_anything_is_sent(gigachat_sandbox, do):
    url = "data:text/plain;base64,0J4="
    lines = [chat("a", [{"type": "file", "file": {"file_data": url}}]), chat("b", seed=1)]
    with pytest.raises(litellm.UnsupportedParamsError, match="line 2, seed"):
        do("create", lines)
    assert gigachat_sandbox.requests == []
    assert do("create", lines, drop_params=True)["request_counts"]["total"] == 2
    made = sent(gigachat_sandbox)
    assert "seed" not in made[1]["request"]
    assert do("results", do("list_batches")[0]["id"], lines)[1]["error"] is None


def test_a_refused_file_names_its_line(gigachat_sandbox, do):
    gigachat_sandbox.fail_next("files", status=400)
    url = "data:text/plain;base64,0J4="
    with pytest.raises(litellm.BadRequestError, match=r"line 2, messages\[0\].*refused the file"):
        do("create", [chat("a"), chat("b", [{"type": "file", "file": {"file_data": url}}])])
    assert gigachat_sandbox.requests[-1].path == "/v1/files"


@pytest.mark.parametrize("given", [7, None, {"custom_id": "a"}, "no/such/file.jsonl"])
def test_no_file(gigachat_sandbox, do, given):
    with pytest.raises(litellm.BadRequestError, match="file: .*(must be|cannot be read)"):
        do("create", given)


def test_another_file_than_that_of_the_batch(gigachat_sandbox, do):
    made = do("create", [chat("a"), chat("b")])
    with pytest.raises(litellm.BadRequestError, match="no request for 1 of the results, the one of id '0:b'"):
        do("results", made["id"], [chat("a")])
    rows = do("results", made["id"], [chat("b"), chat("c"), chat("a")])
    assert [row["error"] and row["error"]["code"] for row in rows] == [None, "APIConnectionError", None]
    assert rows[1]["error"]["message"].endswith("has no line for this request")


def test_unknown_ids_and_other_accounts(gigachat_sandbox, do):
    made = do("create", [chat("a")])
    for batch_id, settings in [("x&y", {}), (made["id"], {"credentials": gigachat_sandbox.add_account()})]:
        with pytest.raises(litellm.NotFoundError, match="Batch task not found.*belongs to the account"):
            do("status", batch_id, **settings)
    gigachat_sandbox.knobs.batches_forbidden = True
    with pytest.raises(litellm.exceptions.PermissionDeniedError, match="tariff"):
        do("create", [chat("a")])


@pytest.mark.parametrize("kind", ["reset", "truncated", "empty"])
def test_an_answer_that_was_lost_may_have_made_a_batch(gigachat_sandbox, do, kind):
    gigachat_sandbox.fail_next("batches", kind=kind)
    with pytest.raises(litellm.APIConnectionError, match="may have been made all the same"):
        do("create", [chat("a")])


def test_an_end_without_results(gigachat_sandbox, do):
    batch = {"id": "b", "status": "failed", "request_counts": {"total": 1, "completed": 0, "failed": 1}}
    gigachat_sandbox.fail_next("batches", status=200, body={"batches": [batch]})
    with pytest.raises(litellm.APIConnectionError, match="ended as 'failed' and GigaChat names no result file"):
        do("results", "b", [chat("a")])


def test_a_capped_max_tokens_is_told(gigachat_sandbox, do, caplog):
    with caplog.at_level("DEBUG", logger="litellm_gigachat_provider"):
        do("create", [chat("a", max_tokens=9000), chat("b", max_tokens=9)])
    assert [line["request"]["max_tokens"] for line in sent(gigachat_sandbox)] == [8192, 9]
    told = [record.getMessage() for record in caplog.records if " sent as " in record.getMessage()]
    assert told == ["line 1: max_tokens 9000 sent as 8192, the longest answer of GigaChat-2-Max"]


def test_a_document_behind_an_image_url_is_one(gigachat_sandbox, do, monkeypatch):
    """GigaChat reads documents with a function of its own, which a picture does not need."""
    monkeypatch.setattr(fetch, "is_public", lambda address: True)
    with serving() as site:
        site.default = answer(b"%PDF-1.4 x", kind="application/pdf")
        link = {"type": "image_url", "image_url": {"url": f"http://127.0.0.1:{site.port}/get?id=1"}}
        do("create", iter([chat("a", [link])]))
    (line,) = sent(gigachat_sandbox)
    assert line["request"]["function_call"] == "auto"
    assert len(line["request"]["messages"][0]["attachments"]) == 1
