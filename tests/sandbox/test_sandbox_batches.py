"""``/batches`` of the sandbox, asked by a bare client."""

from __future__ import annotations

import json

import pytest


def post(client, *lines, method="chat_completions", kind="application/octet-stream"):
    data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return client.post(f"/batches?method={method}", content=data, headers={"Content-Type": kind})


def line(line_id="1", **body):
    body = {"model": "GigaChat-2", "messages": [{"role": "user", "content": "Hi"}], **body}
    return {"id": line_id, "request": body}


def test_a_batchs_life(client):
    client.sandbox.knobs.batch_seconds = 100
    made = post(client, line("1"), line("2", model="x"), line("3", stream=True), line("4")).json()
    stamp = made["created_at"]
    assert made == {
        "id": made["id"],
        "method": "chat_completions",
        "request_counts": {"total": 4},
        "status": "created",
        "created_at": stamp,
        "updated_at": stamp,
    }

    def look():
        (batch,) = client.get("/batches", params={"batch_id": made["id"]}).json()["batches"]
        counts = batch["request_counts"]
        return batch["status"], counts["completed"], counts["failed"], batch.get("output_file_id")

    assert look() == ("created", 0, 0, None)
    client.sandbox.advance(55)
    assert look() == ("in_progress", 1, 1, None)
    client.sandbox.advance(50)
    status, completed, failed, file_id = look()
    assert (status, completed, failed) == ("completed", 2, 2)
    assert look()[3] == file_id
    assert client.get(f"/files/{file_id}").json()["purpose"] == "general"
    rows = [json.loads(row) for row in client.get(f"/files/{file_id}/content").content.splitlines()]
    assert [row["id"] for row in rows] == ["4", "3", "2", "1"]
    assert rows[3]["result"]["object"] == "chat.completion"
    assert rows[2]["error"] == {"status": 404, "message": "No such model"}
    assert rows[1]["error"]["status"] == 400
    assert [batch["id"] for batch in client.get("/batches").json()["batches"]] == [made["id"]]


def test_embeddings(client):
    made = post(client, {"id": "1", "request": {"model": "Embeddings", "input": ["x"]}}, method="embedder").json()
    (batch,) = client.get("/batches").json()["batches"]
    assert (made["method"], batch["status"]) == ("embedder", "completed")
    row = json.loads(client.get(f"/files/{batch['output_file_id']}/content").content)
    assert len(row["result"]["data"][0]["embedding"]) == 1024


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "chat"},
        {"kind": "application/json"},
        {"lines": []},
        {"lines": [b"{"]},
        {"lines": [b"", line()]},
        {"lines": [line(), line()]},
        {"lines": [line("")]},
        {"lines": [line(1)]},
        {"lines": [{**line(), "custom_id": "1"}]},
        {"lines": [{"id": "1"}]},
    ],
    ids=str,
)
def test_refused(client, asked):
    lines = asked.pop("lines", [line()])
    assert post(client, *lines, **asked).status_code == 400
    assert client.get("/batches").json() == {"batches": []}


def test_unknown_foreign_and_forbidden_batches(client):
    missing = client.get("/batches?batch_id=x")
    assert (missing.status_code, missing.json()["message"]) == (404, "Batch task not found")
    own = post(client, line()).json()["id"]
    other = client.get(f"/batches?batch_id={own}", headers={"X-Client-ID": "other"})
    assert other.status_code == 404
    client.sandbox.knobs.max_body_bytes = 20
    assert post(client, line()).status_code == 413
    client.sandbox.knobs.batches_forbidden = True
    assert (post(client, line()).status_code, client.get("/batches").status_code) == (403, 403)
