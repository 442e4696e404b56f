from __future__ import annotations

import json
import math

import pytest

from litellm_gigachat_provider.errors import BadAnswerError, InvalidRequestError
from litellm_gigachat_provider.transport import jsonio


@pytest.fixture(params=["orjson", "json"], autouse=True)
def library(request, monkeypatch):
    if request.param == "json":
        monkeypatch.setattr(jsonio, "_fast", lambda: None)
    elif jsonio._fast() is None:
        pytest.skip("orjson is not installed")


@pytest.mark.parametrize(
    "value", [{"a": "Привет", "b": [1, 2.5, None, True]}, [], "x", 2**70, {"n": 2**63}, {"n": -(2**63) - 1}]
)
def test_round_trip(value):
    assert json.loads(jsonio.encode(value)) == value


def test_decodes_what_it_encoded():
    value = {"a": "Привет", "b": [1, 2.5, None, True, {"c": ""}]}
    assert jsonio.decode(jsonio.encode(value)) == value


def test_cyrillic_is_written_as_it_is():
    assert jsonio.encode({"a": "Привет"}) == '{"a":"Привет"}'.encode()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"messages": [{"content": "ok"}, {"content": "\ud800"}]}, "messages[1].content"),
        ({"messages": [{"content": {1, 2}}]}, "messages[0].content"),
        ("\udfff", "request"),
        ({"\ud800": 1}, "request"),
    ],
)
def test_what_cannot_be_written_is_named(value, field):
    with pytest.raises(InvalidRequestError) as caught:
        jsonio.encode(value)
    assert caught.value.field == field
    assert caught.value.__cause__ is None


def test_deep_and_cyclic_values_are_refused():
    deep = value = []
    for _ in range(100_000):
        value.append([])
        value = value[0]
    cyclic = {}
    cyclic["self"] = cyclic
    for wrong in (deep, cyclic):
        with pytest.raises(InvalidRequestError):
            jsonio.encode(wrong)


def test_not_a_number_is_never_written():
    for value in (math.nan, math.inf):
        try:
            assert jsonio.encode({"a": value}) == b'{"a":null}'
        except InvalidRequestError as error:
            assert error.field == "a"


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"a":', b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_is_a_bad_answer(text):
    with pytest.raises(BadAnswerError):
        jsonio.decode(text)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_bank_account_number_keeps_its_tail(as_text):
    """orjson alone reads integers beyond 64 bits as floats."""
    text = '{"arguments": {"account": 40817810570000123456}}'
    assert jsonio.decode(text if as_text else text.encode()) == {"arguments": {"account": 40817810570000123456}}
