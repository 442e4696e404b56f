"""Content parts that are files: what they become, and what is refused."""

from __future__ import annotations

import base64

import pytest
from request_helpers import PNG, STATE, assistant, body, call, read, result, tool

from litellm_gigachat_provider.contracts import body_v1
from litellm_gigachat_provider.errors import InvalidRequestError

PNG_BYTES = base64.b64decode(PNG)
TEXT_64 = base64.b64encode(b"hello").decode()


def image(value):
    return {"type": "image_url", "image_url": value}


def file(**inner):
    return {"type": "file", "file": inner}


def only(part, **kwargs):
    (attachment,) = read([{"role": "user", "content": [part]}], **kwargs).attachments
    return attachment


@pytest.mark.parametrize(
    ("part", "kind", "data", "url", "file_id", "mime", "filename"),
    [
        (image({"url": f"data:image/png;base64,{PNG}"}), "image", PNG_BYTES, None, None, "image/png", None),
        (image(f"data:;base64,{PNG}"), "image", PNG_BYTES, None, None, "image/png", None),
        (image({"url": PNG}), "image", PNG_BYTES, None, None, "image/png", None),
        (
            image({"url": "https://e.org/a?b=1", "detail": "high"}),
            "image",
            None,
            "https://e.org/a?b=1",
            None,
            None,
            None,
        ),
        (
            image({"url": "HTTP://e.org/a", "format": "image/jpeg"}),
            "image",
            None,
            "HTTP://e.org/a",
            None,
            "image/jpeg",
            None,
        ),
        (image(STATE), "image", None, None, STATE, None, None),
        ({"type": "input_image", "image_url": "https://e.org/a"}, "image", None, "https://e.org/a", None, None, None),
        (
            file(file_data=f"data:text/plain;base64,{TEXT_64}", filename="a.txt"),
            "document",
            b"hello",
            None,
            None,
            "text/plain",
            "a.txt",
        ),
        (file(file_data=TEXT_64, filename="a.md"), "document", b"hello", None, None, "text/plain", "a.md"),
        (file(file_data="data:text/plain,a%20b"), "document", b"a b", None, None, "text/plain", None),
        (file(file_data=f"data:image/png;base64,{PNG}"), "image", PNG_BYTES, None, None, "image/png", None),
        (file(file_id="abc"), "document", None, None, "abc", None, None),
        (file(file_id="abc", filename="x.JPG"), "image", None, None, "abc", "image/jpeg", "x.JPG"),
        (
            file(file_id="https://e.org/a.pdf", format="application/pdf"),
            "document",
            None,
            "https://e.org/a.pdf",
            None,
            "application/pdf",
            None,
        ),
        ({"type": "input_file", "file_id": "abc"}, "document", None, None, "abc", None, None),
        (
            {"type": "input_audio", "input_audio": {"data": TEXT_64, "format": "wav"}},
            "audio",
            b"hello",
            None,
            None,
            "audio/wav",
            "audio.wav",
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            "image",
            PNG_BYTES,
            None,
            None,
            "image/png",
            None,
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://e.org/a"}},
            "image",
            None,
            "https://e.org/a",
            None,
            None,
            None,
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
            "document",
            b"hello",
            None,
            None,
            "text/plain",
            None,
        ),
        (
            {"type": "document", "title": "t", "source": {"type": "file", "file_id": "abc"}},
            "document",
            None,
            None,
            "abc",
            None,
            None,
        ),
    ],
)
def test_a_file_part(part, kind, data, url, file_id, mime, filename):
    found = only(part)
    assert (found.kind, found.data, found.url, found.file_id) == (kind, data, url, file_id)
    assert (found.mime, found.filename) == (mime, filename)
    assert found.where.startswith("messages[0].content[0]")


@pytest.mark.parametrize(
    "part",
    [
        image({"url": ""}),
        image({"url": 5}),
        image({}),
        image(None),
        image("file:///etc/passwd"),
        image("ftp://e.org/a"),
        image("not base64!"),
        image("data:image/png;base64"),
        image("data:image/png;base64,@@@@"),
        image("data:image/png;base64,"),
        file(),
        file(file_id=""),
        {"type": "file", "file": "x"},
        {"type": "input_audio", "input_audio": {"data": TEXT_64, "format": "flac"}},
        {"type": "input_audio"},
        {"type": "image", "source": {"type": "odd"}},
        {"type": "tool_use"},
        {"type": None},
        {},
        None,
    ],
)
def test_a_part_that_is_refused_is_named(part):
    with pytest.raises(InvalidRequestError, match=r"messages\[0\]\.content\[0\]"):
        read([{"role": "user", "content": [part]}])


PDF = b"%PDF-1.4 hello"
PDF_64 = base64.b64encode(PDF).decode()


@pytest.mark.parametrize("contract", ["v1", "v2"])
@pytest.mark.parametrize(
    ("value", "kind", "mime"),
    [
        (f"data:application/pdf;base64,{PDF_64}", "document", "application/pdf"),
        (f"data:APPLICATION/PDF;name=a.pdf;base64,{PDF_64}", "document", "application/pdf"),
        (f"data:text/plain;charset=utf-8;base64,{TEXT_64}", "document", "text/plain"),
        ("data:text/csv,a%2Cb", "document", "text/csv"),
        (f"data:audio/wav;base64,{TEXT_64}", "audio", "audio/wav"),
        (f"data:video/mp4;base64,{TEXT_64}", "audio", "video/mp4"),
        (f"data:application/octet-stream;base64,{PDF_64}", "document", "application/pdf"),
        (f"data:application/octet-stream;base64,{PNG}", "image", "image/png"),
        (f"data:application/octet-stream;base64,{TEXT_64}", "image", None),
        (PDF_64, "document", "application/pdf"),
        ({"url": "https://e.org/a", "format": "application/pdf"}, "document", "application/pdf"),
        ("https://e.org/a.PDF?sign=x.png", "document", None),
        ("https://e.org/a.png", "image", None),
        ({"url": STATE, "format": "application/pdf"}, "document", "application/pdf"),
    ],
)
def test_the_type_of_an_image_url_decides_what_it_is(value, kind, mime, contract):
    for part in (image(value), image({"url": value}) if isinstance(value, str) else image(value)):
        found = only(part, contract=contract)
        assert (found.kind, found.mime) == (kind, mime)


def test_what_a_tool_returns_as_an_image_url_may_be_a_document():
    part = image(f"data:application/pdf;base64,{PDF_64}")
    history = [{"role": "user", "content": "q"}, assistant(call("a")), result("a", [part])]
    (found,) = read(history).attachments
    assert (found.kind, found.data) == ("document", PDF)
    assert body(history, tools=[F])["functions"][1] == {"name": "get_file_content"}


def test_a_block_of_type_image_may_be_a_document():
    block = {"type": "image", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF_64}}
    assert only(block).kind == "document"


def test_a_file_of_undeclared_type_is_what_its_name_or_its_bytes_say():
    for inner in ({"filename": "a.png"}, {}):
        assert only(file(file_data=f"data:application/octet-stream;base64,{PNG}", **inner)).kind == "image"
    assert only(file(file_data=f"data:;base64,{TEXT_64}", filename="a.mp3")).kind == "audio"
    assert only(file(file_url="https://e.org/a.png")).kind == "image"


def test_equal_content_has_an_equal_key():
    one = only(image(f"data:image/png;base64,{PNG}"))
    two = only(file(file_data=PNG, filename="a.png"))
    assert one.key == two.key
    assert one.key != only(file(file_data=TEXT_64)).key


DOCUMENT = [{"role": "user", "content": [{"type": "text", "text": "Sum up"}, file(file_id="abc")]}]
F = tool("f", {"type": "object", "properties": {}})


def test_a_document_switches_functions_to_auto():
    assert body(DOCUMENT) == {
        "model": "GigaChat-2-Max",
        "messages": [{"role": "user", "content": "Sum up", "attachments": ["abc"]}],
        "function_call": "auto",
    }


def test_beside_functions_the_reading_function_is_offered():
    found = body(DOCUMENT, tools=[F])
    assert [function["name"] for function in found["functions"]] == ["f", "get_file_content"]
    assert found["functions"][1] == {"name": "get_file_content"}
    assert found["function_call"] == "auto"


@pytest.mark.parametrize("choice", ["none", {"type": "function", "function": {"name": "f"}}])
def test_a_document_does_not_overrule_the_caller(choice):
    found = body(DOCUMENT, tools=[F], tool_choice=choice)
    assert found["function_call"] == ("none" if choice == "none" else {"name": "f"})


def test_on_v2_a_document_needs_no_function():
    assert body(DOCUMENT, contract="v2") == {
        "model": "GigaChat-2-Max",
        "messages": [{"role": "user", "content": [{"text": "Sum up"}, {"files": [{"id": "abc"}]}]}],
    }


def test_a_file_that_was_not_uploaded_is_an_error():
    request = read([{"role": "user", "content": [image("https://e.org/a")]}])
    with pytest.raises(InvalidRequestError, match="not uploaded"):
        body_v1.body(request, {})
