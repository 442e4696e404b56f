"""Files, embeddings and the small routes."""

from __future__ import annotations

import pytest


def upload(client, name="a.txt", data=b"hello", mime="text/plain", purpose="general", headers=None):
    return client.post("/files", files={"file": (name, data, mime)}, data={"purpose": purpose}, headers=headers)


def test_a_files_life(client):
    made = upload(client).json()
    assert made == {
        "id": made["id"],
        "object": "file",
        "bytes": 5,
        "created_at": made["created_at"],
        "filename": "a.txt",
        "purpose": "general",
        "access_policy": "private",
    }
    path = f"/files/{made['id']}"
    assert client.get(path).json() == made
    assert client.get("/files").json() == {"data": [made]}
    content = client.get(f"{path}/content")
    assert (content.content, content.headers["content-type"]) == (b"hello", "application/octet-stream")
    assert client.http.delete(client.sandbox.base_url + path).status_code == 405
    deleted = client.post(f"{path}/delete").json()
    assert deleted == {"id": made["id"], "deleted": True, "access_policy": "private"}
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"mime": "image/gif"}, 400),
        ({"mime": "application/json"}, 400),
        ({"purpose": "x"}, 400),
        ({"data": b""}, 400),
        ({"mime": "image/png", "data": b"x" * (15 * 1024 * 1024 + 1)}, 413),
    ],
)
def test_refused_uploads(client, changes, status):
    assert upload(client, **changes).status_code == status


def test_uploads_need_a_form(client):
    assert client.post("/files", json={}).status_code == 400
    assert client.post("/files", data={"purpose": "general"}).status_code == 400
    assert client.post("/files", files={"file": ("a", b"x", "text/plain")}).status_code == 400


def test_files_belong_to_the_client_id_and_the_account(client):
    headers = {"X-Client-ID": "one"}
    file_id = upload(client, headers=headers).json()["id"]
    denied = client.get(f"/files/{file_id}")
    assert (denied.status_code, denied.json()) == (
        403,
        {"status": 403, "message": f"Access to file '{file_id}' is denied"},
    )
    assert client.get(f"/files/{file_id}", headers=headers).status_code == 200
    assert client.get("/files").json() == {"data": []}
    client.sandbox.add_account()
    world = client.sandbox.world
    other = world.office.issue(world.new_account("GIGACHAT_API_PERS"), 60).value
    answer = client.get(f"/files/{file_id}", headers={**headers, "Authorization": f"Bearer {other}"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("model", "size"),
    [("Embeddings", 1024), ("Embeddings-2", 1024), ("EmbeddingsGigaR", 2560), ("GigaEmbeddings-3B-2025-09", 2048)],
)
def test_embeddings(client, model, size):
    body = client.post("/embeddings", json={"model": model, "input": ["a", "Hello, world!"]}).json()
    assert set(body) == {"object", "data", "model"}
    assert [(row["object"], row["index"], len(row["embedding"])) for row in body["data"]] == [
        ("embedding", 0, size),
        ("embedding", 1, size),
    ]
    assert [row["usage"] for row in body["data"]] == [{"prompt_tokens": 2}, {"prompt_tokens": 5}]
    again = client.post("/embeddings", json={"model": model, "input": "a"}).json()
    assert again["data"][0] == body["data"][0]
    assert again["data"][0]["embedding"] != body["data"][1]["embedding"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "GigaChat", "input": ["a"]}, 404),
        ({"model": "Embeddings"}, 400),
        ({"model": "Embeddings", "input": [1]}, 400),
        ({"model": "Embeddings", "input": [[1, 2]]}, 400),
        ({"model": "Embeddings", "input": []}, 422),
        ({"model": "Embeddings", "input": ""}, 422),
        ({"model": "Embeddings", "input": ["a"], "dimensions": 5}, 422),
        ({"model": "Embeddings", "input": ["a"], "encoding_format": "float"}, 422),
        ({"model": "Embeddings", "input": ["word " * 600]}, 413),
    ],
)
def test_refused_embeddings(client, body, status):
    assert client.post("/embeddings", json=body).status_code == status


def test_batches_may_be_limited(client):
    client.sandbox.knobs.max_batch = 2
    assert client.post("/embeddings", json={"model": "Embeddings", "input": ["a"] * 3}).status_code == 413


def test_models(client):
    body = client.get("/models").json()
    assert body["object"] == "list"
    assert body["data"][0] == {"id": "GigaChat", "object": "model", "owned_by": "salutedevices", "type": "chat"}
    assert client.get("/models/GigaChat").json() == body["data"][0]
    assert client.get("/models/x").json() == {"status": 404, "message": "No such model"}
    client.sandbox.knobs.missing_models = ["GigaChat-Pro"]
    assert client.chat(model="GigaChat-Pro").status_code == 404


def test_token_counts_are_a_bare_array(client):
    answer = client.post("/tokens/count", json={"model": "GigaChat", "input": ["First text", "Second text"]})
    assert answer.json() == [
        {"object": "tokens", "tokens": 2, "characters": 10},
        {"object": "tokens", "tokens": 2, "characters": 11},
    ]


def test_balance(client):
    assert client.get("/balance").json()["balance"][0] == {"usage": "GigaChat", "value": 900000}
    client.sandbox.knobs.balance_forbidden = True
    answer = client.get("/balance")
    assert (answer.status_code, answer.json()) == (403, {"status": 403, "message": "Permission denied"})


def test_function_check(client, weather):
    body = client.post("/functions/validate", json=weather).json()
    assert (body["message"], body["errors"]) == ("Function is valid", [])
    assert body["warnings"][0] == {"description": "few_shot_examples are missing", "schema_location": "(root)"}
    body = client.post("/functions/validate", json={"parameters": weather["parameters"]}).json()
    assert body["message"] == "Incorrect function syntax"
    assert body["errors"] == [{"description": "name is required", "schema_location": "(root)"}]


def test_ai_check(client):
    body = client.post("/ai/check", json={"model": "GigaCheckDetection", "input": "слово " * 20}).json()
    assert set(body) == {"category", "characters", "tokens", "ai_intervals"}
    assert client.post("/ai/check", json={"model": "GigaCheckDetection", "input": "мало"}).status_code == 400


def test_unknown_paths_are_the_proxys_html(client):
    answer = client.get("/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html")
