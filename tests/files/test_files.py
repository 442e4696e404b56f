from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

import pytest
from loopback import CLOSE, WAYS, answer, serving

from litellm_gigachat_provider.errors import (
    BadAnswerError,
    ConnectionFailureError,
    HttpFailureError,
    InvalidRequestError,
    TimeoutFailureError,
)
from litellm_gigachat_provider.files import files, filetypes
from litellm_gigachat_provider.files.fetch import Fetcher
from litellm_gigachat_provider.files.shelf import Shelf
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.transport.client import Transport, close_all
from litellm_gigachat_provider.watch import counters

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
UUID = "0f5b3a9e-1111-4222-8333-{:012d}"
both = pytest.mark.parametrize("way", WAYS)


@dataclass(frozen=True)
class File:
    key: str
    kind: str = "image"
    data: bytes | None = None
    url: str | None = None
    file_id: str | None = None
    mime: str | None = None
    filename: str | None = None
    where: str = "messages[0].content[1]"


@pytest.fixture
def server():
    with serving() as made:
        made.count = 0

        def upload(seen):
            made.count += 1
            return [0.02, answer({"id": UUID.format(made.count), "object": "file"})]

        made.scripts["/v1/files"] = upload
        yield made


@pytest.fixture
def transport(server, fresh_counters):
    made = Transport(server.settings())
    yield made
    close_all()


def run(way, name, *args, **kwargs):
    kwargs.setdefault("timeout", 5)
    coroutine = getattr(files, name)(*args, **kwargs)
    return PORTAL.call(coroutine) if way == "sync" else asyncio.run(coroutine)


@both
def test_what_is_sent(way, server, transport):
    assert run(way, "upload", transport, [File("k", data=PNG)]) == {"k": UUID.format(1)}
    (seen,) = server.requests
    assert b'name="purpose"\r\n\r\ngeneral\r\n' in seen.body
    assert b'name="file"; filename="image.png"\r\nContent-Type: image/png\r\n\r\n' + PNG in seen.body
    assert counters.files["uploads"] == 1


@both
def test_one_upload_per_content_and_tenant(way, server, transport):
    wanted = [File("a", data=PNG), File("b", data=PNG), File("c", data=PNG + b"2"), File("d", file_id="there")]
    got = run(way, "upload", transport, [*wanted, wanted[0]])
    assert got["a"] == got["b"] != got["c"]
    assert got["d"] == "there"
    assert run(way, "upload", transport, wanted) == got
    assert len(server.requests) == 2
    other = Transport(server.settings(client_id="someone"))
    run(way, "upload", other, wanted)
    run(way, "upload", transport, wanted, headers={"x-client-id": "third"})
    assert len(server.requests) == 6
    assert server.requests[-1].headers["x-client-id"] == "third"
    close_all()


def test_many_at_once_share_one_upload_over_threads_and_loops(server, transport):
    results = []

    def thread():
        results.append(PORTAL.call(files.upload(transport, [File("k", data=PNG)], timeout=5))["k"])

    async def main():
        calls = [files.upload(transport, [File("k", data=PNG)], timeout=5) for _ in range(20)]
        results.extend(got["k"] for got in await asyncio.gather(*calls))

    threads = [threading.Thread(target=thread) for _ in range(5)]
    threads += [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert results == [UUID.format(1)] * 45
    assert len(server.requests) == 1


def test_those_who_waited_for_a_cancelled_upload_do_it_themselves(server, transport):
    async def main():
        first = asyncio.create_task(files.upload(transport, [File("k", data=PNG)], timeout=5))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(files.upload(transport, [File("k", data=PNG)], timeout=5))
        await asyncio.sleep(0)
        first.cancel()
        return (await second)["k"]

    assert asyncio.run(main()).startswith(UUID[:8])
    assert len(files.shelf_of(transport)._flights) == 0


def test_waiting_for_anothers_upload_honours_the_timeout(server, transport):
    server.scripts["/v1/files"] = [0.25, answer({"id": "x"})]

    async def main():
        first = asyncio.create_task(files.upload(transport, [File("k", data=PNG)], timeout=5))
        await asyncio.sleep(0.02)
        with pytest.raises(TimeoutFailureError, match=r"messages\[0\]"):
            await files.upload(transport, [File("k", data=PNG)], timeout=0.05)
        assert (await first)["k"] == "x"

    asyncio.run(main())


@both
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"status": 400, "message": "bad type"}, "400 X"), InvalidRequestError),
        (answer({"status": 413, "message": "Payload too large"}, "413 X"), InvalidRequestError),
        (answer({"status": 403, "message": "Permission denied"}, "403 X"), HttpFailureError),
        (answer({"status": 429, "message": "Too many requests"}, "429 X", Retry_After="2"), HttpFailureError),
        (answer(b"<html>bad gateway</html>", "502 X", "text/html"), HttpFailureError),
        (answer({"object": "file"}), BadAnswerError),
        (answer(b"[]"), BadAnswerError),
    ],
)
def test_a_failed_upload_names_the_attachment(way, server, transport, reply, kind):
    server.scripts["/v1/files"] = [reply]
    with pytest.raises(kind) as caught:
        run(way, "upload", transport, [File("k", data=PNG)])
    assert "messages[0].content[1]" in str(caught.value)
    if kind is HttpFailureError:
        assert caught.value.where == "files"
        assert caught.value.status in (403, 429, 502)
    assert len(files.shelf_of(transport)) == 0
    server.scripts["/v1/files"] = [answer({"id": "fine"})]
    assert run(way, "upload", transport, [File("k", data=PNG)]) == {"k": "fine"}


@both
def test_a_lost_connection_during_an_upload(way, server, transport):
    server.scripts["/v1/files"] = [CLOSE]
    with pytest.raises(ConnectionFailureError, match=r"messages\[0\]"):
        run(way, "upload", transport, [File("k", data=PNG)])


@both
def test_a_url_is_fetched_and_uploaded(way, server, transport):
    server.scripts["/cat"] = [answer(PNG, kind="image/png; x=y")]
    file = File("k", url=f"http://127.0.0.1:{server.port}/cat")
    with pytest.raises(InvalidRequestError, match="not public"):
        run(way, "upload", transport, [file])
    fetcher = Fetcher(transport.settings, lambda address, port: True)
    assert run(way, "upload", transport, [file], fetcher=fetcher) == {"k": UUID.format(1)}
    assert [seen.path for seen in server.requests] == ["/cat", "/v1/files"]
    assert "authorization" not in server.requests[0].headers


def test_who_stops_waiting_for_anothers_upload_disturbs_nobody(server, transport, caplog):
    server.scripts["/v1/files"] = [0.6, answer({"id": "fine"})]
    got = []
    carrier = threading.Thread(target=lambda: got.append(run("async", "upload", transport, [File("k", data=PNG)])))
    carrier.start()
    while not server.requests:
        time.sleep(0.01)
    with pytest.raises(TimeoutFailureError, match=r"messages\[0\].content\[1\]"):
        run("async", "upload", transport, [File("k", data=PNG)], timeout=0.1)
    carrier.join()
    assert got == [{"k": "fine"}]
    assert len(server.requests) == 1
    assert caplog.records == []


@both
def test_one_failure_of_several_ends_the_rest(way, server, transport):
    wanted = [File(str(n), data=PNG + bytes([n])) for n in range(6)] + [File("bad", data=b"GIF89a" + b"x" * 20)]
    with pytest.raises(InvalidRequestError):
        run(way, "upload", transport, wanted)


@both
def test_download_and_delete(way, server, transport):
    file_id = run(way, "upload", transport, [File("k", data=PNG)])["k"]
    server.scripts[f"/v1/files/{file_id}/content"] = [answer(b"\x00\xff", kind="image/jpeg; q=1")]
    server.scripts[f"/v1/files/{file_id}/delete"] = [answer({"id": file_id, "deleted": True})]
    assert run(way, "download", transport, file_id, headers={"X-Client-ID": "u"}) == (b"\x00\xff", "image/jpeg")
    assert run(way, "delete", transport, file_id).json() == {"id": file_id, "deleted": True}
    assert [(seen.method, seen.path) for seen in server.requests[1:]] == [
        ("GET", f"/v1/files/{file_id}/content"),
        ("POST", f"/v1/files/{file_id}/delete"),
    ]
    assert server.requests[1].headers["x-client-id"] == "u"
    assert server.requests[1].headers["accept"] == "*/*"
    assert len(files.shelf_of(transport)) == 0
    server.scripts[f"/v1/files/{file_id}/delete"] = [answer({"status": 404, "message": "No such file"}, "404 X")]
    with pytest.raises(HttpFailureError, match="No such file"):
        run(way, "delete", transport, file_id)
    assert (counters.files["downloads"], counters.files["deletes"]) == (1, 1)


@both
@pytest.mark.parametrize("file_id", ["", "..", "a\nb", "x" * 300])
def test_ids_that_are_none(way, server, transport, file_id):
    with pytest.raises(InvalidRequestError):
        run(way, "download", transport, file_id)
    assert server.requests == []


@both
def test_an_id_cannot_leave_its_place_in_the_path(way, server, transport):
    run(way, "download", transport, "../models?x=1")
    assert server.requests[0].path == "/v1/files/..%2Fmodels%3Fx%3D1/content"


@both
def test_a_refused_id_is_forgotten(way, server, transport):
    wanted = [File("k", data=PNG)]
    file_id = run(way, "upload", transport, wanted)["k"]
    failure = HttpFailureError(403, f'{{"status":403,"message":"Access to file \'{file_id}\' is denied"}}'.encode())
    assert files.forget_refused(transport, HttpFailureError(429, failure.body)) is False
    assert files.forget_refused(transport, HttpFailureError(403, b'{"message":"Permission denied"}')) is False
    assert files.forget_refused(transport, failure) is True
    assert files.forget_refused(transport, failure) is False
    again = run(way, "upload", transport, wanted)["k"]
    assert again != file_id
    server.scripts[f"/v1/files/{again}/content"] = [answer({"status": 404, "message": "gone"}, "404 X")]
    with pytest.raises(HttpFailureError):
        run(way, "download", transport, again)
    assert len(files.shelf_of(transport)) == 0


def test_the_shelf_forgets_with_time_and_is_bounded():
    shelf = Shelf(life=0.05, kept=3)
    for n in range(5):
        flight, carrier = shelf.claim(n)
        assert carrier
        shelf.land(n, flight, f"id-{n}")
    assert [shelf.claim(n) for n in (2, 3, 4)] == ["id-2", "id-3", "id-4"]
    assert shelf.claim(1)[1] is True
    time.sleep(0.06)
    assert shelf.claim(4)[1] is True


# --- types ---------------------------------------------------------------------------------------------

ZIP, OLE = b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("kind", "data", "mime", "name", "expected"),
    [
        ("image", b"\xff\xd8\xff\xe0x", None, None, ("image/jpeg", "image.jpg")),
        ("image", b"\xff\xd8\xff\xe0x", "image/png", "cat.png", ("image/jpeg", "cat.png.jpg")),
        ("image", PNG, "image/jpeg", "C:\\tmp\\кот.png", ("image/png", "кот.png")),
        ("image", b"II*\x00x", None, None, ("image/tiff", "image.tiff")),
        ("image", b"MM\x00*x", None, None, ("image/tiff", "image.tiff")),
        ("image", b"BMxx", "image/x-ms-bmp", None, ("image/bmp", "image.bmp")),
        ("document", b"%PDF-1.7", None, "a/b/report", ("application/pdf", "report.pdf")),
        ("document", ZIP, None, "x.docx", (DOCX, "x.docx")),
        ("document", ZIP, DOCX, None, (DOCX, "document.docx")),
        ("document", ZIP, None, "x.xlsx", (XLSX, "x.xlsx")),
        ("document", ZIP, "application/epub+zip", None, ("application/epub", "document.epub")),
        ("document", ZIP, None, "x.pptx", ("application/pptx", "x.pptx")),
        ("document", OLE, None, "x.doc", ("application/msword", "x.doc")),
        ("document", OLE, "application/vnd.ms-excel", None, ("application/vnd.ms-excel", "document.xls")),
        ("document", OLE, "application/vnd.ms-powerpoint", None, ("application/ppt", "document.ppt")),
        ("document", b"# Title", "text/markdown", "README.md", ("text/plain", "README.md.txt")),
        ("document", b"{}", "application/json", "a.json", ("text/plain", "a.json.txt")),
        ("document", b"a,b", "text/csv", None, ("text/plain", "document.txt")),
        ("document", b"print()", None, "x.py", ("text/plain", "x.py.txt")),
        ("document", "Привет".encode("utf-16"), None, "x.txt", ("text/plain", "x.txt")),
        ("audio", b"ID3x", "audio/mpeg", None, ("audio/mp3", "audio.mp3")),
        ("audio", b"\xff\xfbx", None, "a.mp3", ("audio/mp3", "a.mp3")),
        ("audio", b"RIFF0000WAVEfmt ", "audio/x-wav", None, ("audio/wav", "audio.wav")),
        ("audio", b"OggS" + b"\0" * 24 + b"OpusHead", None, None, ("audio/opus", "audio.opus")),
        ("audio", b"OggS" + b"\0" * 24 + b"\x01vorbis", None, None, ("audio/x-ogg", "audio.ogg")),
        ("audio", b"\0\0\0\x20ftypM4A ", None, None, ("audio/x-m4a", "audio.m4a")),
        ("audio", b"\0\0\0\x20ftypisom", "video/mp4", None, ("audio/mp4", "audio.mp4")),
        ("audio", b"\x1aE\xdf\xa3", None, None, ("audio/webm", "audio.weba")),
        ("audio", b"\x00\x01", "audio/mpeg", None, ("audio/mp3", "audio.mp3")),
    ],
)
def test_types(kind, data, mime, name, expected):
    made = filetypes.prepare(kind, data, mime, name, "here")
    assert (made.mime, made.filename) == expected
    assert "data" not in repr(made)


@pytest.mark.parametrize(
    ("kind", "data", "mime", "name"),
    [
        ("image", b"", "image/png", None),
        ("image", b"<svg/>", "image/svg+xml", None),
        ("image", b"<html>", "image/png", None),
        ("image", b"\0\0\0\x20ftypheic", "image/heic", None),
        ("image", b"%PDF", None, None),
        ("document", ZIP, None, "x.zip"),
        ("document", OLE, None, None),
        ("document", b"\x7fELF\x00\x01", None, "a.out"),
        ("document", PNG, None, "x.txt"),
        ("audio", b"\x00\x01", "audio/pcm", None),
        ("audio", b"\x00\x01", None, "x.flac"),
        ("audio", PNG, "audio/mpeg", None),
    ],
)
def test_types_that_are_refused(kind, data, mime, name):
    with pytest.raises(InvalidRequestError) as caught:
        filetypes.prepare(kind, data, mime, name, "here")
    assert caught.value.field == "here"


@pytest.mark.parametrize("kind", ["image", "document", "audio"])
def test_sizes(kind, monkeypatch):
    assert filetypes.LIMITS == {"image": 15_000_000, "document": 40_000_000, "audio": 35_000_000}
    monkeypatch.setitem(filetypes.LIMITS, kind, 10)
    with pytest.raises(InvalidRequestError, match="10 at most"):
        filetypes.prepare(kind, b"x" * 11, None, None, "here")


def test_gif_and_webp_are_converted_only_where_pillow_is_there(monkeypatch):
    class Image:
        class DecompressionBombError(Exception):
            pass

        info: dict = {}

        @classmethod
        def open(cls, stream):
            if stream.read().endswith(b"broken"):
                raise OSError
            return cls()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def getbands(self):
            return ("R", "G", "B")

        def convert(self, mode):
            assert mode == "RGB"
            return self

        def save(self, out, kind):
            out.write(PNG)

    def load(name):
        assert name == "PIL.Image"
        return Image

    with monkeypatch.context() as patch:
        patch.setattr(filetypes.importlib, "import_module", load)
        made = filetypes.prepare("image", b"GIF89a", "image/gif", "a.gif", "here")
        assert (made.data, made.mime, made.filename) == (PNG, "image/png", "a.gif.png")
        with pytest.raises(InvalidRequestError, match="cannot be read"):
            filetypes.prepare("image", b"RIFF0000WEBPbroken", None, None, "here")

    def missing(name):
        raise ImportError

    with monkeypatch.context() as patch:
        patch.setattr(filetypes.importlib, "import_module", missing)
        with pytest.raises(InvalidRequestError, match="Pillow"):
            filetypes.prepare("image", b"RIFF0000WEBPx", None, None, "here")


def test_utf16_text_becomes_utf8():
    assert filetypes.prepare("document", "Привет".encode("utf-16"), None, None, "x").data == "Привет".encode()


@pytest.mark.parametrize(
    ("expected", "mime", "data", "kind"),
    [
        ("image", "application/pdf", b"%PDF-1", "document"),
        ("image", "", b"%PDF-1", "document"),
        ("image", "binary/octet-stream", b"%PDF-1", "document"),
        ("image", "application/octet-stream", b"PK\x03\x04", "document"),
        ("image", "Text/Plain; charset=utf-8", b"hello", "document"),
        ("image", "text/html", b"<html>", "image"),
        ("document", "text/html", b"<html>", "document"),
        ("image", "text/plain", PNG, "image"),
        ("image", "", b"?", "image"),
        ("document", "", b"?", "document"),
        ("document", "text/plain", b"BMW", "document"),
        ("document", "image/png", PNG, "image"),
        ("document", "video/mp4", b"?", "audio"),
        ("audio", "application/pdf", b"%PDF-1", "document"),
    ],
)
def test_what_a_fetched_file_is(expected, mime, data, kind):
    assert filetypes.fetched_kind(expected, mime, data) == kind


@both
def test_upload_tells_what_fetched_files_are(way, server, transport):
    fetcher = Fetcher(server.settings(), lambda address, port: port == server.port)
    server.scripts["/a"] = [answer(b"%PDF-1.4 x", kind="application/pdf")]
    url, kinds = f"http://127.0.0.1:{server.port}/a", {}
    wanted = [File("a", url=url), File("b", data=PNG), File("c", file_id="there")]
    run(way, "upload", transport, wanted, fetcher=fetcher, kinds=kinds)
    assert kinds == {"a": "document"}
    with pytest.raises(InvalidRequestError, match="no image"):
        run(way, "upload", transport, [File("d", url=url, mime="image/png")], fetcher=fetcher, kinds=kinds)
    assert kinds == {"a": "document"}
