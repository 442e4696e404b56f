"""Structured output, required calls and stop strings, plain and streamed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import content, function, pieces, request

from litellm_gigachat_provider.answer.finish import (
    StreamFinisher,
    answer_to_deltas,
    beside,
    finish_answer,
    must_buffer,
)
from litellm_gigachat_provider.answer.stop import StopCutter
from litellm_gigachat_provider.errors import ModelOutputError
from litellm_gigachat_provider.types import (
    Answer,
    ChatRequest,
    Delta,
    FollowUp,
    MediaRef,
    RequiredCall,
    Structured,
    ToolCall,
    ToolChoice,
    Usage,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["city", "n"],
    "additionalProperties": False,
}
GOOD = '{"city": "Омск", "n": 3}'
PRETTY = '{\n    "city": "Омск",\n    "n": 3\n}'
STRICT = Structured("native", SCHEMA, strict=True)
LOOSE = Structured("native", SCHEMA)
PROMPT = Structured("prompt")
BY_CALL = Structured("function", SCHEMA, strict=True, function="answer")
LIST = Structured("native", {"type": "array", "items": {"type": "integer"}}, strict=True)


def text(reply: str, finish: str = "stop", **more: Any) -> Answer:
    return Answer(content=reply, finish_reason=finish, raw_finish_reason=finish, usage=Usage(5, 2), **more)


def call(name: str, arguments: Any, index: int = 0) -> ToolCall:
    return ToolCall(f"c{index}", name, json.dumps(arguments, ensure_ascii=False), index)


def calls(*told: ToolCall) -> Answer:
    return Answer(
        tool_calls=list(told), finish_reason="tool_calls", raw_finish_reason="function_call", usage=Usage(5, 2)
    )


def finished(answer: Answer, asked: ChatRequest) -> Answer:
    outcome = finish_answer(answer, asked)
    assert isinstance(outcome, Answer)
    return outcome


def streamed(parts: list[str], asked: ChatRequest, finish: str = "stop") -> list[Delta]:
    finisher = StreamFinisher(asked)
    out = [delta for part in parts for delta in finisher.feed([Delta(content=part)])]
    out += finisher.feed([Delta(finish_reason=finish, raw_finish_reason=finish, usage=Usage(5, 2))])
    return out + finisher.end()


def test_nothing_asked_nothing_done() -> None:
    answer, deltas = text("x"), [Delta(content="x")]
    assert finish_answer(answer, request()) is answer
    assert StreamFinisher(request()).feed(deltas) is deltas


# --- text that was to be JSON ------------------------------------------------------------------------

FENCE = "```json\n" + PRETTY + "\n```"
REPAIRED = [
    (GOOD, GOOD),
    (PRETTY, PRETTY),
    ("\ufeff" + GOOD, GOOD),
    (f"\n {GOOD} \n", GOOD),
    (FENCE, PRETTY),
    (f"Вот ответ:\n{FENCE}\nНадеюсь, помог [да]!", PRETTY),
    (f"```\n{GOOD}\n```", GOOD),
    (f"Ответ: {GOOD}. Готово {{правда}}.", GOOD),
    (f"{GOOD}\n\nГотово.", GOOD),
    (f'{{"note": 1}} потом {GOOD}', GOOD),
    (f"{GOOD} и ещё раз {PRETTY}", GOOD),
]


@pytest.mark.parametrize(("reply", "expected"), REPAIRED)
def test_json_is_found_where_it_is_unambiguous(reply: str, expected: str) -> None:
    assert finished(text(reply), request(structured=STRICT)).content == expected


@pytest.mark.parametrize(("reply", "expected"), [pair for pair in REPAIRED if not pair[0].startswith('{"note"')])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_streamed_json_is_the_same(reply: str, expected: str, size: int) -> None:
    parts = [reply[start : start + size] for start in range(0, len(reply), size)]
    assert content(streamed(parts, request(structured=STRICT))) == expected


def test_clean_json_streams_as_it_comes() -> None:
    deltas = streamed(['{"city": "О', 'мск", "n"', ": 3}", "\n"], request(structured=STRICT))
    assert [delta.content for delta in deltas] == ['{"city": "О', 'мск", "n"', ": 3}", None, None]


@pytest.mark.parametrize(
    "reply", ["Не знаю.", "", '{"city": "Омск", "n": ', "[1] {x}", '{"a": NaN}', '{"a":1} {"a":2}']
)
@pytest.mark.parametrize("structured", [STRICT, LOOSE, PROMPT], ids=["strict", "loose", "json_object"])
def test_no_json_is_an_error(reply: str, structured: Structured) -> None:
    if reply == "[1] {x}" and structured is not STRICT:
        pytest.skip("an array is JSON")
    with pytest.raises(ModelOutputError) as caught:
        finish_answer(text(reply), request(structured=structured))
    assert caught.value.schema == structured.schema
    with pytest.raises(ModelOutputError):
        streamed([reply], request(structured=structured))


def test_broken_schema_is_an_error_only_with_strict() -> None:
    broken = '{"city": "Омск"}'
    assert finished(text(broken), request(structured=LOOSE)).content == broken
    with pytest.raises(ModelOutputError, match="'n' is a required property") as caught:
        finish_answer(text(broken), request(structured=STRICT))
    assert (caught.value.schema, caught.value.raw) == (SCHEMA, broken)
    with pytest.raises(ModelOutputError, match="breaks the JSON schema"):
        streamed([broken], request(structured=STRICT))


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_reply_that_was_cut_short_passes_as_it_is(finish: str) -> None:
    answer = finished(text('{"city": "Ом', finish), request(structured=STRICT))
    assert (answer.content, answer.finish_reason) == ('{"city": "Ом', finish)
    deltas = streamed(['{"ci', 'ty": "Ом'], request(structured=STRICT), finish)
    assert (content(deltas), deltas[-1].finish_reason) == ('{"city": "Ом', finish)
    assert content(streamed(["Не", "льзя"], request(structured=STRICT), finish)) == "Нельзя"


def test_a_call_of_the_callers_tool_is_not_checked() -> None:
    answer = calls(call("f", {}))
    assert finished(answer, request(structured=STRICT)).tool_calls == [call("f", {})]


def test_arrays_and_a_schema_that_cannot_be_judged_by() -> None:
    assert content(streamed(["[1", ", 2]"], request(structured=LIST))) == "[1, 2]"
    remote = Structured("native", {"$ref": "https://example.invalid/schema.json"}, strict=True)
    assert finished(text("{}"), request(structured=remote)).content == "{}"
    nonsense = Structured("native", {"type": "nonsense"}, strict=True)
    assert finished(text("{}"), request(structured=nonsense)).content == "{}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.booleans(), st.lists(st.integers(0, 300)), st.data()
)
def test_any_object_streams_whole(value: dict[str, Any], pretty: bool, cuts: list[int], data: st.DataObject) -> None:
    reply = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=2 if pretty else None)
    before, after = data.draw(
        st.sampled_from([("", ""), ("\n", " \n"), ("```json\n", "\n```"), ("Так: ", ""), ("", " Всё.")])
    )
    asked = request(structured=PROMPT)
    assert content(streamed(pieces(before + reply + after, cuts), asked)) == reply
    assert finished(text(before + reply + after), asked).content == reply


# --- structured output by a forced function ----------------------------------------------------------


def test_the_schema_functions_arguments_become_content() -> None:
    answer = finished(calls(call("answer", {"city": "Омск", "n": 3})), request(structured=BY_CALL))
    assert (answer.content, answer.tool_calls, answer.finish_reason) == ('{"city":"Омск","n":3}', [], "stop")


def test_wrapped_values_are_unwrapped() -> None:
    wrapped = Structured(
        "function", {"type": "array", "items": {"type": "integer"}}, True, function="answer", wrap="value"
    )
    asked = request(structured=wrapped)
    assert finished(calls(call("answer", {"value": [1, 2]})), asked).content == "[1,2]"
    with pytest.raises(ModelOutputError, match="'value'"):
        finish_answer(calls(call("answer", {})), asked)


def test_arguments_that_break_a_strict_schema() -> None:
    with pytest.raises(ModelOutputError, match="breaks the JSON schema"):
        finish_answer(calls(call("answer", {"city": 1, "n": 3})), request(structured=BY_CALL))


def test_a_real_call_passes_and_is_kept_beside_the_answer() -> None:
    asked = request(structured=BY_CALL)
    assert finished(calls(call("f", {})), asked).tool_calls == [call("f", {})]
    both = finished(calls(call("answer", {"city": "a", "n": 1}), call("f", {}, 1)), asked)
    assert (both.content, both.finish_reason) == ('{"city":"a","n":1}', "tool_calls")
    assert [(c.name, c.index) for c in both.tool_calls] == [("f", 0)]


def test_text_instead_of_the_call() -> None:
    asked = request(structured=BY_CALL, functions=(function("f"), function("answer", "city", "n")))
    assert finished(text(FENCE), asked).content == PRETTY
    for reply in ("Готово", '{"city": 1}'):
        assert finish_answer(text(reply), asked) == FollowUp(asked.functions[1], Answer(usage=Usage(5, 2)))
    assert finished(text("{", "length"), asked).content == "{"


def test_streamed_function_mode_gives_one_content_delta() -> None:
    asked = request(structured=BY_CALL, functions=(function("answer", "city", "n"),))
    assert must_buffer(asked)
    finisher = StreamFinisher(asked)
    told = calls(call("answer", {"city": "Омск", "n": 3}))
    out = [delta for delta in answer_to_deltas(told) for delta in finisher.feed([delta])]
    assert (content(out), out[-1].finish_reason, out[-1].tool_calls) == ('{"city":"Омск","n":3}', "stop", [])
    with pytest.raises(ModelOutputError):
        StreamFinisher(asked).feed(answer_to_deltas(text("нет")))


# --- tool_choice="required" with several tools -------------------------------------------------------

TOOLS = (function("get_weather", "city"), function("now"))
CHOOSER = function("call_tool", "tool")
REQUIRED = request(
    functions=TOOLS,
    tool_choice=ToolChoice("auto"),
    names={"get_weather": "get weather"},
    required=RequiredCall(CHOOSER, "tool", TOOLS),
)
FORCED = replace(REQUIRED, functions=(CHOOSER,), tool_choice=ToolChoice("forced", "call_tool"))


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_words_alone_are_followed_by_the_forced_chooser(finish: str) -> None:
    answer = text("Сейчас узнаю", finish)
    assert finish_answer(answer, REQUIRED) == FollowUp(CHOOSER, answer)
    with pytest.raises(ModelOutputError, match="required"):
        finish_answer(text("Сейчас узнаю"), FORCED)
    assert finished(text("Сейчас", "length"), FORCED).finish_reason == "length"


@pytest.mark.parametrize("asked", [REQUIRED, FORCED])
def test_a_call_of_the_models_own_or_a_refusal_by_the_filter_is_taken(asked: ChatRequest) -> None:
    assert finished(calls(call("now", {}), call("get weather", {}, 1)), asked).tool_calls == [
        call("now", {}), call("get weather", {}, 1),
    ]  # fmt: skip
    assert finished(text("нельзя", "content_filter"), asked).content == "нельзя"


def test_a_stop_string_cuts_the_words_and_not_the_required_call() -> None:
    asked = replace(REQUIRED, stop=("Observation:",))
    answer = calls(call("now", {}))
    answer.content = "Смотрю. Observation: 12"
    told = finished(answer, asked)
    assert (told.content, told.tool_calls, told.finish_reason) == ("Смотрю. ", [call("now", {})], "tool_calls")
    out = streamed_required(asked, ["Смотрю. Obser", "vation: 12"], [call("now", {})], "tool_calls")
    assert content(out) == "Смотрю. "
    assert (out[-1].tool_calls, out[-1].finish_reason) == ([call("now", {})], "tool_calls")


def streamed_required(asked: ChatRequest, parts: list[str], told: list[ToolCall], finish: str) -> list[Delta]:
    finisher = StreamFinisher(asked)
    out = [delta for part in parts for delta in finisher.feed([Delta(content=part)])]
    assert finisher.follow_up is None
    assert not finisher.stopped
    out += finisher.feed([Delta(tool_calls=told, finish_reason=finish, usage=Usage(5, 2))])
    assert (finisher.follow_up is None) is (bool(told) or finish == "content_filter")
    if finisher.follow_up is not None:
        said = Answer(content=content(out), reasoning="", usage=Usage(5, 2))
        assert finisher.follow_up == FollowUp(CHOOSER, said)
    return out


def test_a_stream_without_the_required_call_has_no_finish_yet() -> None:
    for finish in ("stop", "length"):
        assert [delta.finish_reason for delta in streamed_required(REQUIRED, ["а", "б"], [], finish)] == [None] * 3
    assert streamed_required(REQUIRED, ["нельзя"], [], "content_filter")[-1].finish_reason == "content_filter"


def test_what_was_said_stands_beside_what_follows() -> None:
    mine, yours = MediaRef("a"), MediaRef("b")
    cited = {"type": "url_citation"}
    first = text("раз", reasoning="мысль", media=[mine], annotations=[cited], extra={"a": 1, "b": 1}, created=1)
    second = text("два", reasoning="ещё", media=[yours], extra={"b": 2}, created=2)
    both = beside(first, second)
    assert (both.content, both.reasoning, both.created) == ("раз\n\nдва", "мысль\n\nещё", 1)
    assert (both.media, both.annotations, both.extra) == ([mine, yours], [cited], {"a": 1, "b": 2})
    assert both.usage == Usage(10, 4)
    assert beside(text("раз"), calls(call("now", {}))).content == "раз"
    assert beside(text(""), calls(call("now", {}))).content is None


@pytest.mark.parametrize(
    ("arguments", "name", "inner"),
    [
        ({"tool": "get_weather", "get_weather": {"city": "Омск"}}, "get weather", '{"city":"Омск"}'),
        ({"tool": "get weather", "get_weather": {"city": "Омск"}}, "get weather", '{"city":"Омск"}'),
        ({"tool": "get_weather", "get_weather": '{"city": "Омск"}'}, "get weather", '{"city":"Омск"}'),
        ({"tool": "now"}, "now", "{}"),
        ({"get_weather": {"city": "Омск"}}, "get weather", '{"city":"Омск"}'),
        ({"tool": "?", "now": {}}, "now", "{}"),
    ],
)
def test_required_call_is_unwrapped(arguments: Any, name: str, inner: str) -> None:
    answer = finished(calls(call("call_tool", arguments)), FORCED)
    assert answer.tool_calls == [ToolCall("c0", name, inner, 0)]
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize("arguments", [{"tool": "get_weather"}, {"tool": "get_weather", "get_weather": "Омск"}])
def test_required_call_without_its_arguments_is_asked_again(arguments: Any) -> None:
    answer = calls(call("call_tool", arguments))
    assert finish_answer(answer, FORCED) == FollowUp(TOOLS[0], answer)


def test_every_call_of_the_chooser_is_unwrapped() -> None:
    told = calls(call("call_tool", {"tool": "now"}), call("call_tool", {"now": {"x": 1}}, 1))
    assert [(c.name, c.arguments, c.index) for c in finished(told, FORCED).tool_calls] == [
        ("now", "{}", 0), ("now", '{"x":1}', 1),
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [calls(call("call_tool", {})), calls(call("call_tool", {"tool": "x"})), text("no")])
def test_required_call_that_chose_nothing(answer: Answer) -> None:
    with pytest.raises(ModelOutputError, match="required"):
        finish_answer(answer, FORCED)


# --- stop strings -------------------------------------------------------------------------------------


def test_stop_cuts_the_text_and_nothing_else() -> None:
    asked = request(stop=("END", "\n\n"))
    answer = finished(text("один\n\nдва END", reasoning="END"), asked)
    assert (answer.content, answer.reasoning, answer.finish_reason, answer.raw_finish_reason) == (
        "один",
        "END",
        "stop",
        None,
    )
    assert finished(text("один", "length"), asked).finish_reason == "length"
    told = calls(call("f", {"x": "END"}))
    assert finished(told, asked).tool_calls == [call("f", {"x": "END"})]


def test_stop_in_a_stream() -> None:
    finisher = StreamFinisher(request(stop=("СТОП",)))
    out = finisher.feed(
        [Delta(content="раз СТ"), Delta(content="ОЛ СТО"), Delta(content="П два"), Delta(content="три")]
    )
    assert [delta.content for delta in out] == ["раз ", "СТОЛ ", None]
    assert (out[-1].finish_reason, finisher.stopped) == ("stop", True)
    assert finisher.feed([Delta(content="x")]) == []


def test_what_was_held_back_comes_with_the_finish() -> None:
    deltas = streamed(["раз СТО"], request(stop=("СТОП",)))
    assert [delta.content for delta in deltas] == ["раз ", "СТО"]
    assert deltas[-1].finish_reason == "stop"


def test_stop_and_json() -> None:
    asked = request(structured=STRICT, stop=("}",))
    assert finished(text(GOOD), asked).content == GOOD[:-1]
    assert content(streamed([GOOD], asked)) == GOOD[:-1]


LETTERS = st.text(alphabet="abЖ😀", max_size=20)


@given(
    LETTERS,
    st.lists(st.text(alphabet="abЖ😀", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 60)),
)
def test_stop_is_exact_however_the_text_is_split(reply: str, stops: list[str], cuts: list[int]) -> None:
    cutter = StopCutter(stops)
    given_out = ""
    for part in pieces(reply, cuts):
        given_out += cutter.feed(part)
    given_out += cutter.end()
    found = [reply.find(stop) for stop in stops if stop in reply]
    assert given_out == reply[: min(found, default=len(reply))]
    assert cutter.stopped is bool(found)


@given(LETTERS, st.text(alphabet="abЖ😀", min_size=1, max_size=4))
def test_stop_holds_back_no_more_than_it_must(reply: str, stop: str) -> None:
    cutter = StopCutter([stop])
    out = cutter.feed(reply)
    if not cutter.stopped:
        held = reply[len(out) :]
        assert len(held) < len(stop)
        assert stop.startswith(held)
