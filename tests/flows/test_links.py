"""A file behind a URL is what its server says, whatever the part it stands in: known only once it is fetched."""

from __future__ import annotations

import base64

import litellm.exceptions as x
import pytest
from loopback import answer, serving
from sent import chats, sent

from litellm_gigachat_provider.files import fetch

PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\n%%EOF\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MP3 = b"ID3" + b"\x00" * 200
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in "fg"
]


@pytest.fixture
def site(gigachat_sandbox, contract, monkeypatch):
    monkeypatch.setattr(fetch, "is_public", lambda address: True)
    with serving() as made:
        yield made
    assert [r.refusal for r in gigachat_sandbox.refused] == []


def put(site, path, data, kind):
    site.scripts[path] = [answer(data, kind=kind)]
    return f"http://127.0.0.1:{site.port}{path}"


def as_image(url):
    return {"type": "image_url", "image_url": {"url": url}}


def as_file(url):
    return {"type": "file", "file": {"file_id": url}}


def as_document(url):
    return {"type": "document", "source": {"type": "url", "url": url}}


def asked(url, part=as_image):
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part(url)]}]


def uploads(sandbox):
    return [r for r in sandbox.requests if r.path.endswith("/files") and r.method == "POST"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/pdf/2401.12345", "application/pdf"), ("/scan.png", "application/pdf; q=1"), ("/x", "application/octet-stream")],
)
@pytest.mark.parametrize("model", ["GigaChat-2-Max", "GigaChat-2"])
def test_a_pdf_behind_an_image_url_is_a_document(gigachat_sandbox, contract, site, ask, path, kind, model):
    if model == "GigaChat-2" and path.endswith("png"):
        pytest.skip("its name says picture, and that model takes none")
    messages = asked(put(site, path, PDF, kind))
    assert ask(messages, model=f"gigachat/{model}").content
    (upload,) = uploads(gigachat_sandbox)
    assert b"Content-Type: application/pdf" in upload.body
    body = sent(gigachat_sandbox)
    assert chats(gigachat_sandbox) == 1
    assert len(body.files) == 1
    if contract == "v1":
        assert body.choice == "auto"  # GigaChat reads documents with a function of its own
    ask(messages, model=f"gigachat/{model}", tools=TOOLS)
    names = [function["name"] for function in sent(gigachat_sandbox).functions]
    assert names == ["f", "g"] + ["get_file_content"] * (contract == "v1")


def test_from_a_tool_it_is_named_as_what_it_is(gigachat_sandbox, contract, site, ask):
    called = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {
        "role": "tool",
        "tool_call_id": "a",
        "content": [as_image(put(site, "/get?id=1", PDF, "application/pdf"))],
    }
    ask([{"role": "user", "content": "Read"}, {"role": "assistant", "tool_calls": [called]}, result], tools=TOOLS)
    assert sent(gigachat_sandbox).turns[2:] == [
        ("result", {"result": {"files": ["document 1"]}, "of": "f"}),
        ("user", "This is document 1, from the result of the tool f."),
    ]


@pytest.mark.parametrize("part", [as_file, as_document])
@pytest.mark.parametrize(("data", "kind"), [(PNG, "image/png"), (MP3, "audio/mpeg"), (PNG, "")])
def test_a_picture_or_sound_behind_a_file_is_one(gigachat_sandbox, contract, site, ask, part, data, kind):
    ask(asked(put(site, "/get", data, kind), part))
    (upload,) = uploads(gigachat_sandbox)
    assert (b"Content-Type: image/png" if data is PNG else b"Content-Type: audio/mp3") in upload.body
    body = sent(gigachat_sandbox)
    assert (len(body.files), body.choice) == (1, None)


def test_a_picture_is_one_whatever_its_server_calls_it(gigachat_sandbox, contract, site, ask):
    ask(asked(put(site, "/get", PNG, "text/plain")))
    assert b"Content-Type: image/png" in uploads(gigachat_sandbox)[0].body
    assert sent(gigachat_sandbox).choice is None


def test_a_picture_for_a_model_without_vision_is_still_refused(gigachat_sandbox, contract, site, ask):
    for path in ("/cat.png", "/cat"):
        with pytest.raises(x.BadRequestError, match=r"messages\[0\].content\[1\].*GigaChat-2 does not take images"):
            ask(asked(put(site, path, PNG, "image/png")), model="gigachat/GigaChat-2")
    assert chats(gigachat_sandbox) == 0


def test_a_page_is_no_picture(gigachat_sandbox, contract, site, ask):
    with pytest.raises(x.BadRequestError, match="text/html.* is no image"):
        ask(asked(put(site, "/login", b"<html>Sign in</html>", "text/html; charset=utf-8")))
    assert chats(gigachat_sandbox) == 0


def test_a_declared_type_holds(gigachat_sandbox, contract, site, ask):
    url = put(site, "/get", PDF, "application/pdf")
    with pytest.raises(x.BadRequestError, match="no image"):
        ask([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, "format": "image/png"}}]}])


def test_a_document_and_a_schema(gigachat_sandbox, contract, site, ask):
    """The answering function leaves room for the one that reads documents, as for a ``file`` part."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    ask(asked(put(site, "/get", PDF, "application/pdf")), response_format=form)
    first, asked_before = sent(gigachat_sandbox, 0), chats(gigachat_sandbox)
    ask(asked(put(site, "/get.pdf", PDF, "application/pdf")), response_format=form)
    assert first.functions == sent(gigachat_sandbox, asked_before).functions
    assert first.choice == ("auto" if contract == "v1" else None)


def test_files_of_a_call_that_is_refused_after_the_upload_are_deleted(gigachat_sandbox, contract, site, ask):
    with pytest.raises(x.BadRequestError, match="does not take images"):
        ask(asked(put(site, "/cat", PNG, "image/png")), model="gigachat/GigaChat-2", gigachat_delete_files=True)
    assert [r.path.rpartition("/")[2] for r in gigachat_sandbox.requests if "/files" in r.path] == ["files", "delete"]
