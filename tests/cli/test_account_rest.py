"""Files, one model, the checks of texts and functions: what is sent, what comes back, both ways, and their commands."""

from __future__ import annotations

import asyncio
import json
import uuid

import litellm
import pytest

from litellm_gigachat_provider import account

PHOTO = b"\xff\xd8\xff\xe0picture"
LETTER = " ".join(["слово"] * 25)
TOOL = {
    "type": "function",
    "function": {
        "name": "узнать погоду",
        "parameters": {
            "type": "object",
            "properties": {"city": {"$ref": "#/$defs/City"}},
            "$defs": {"City": {"type": "string"}},
        },
    },
}


def both(name, *args, **kwargs):
    """The same call in both ways; the results must be equal."""
    plain = getattr(account, name)(*args, **kwargs)
    assert asyncio.run(getattr(account, f"a{name}")(*args, **kwargs)) == plain
    return plain


def sent(sandbox):
    return sandbox.requests[-1].method, sandbox.requests[-1].path


@pytest.fixture
def stored(gigachat_sandbox):
    """``stored("a.jpg", owner=None)`` -> the id of a file at the sandbox."""

    def stored(name="a.jpg", owner=None, data=PHOTO):
        from litellm_gigachat_provider.settings import Overrides, resolve
        from litellm_gigachat_provider.transport.client import transport_for

        transport = transport_for(resolve(Overrides(client_id=owner)))
        parts = {"file": (name, data, "image/jpeg"), "purpose": (None, "general")}
        return transport.request("POST", transport.settings.url("files"), files=parts, timeout=20).json()["id"]

    return stored


# --- files -------------------------------------------------------------------------------------------


def test_files_listed_and_shown(gigachat_sandbox, stored):
    file_id = stored()
    rows = both("get_files")
    assert [(row["id"], row["filename"], row["bytes"]) for row in rows] == [(file_id, "a.jpg", len(PHOTO))]
    assert sent(gigachat_sandbox) == ("GET", "/v1/files")
    assert both("get_file", file_id) == rows[0]
    assert sent(gigachat_sandbox) == ("GET", f"/v1/files/{file_id}")
    assert both("get_file_content", file_id) == PHOTO
    assert sent(gigachat_sandbox) == ("GET", f"/v1/files/{file_id}/content")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_deleted_file_is_gone(gigachat_sandbox, stored, way):
    def delete(file_id):
        return account.delete_file(file_id) if way == "sync" else asyncio.run(account.adelete_file(file_id))

    file_id = stored()
    assert delete(file_id) == {"id": file_id, "deleted": True, "access_policy": "private"}
    assert sent(gigachat_sandbox) == ("POST", f"/v1/files/{file_id}/delete")
    assert account.get_files() == []
    with pytest.raises(litellm.NotFoundError, match="No such file"):
        delete(file_id)


def test_files_of_an_end_user(gigachat_sandbox, stored):
    file_id = stored(owner="user-7")
    assert both("get_files") == []
    assert [row["id"] for row in both("get_files", client_id="user-7")] == [file_id]
    assert gigachat_sandbox.requests[-1].headers["x-client-id"] == "user-7"
    with pytest.raises(litellm.exceptions.PermissionDeniedError, match="X-Client-ID"):
        account.get_file_content(file_id)


@pytest.mark.parametrize("name", ["get_file", "get_file_content", "delete_file"])
def test_unknown_and_impossible_file_ids(gigachat_sandbox, name):
    for call in (getattr(account, name), lambda given: asyncio.run(getattr(account, f"a{name}")(given))):
        with pytest.raises(litellm.NotFoundError, match="No such file"):
            call(str(uuid.uuid4()))
        asked = len(gigachat_sandbox.requests)
        for impossible in ("", "..", "a\nb", None):
            with pytest.raises(litellm.BadRequestError, match="file_id"):
                call(impossible)
        assert len(gigachat_sandbox.requests) == asked


# --- one model ---------------------------------------------------------------------------------------


def test_one_model(gigachat_sandbox):
    assert both("get_model", "gigachat/GigaChat-2") == {
        "id": "GigaChat-2",
        "object": "model",
        "owned_by": "salutedevices",
        "type": "chat",
    }
    assert sent(gigachat_sandbox) == ("GET", "/v1/models/GigaChat-2")
    with pytest.raises(litellm.NotFoundError, match="litellm-gigachat models"):
        account.get_model("NoSuch")
    with pytest.raises(litellm.NotFoundError):
        account.get_model("../files")
    assert gigachat_sandbox.requests[-1].path.startswith("/v1/models/")


# --- ai/check ----------------------------------------------------------------------------------------


def test_check_of_a_text(gigachat_sandbox):
    answer = both("check_ai", LETTER)
    assert (answer["category"], answer["characters"], answer["ai_intervals"]) == ("human", len(LETTER), [])
    assert sent(gigachat_sandbox) == ("POST", "/v1/ai/check")
    assert gigachat_sandbox.requests[-1].json == {"model": "GigaCheckClassification", "input": LETTER}


def test_check_that_cannot_be_made(gigachat_sandbox):
    with pytest.raises(litellm.BadRequestError, match="at least 20 words"):
        account.check_ai("мало слов")
    with pytest.raises(litellm.NotFoundError, match="No such model"):
        account.check_ai(LETTER, model="GigaChat-2")
    asked = len(gigachat_sandbox.requests)
    for nothing in ("", " ", None):
        with pytest.raises(litellm.BadRequestError, match="text"):
            account.check_ai(nothing)
    assert len(gigachat_sandbox.requests) == asked


# --- functions/validate ------------------------------------------------------------------------------


def test_a_function_is_checked_as_it_is_sent(gigachat_sandbox):
    [row] = both("validate_function", TOOL)
    body = gigachat_sandbox.requests[-1].json
    assert sent(gigachat_sandbox) == ("POST", "/v1/functions/validate")
    assert body["name"] == "uznat_pogodu"
    assert body["parameters"]["properties"] == {"city": {"type": "string"}}
    assert row["function"] == body
    assert (row["name"], row["message"], row["errors"]) == ("узнать погоду", "Function is valid", [])
    assert {warning["description"] for warning in row["warnings"]} >= {"few_shot_examples are missing"}


def test_functions_are_sent_as_in_a_call(gigachat_sandbox):
    tools = [TOOL, {"name": "text2image"}, {"name": "find", "input_schema": {"type": "object", "properties": {}}}]
    rows = both("validate_function", tools)
    asked = [r.json for r in gigachat_sandbox.requests if r.path.endswith("/validate")]
    assert asked[:2] == [rows[0]["function"], rows[2]["function"]]
    assert len(asked) == 4
    assert (rows[1]["function"], rows[1]["errors"]) == ({"name": "text2image"}, [])
    searching = account.validate_function({"type": "web_search"}, api_version="v2")
    assert searching[0]["function"] == {"name": "web_search"}
    gigachat_sandbox.knobs.answer = "да"
    litellm.completion(model="gigachat/GigaChat-2", messages=[{"role": "user", "content": "x"}], tools=tools)
    assert gigachat_sandbox.chat_bodies[-1]["functions"] == [row["function"] for row in rows]


@pytest.mark.parametrize(
    "tools", [[], None, "text", [{"type": "function", "function": {"name": ""}}], [{"type": "mcp"}]]
)
def test_what_is_no_function_is_refused_before_anything_is_sent(gigachat_sandbox, tools):
    with pytest.raises(litellm.BadRequestError):
        account.validate_function(tools)
    assert gigachat_sandbox.requests == []


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("get_files", None),
        ("get_file", "x"),
        ("delete_file", "x"),
        ("get_model", "x"),
        ("check_ai", "x"),
        ("validate_function", TOOL),
    ],
)
@pytest.mark.parametrize("body", ["[1, 2]", '"text"', "<html>"])
def test_answers_of_another_shape(gigachat_sandbox, name, argument, body):
    gigachat_sandbox.fail_next("any", status=200, body=body, skip=1)  # the token first
    with pytest.raises(litellm.APIConnectionError):
        getattr(account, name)(*([argument] if argument else []))


# --- the commands ------------------------------------------------------------------------------------


def test_files_command(gigachat_sandbox, stored, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("files") == (0, "The account keeps no files.\n", "")
    file_id = stored("../../a.jpg")
    code, out, _ = run("files", "list")
    assert code == 0
    assert out.splitlines()[2].split()[:2] == [file_id, "../../a.jpg"]
    assert [row["id"] for row in json.loads(run("files", "--json")[1])] == [file_id]
    assert json.loads(run("files", "show", file_id, "--json")[1])[0]["bytes"] == len(PHOTO)
    assert json.loads(run("files", "download", file_id, "--json")[1]) == {"id": file_id, "path": "a.jpg", "bytes": 11}
    assert (tmp_path / "a.jpg").read_bytes() == PHOTO
    code, _, err = run("files", "download", file_id)
    assert code == 1
    assert "exists already" in err
    assert run("files", "download", file_id, "-o", "b.jpg")[0] == 0
    assert run("files", "delete", file_id) == (0, f"deleted {file_id}\n", "")
    code, out, err = run("files", "delete", file_id)
    assert (code, out) == (1, "")
    assert "No such file" in err


def test_files_of_an_end_user_by_command(gigachat_sandbox, stored, run):
    file_id = stored(owner="user-7")
    assert [row["id"] for row in json.loads(run("files", "--client-id", "user-7", "--json")[1])] == [file_id]
    assert gigachat_sandbox.requests[-1].headers["x-client-id"] == "user-7"
    assert run("files", "download", file_id, "-o", "nowhere/x", "--client-id", "user-7")[0] == 1


@pytest.mark.parametrize(
    "words", [("list", "x"), ("show",), ("delete",), ("download",), ("download", "x", "y"), ("list", "-o", "x")]
)
def test_wrong_usage_of_files(gigachat_sandbox, run, words):
    assert run("files", *words)[0] == 2
    assert gigachat_sandbox.requests == []


def test_model_command(gigachat_sandbox, run):
    assert json.loads(run("models", "GigaChat-2-Max", "--json")[1])["context"] == 261120
    code, out, _ = run("models", "GigaChat-2-Max")
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, err = run("models", "NoSuch")
    assert (code, out) == (1, "")
    assert "No such model" in err


def test_aicheck_command(gigachat_sandbox, run, tmp_path):
    (tmp_path / "letter.txt").write_text(LETTER, encoding="utf-8")
    assert "human" in run("aicheck", *LETTER.split())[1]
    answer = json.loads(
        run("aicheck", "-f", str(tmp_path / "letter.txt"), "--model", "GigaCheckDetection", "--json")[1]
    )
    assert answer["category"] == "human"
    assert gigachat_sandbox.requests[-1].json == {"model": "GigaCheckDetection", "input": LETTER}
    assert run("aicheck", stdin=LETTER)[0] == 0
    gigachat_sandbox.fail_next("any", status=200, body={"category": "mixed", "ai_intervals": [[0, 12], [30, 44]]})
    assert run("aicheck", stdin=LETTER)[1].splitlines()[-1].split() == ["mixed", "-", "-", "0-12,", "30-44"]
    assert run("aicheck", "x", "-f", "y")[0] == 2


@pytest.mark.parametrize("wrapped", [[TOOL], {"tools": [TOOL]}, TOOL])
def test_functions_command(gigachat_sandbox, run, tmp_path, wrapped):
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(wrapped), encoding="utf-8")
    code, out, _ = run("functions", str(file))
    assert code == 0
    assert out.startswith("узнать погоду: Function is valid\n")
    assert '  sent as {"name": "uznat_pogodu"' in out
    assert json.loads(run("functions", str(file), "--json")[1])[0]["function"] == gigachat_sandbox.requests[-1].json


def test_functions_that_are_not_valid(gigachat_sandbox, run):
    told = {
        "message": "Incorrect function syntax",
        "errors": [{"description": "name is long", "schema_location": "name"}],
    }
    gigachat_sandbox.fail_next("any", status=200, body={"status": 200, **told}, skip=1)
    code, out, _ = run("functions", "-", stdin=json.dumps(TOOL))
    assert code == 1
    assert "  error at name: name is long\n" in out
    code, out, err = run("functions", "-", stdin="{")
    assert (code, out) == (1, "")
    assert "not JSON" in err
