"""Answers of ``/batches`` and result files, in the shapes that are known and their kin."""

from __future__ import annotations

import pytest

from litellm_gigachat_provider.contracts.batches import read_batch, read_batches, read_results, result_body
from litellm_gigachat_provider.errors import BadAnswerError, HttpFailureError

ONE = {"id": "b", "status": "in_progress", "request_counts": {"total": 3, "completed": 1}, "news": 1}
READ = {
    "id": "b",
    "status": "in_progress",
    "request_counts": {"total": 3, "completed": 1, "failed": 0},
    "output_file_id": None,
    "created_at": 0,
    "news": 1,
}


@pytest.mark.parametrize("answer", [ONE, [ONE], {"batches": [ONE]}, {"batches": [{"id": "a"}, ONE]}])
def test_one_batch(answer):
    assert read_batch(answer, "b") == READ


@pytest.mark.parametrize("answer", [{"batches": []}, [{"id": "a"}]])
def test_a_batch_that_is_not_there(answer):
    with pytest.raises(HttpFailureError, match="404 to a batch request: Batch task not found"):
        read_batch(answer, "b")


@pytest.mark.parametrize("answer", [None, "x", {}, [1], {"batches": None}, {"batches": [{"status": "created"}]}])
def test_other_shapes(answer):
    with pytest.raises(BadAnswerError, match="batches"):
        read_batches(answer)


def test_result_files():
    rows = {"1": {"id": "1", "result": {}}, "2": {"id": 2, "result": {}}}
    assert read_results(b'{"id":"1","result":{}}\r\n\n<html>\n7\n{"id":2,"result":{}}\n') == rows
    assert read_results(b'[{"id":"1","result":{}},\n{"id":2,"result":{}}]') == rows
    assert read_results(b"") == {}


@pytest.mark.parametrize(
    "row",
    [
        {"result": {"choices": []}, "error": None},
        {"response": {"choices": []}},
        {"response": {"status_code": 200, "body": {"choices": []}}},
    ],
)
def test_results(row):
    assert result_body(row, "chat") == {"choices": []}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"error": {"status": 404, "message": "No such model"}}, 404),
        ({"error": {"code": 422, "message": "No such model"}, "result": None}, 422),
        ({"error": "No such model"}, 500),
    ],
)
def test_errors(row, status):
    with pytest.raises(HttpFailureError, match="No such model") as failure:
        result_body(row, "embeddings")
    assert (failure.value.status, failure.value.where) == (status, "embeddings")


@pytest.mark.parametrize("row", [None, {"id": "1"}, {"result": "text"}, {"error": {"text": "odd"}, "result": {}}])
def test_no_result(row):
    with pytest.raises(BadAnswerError, match="result file"):
        result_body(row, "chat")
