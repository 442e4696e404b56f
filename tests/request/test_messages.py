"""OpenAI's conversations become histories that keep GigaChat's rules; each case is the exact list sent."""

from __future__ import annotations

import copy

import litellm
import pytest
from request_helpers import MODEL, PNG, STATE, assistant, body, call, read, result, sent

from litellm_gigachat_provider import ids
from litellm_gigachat_provider.errors import InvalidRequestError

USER = {"role": "user", "content": "q"}
OK = '{"ok": true}'
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
IMAGE_ID = "id-of-url:https://example.org/a.png"
URL_B = {"type": "image_url", "image_url": "https://example.org/b.png"}
B_ID = "id-of-url:https://example.org/b.png"
FILE_ID = "0a1b2c3d-0000-4000-8000-00000000000a"
NAMED = {"type": "file", "file": {"file_id": "file-1", "filename": "a\nb.txt"}}
AGAIN = {"role": "user", "content": "again"}
FROM_ANSWER = "This is {}, from your answer before this."
FROM_F = "This is {}, from the result of the tool f."


def text(value):
    return {"type": "text", "text": value}


def fn(content=OK, name="f"):
    return {"role": "function", "name": name, "content": content}


def called(arguments=None, name="f", content="", **more):
    return {
        "role": "assistant",
        "content": content,
        "function_call": {"name": name, "arguments": arguments or {}},
        **more,
    }


def drawn(*kinds):
    """What this package's answers say of files the model made."""
    return {"media": [{"file_id": FILE_ID, "kind": kind, "mime": None} for kind in kinds]}


CASES = {
    "text as it is": ([USER], [USER]),
    "parts are joined by line breaks": (
        [{"role": "user", "content": [text("a"), {**text("b"), "cache_control": {"type": "ephemeral"}}]}],
        [{"role": "user", "content": "a\nb"}],
    ),
    "leading system and developer messages become one": (
        [{"role": "system", "content": "a"}, {"role": "developer", "content": [text("b")]}, USER],
        [{"role": "system", "content": "a\nb"}, USER],
    ),
    "a later system message is user text": (
        [
            USER,
            {"role": "assistant", "content": "x"},
            {"role": "system", "content": "s"},
            {"role": "user", "content": "r"},
        ],
        [USER, {"role": "assistant", "content": "x"}, {"role": "user", "content": "s\nr"}],
    ),
    "a lone system message is user text": ([{"role": "system", "content": "s"}], [{"role": "user", "content": "s"}]),
    "an empty system message says nothing": ([{"role": "system", "content": ""}, USER], [USER]),
    "null content": ([{"role": "user", "content": None}], [{"role": "user", "content": ""}]),
    "missing content": ([{"role": "user"}], [{"role": "user", "content": ""}]),
    "neighbours of one role are joined": (
        [
            USER,
            {"role": "user", "content": "r"},
            {"role": "assistant", "content": "x"},
            {"role": "assistant", "content": "y"},
        ],
        [{"role": "user", "content": "q\nr"}, {"role": "assistant", "content": "x\ny"}],
    ),
    "names and unknown keys are left out": (
        [
            {"role": "user", "content": "q", "name": "ann", "extra": 1},
            {"role": "assistant", "content": "x", "reasoning_content": "r"},
        ],
        [USER, {"role": "assistant", "content": "x"}],
    ),
    "an assistant with nothing to say disappears": (
        [USER, {"role": "assistant", "content": None}, {"role": "user", "content": "r"}],
        [{"role": "user", "content": "q\nr"}],
    ),
    "thoughts of the assistant stay out, refusals stay in": (
        [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "t"}, {"type": "refusal", "refusal": "no"}],
            },
        ],
        [USER, {"role": "assistant", "content": "no"}],
    ),
    "one call and its result": (
        [USER, assistant(call("a", arguments='{"x": 1}')), result("a", "sunny")],
        [USER, called({"x": 1}), fn('{"result": "sunny"}')],
    ),
    "calls with text are never joined": (
        [USER, {"role": "assistant", "content": "t"}, assistant(call("a"), content="u"), result("a")],
        [USER, {"role": "assistant", "content": "t"}, called(content="u"), fn()],
    ),
    "several calls of one turn are unfolded, the text on the first": (
        [USER, assistant(call("a"), call("b", "g", '{"y": 2}'), content="t"), result("b", "2"), result("a", "1")],
        [USER, called(content="t"), fn('{"result": 1}'), called({"y": 2}, "g"), fn('{"result": 2}', "g")],
    ),
    "equal ids in one turn are answered in order": (
        [USER, assistant(call("a"), call("a", "g")), result("a", "1"), result("a", "2")],
        [USER, called(), fn('{"result": 1}'), called(name="g"), fn('{"result": 2}', "g")],
    ),
    "an id used again in a later turn": (
        [USER, assistant(call("a")), result("a", "1"), assistant(call("a", "g")), result("a", "2")],
        [USER, called(), fn('{"result": 1}'), called(name="g"), fn('{"result": 2}', "g")],
    ),
    "a result behind a user message goes to its call": (
        [USER, assistant(call("a")), {"role": "user", "content": "r"}, result("a")],
        [USER, called(), fn(), {"role": "user", "content": "r"}],
    ),
    "the only open call gets a result without id": (
        [USER, assistant(call("a")), {"role": "tool", "content": OK}],
        [USER, called(), fn()],
    ),
    "legacy functions are paired by name": (
        [USER, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}, fn("5")],
        [USER, called(), fn('{"result": 5}')],
    ),
    "the state id comes back out of the call id": (
        [USER, assistant(call(ids.call_id(STATE, 0, ""))), result(ids.call_id(STATE, 0, ""))],
        [USER, called(functions_state_id=STATE), fn()],
    ),
    "the state id comes back behind a gateway's prefix": (
        [USER, assistant(call("fc_" + ids.call_id(STATE, 1, ""))), result("fc_" + ids.call_id(STATE, 1, ""))],
        [USER, called(functions_state_id=STATE), fn()],
    ),
    "foreign ids are no state ids": (
        [USER, assistant(call(STATE)), result(STATE)],
        [USER, called(), fn()],
    ),
    "a state id kept beside the message": (
        [USER, {"role": "assistant", "content": "x", "provider_specific_fields": {"functions_state_id": STATE}}],
        [USER, {"role": "assistant", "content": "x", "functions_state_id": STATE}],
    ),
    "prefilled assistant text stays last": (
        [USER, {"role": "assistant", "content": "Once"}],
        [USER, {"role": "assistant", "content": "Once"}],
    ),
    "one image": (
        [{"role": "user", "content": [text("q"), IMAGE]}],
        [{"role": "user", "content": "q", "attachments": [IMAGE_ID]}],
    ),
    "surplus images go into messages of their own": (
        [{"role": "user", "content": [text("q"), IMAGE, URL_B]}],
        [
            {"role": "user", "content": "q", "attachments": [IMAGE_ID]},
            {"role": "user", "content": "", "attachments": [B_ID]},
        ],
    ),
    "text before an image stays with it": (
        [{"role": "user", "content": [text("first"), IMAGE, text("second"), URL_B, text("compare")]}],
        [
            {"role": "user", "content": "first", "attachments": [IMAGE_ID]},
            {"role": "user", "content": "second\ncompare", "attachments": [B_ID]},
        ],
    ),
    "two user messages with an image each are not joined": (
        [{"role": "user", "content": [text("a"), IMAGE]}, {"role": "user", "content": [text("b"), URL_B]}],
        [
            {"role": "user", "content": "a", "attachments": [IMAGE_ID]},
            {"role": "user", "content": "b", "attachments": [B_ID]},
        ],
    ),
    "an image out of a tool goes behind the results": (
        [USER, assistant(call("a")), result("a", [text("shot"), IMAGE]), {"role": "user", "content": "what is it?"}],
        [
            USER,
            called(),
            fn('{"result": "shot", "files": ["image 1"]}'),
            {"role": "user", "content": FROM_F.format("image 1") + "\nwhat is it?", "attachments": [IMAGE_ID]},
        ],
    ),
    "files out of tools are named in the results and where they are attached": (
        [
            USER,
            assistant(call("a"), call("b", "g")),
            result("a", [IMAGE]),
            result("b", [text('{"ok": true}'), NAMED, URL_B]),
            assistant(call("c")),
            result("c", [text('{"files": 2}'), IMAGE]),
        ],
        [
            USER,
            called(),
            fn('{"files": ["image 1"]}'),
            called(name="g"),
            fn('{"ok": true, "files": ["document 2 (a b.txt)", "image 3"]}', "g"),
            {"role": "user", "content": FROM_F.format("image 1"), "attachments": [IMAGE_ID]},
            {
                "role": "user",
                "content": "This is document 2 (a b.txt), from the result of the tool g.",
                "attachments": ["file-1"],
            },
            {
                "role": "user",
                "content": "This is image 3, from the result of the tool g.",
                "attachments": [B_ID],
            },
            called(),
            fn('{"result": {"files": 2}, "files": ["image 4"]}'),
            {"role": "user", "content": FROM_F.format("image 4"), "attachments": [IMAGE_ID]},
        ],
    ),
    "references to tools that were searched for are their names": (
        [
            USER,
            assistant(call("a"), call("b")),
            result("a", [{"type": "tool_reference", "tool_name": "get_weather"}]),
            result("b", [text("found"), {"type": "tool_reference", "tool_name": "g"}, {"type": "tool_reference"}]),
        ],
        [USER, called(), fn('{"result": "Tool: get_weather"}'), called(), fn('{"result": "found\\nTool: g"}')],
    ),
    "the transcript of an answer in sound is its text": (
        [USER, {"role": "assistant", "content": None, "audio": {"id": "audio_1", "transcript": "said"}}, AGAIN],
        [USER, {"role": "assistant", "content": "said"}, AGAIN],
    ),
    "words that stand twice are sent once, others all": (
        [
            USER,
            {"role": "assistant", "content": "said", "refusal": "no", "audio": {"id": "a", "transcript": "said"}},
            AGAIN,
            {"role": "assistant", "content": "x", "audio": {"id": "a"}},
        ],
        [USER, {"role": "assistant", "content": "said\nno"}, AGAIN, {"role": "assistant", "content": "x"}],
    ),
    "thoughts alone keep their turn": (
        [
            USER,
            {"role": "assistant", "content": None, "reasoning_content": "r"},
            AGAIN,
            {"role": "assistant", "content": "", "thinking_blocks": [{"type": "thinking", "thinking": "t"}]},
            AGAIN,
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "u"}]},
            AGAIN,
            {"role": "assistant", "reasoning": "v"},
            AGAIN,
        ],
        [
            USER,
            {"role": "assistant", "content": "r"},
            AGAIN,
            {"role": "assistant", "content": "t"},
            AGAIN,
            {"role": "assistant", "content": "u"},
            AGAIN,
            {"role": "assistant", "content": "v"},
            AGAIN,
        ],
    ),
    "thoughts nobody can read keep their turn": (
        [
            part
            for hidden in (
                {"content": [{"type": "redacted_thinking", "data": "x"}]},
                {"content": "", "thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]},
                {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "x"}]},
                {"provider_specific_fields": {"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}},
                {"reasoning_items": [{"type": "reasoning", "summary": [], "encrypted_content": "x"}]},
                {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
                {"content": {"type": "reasoning", "encrypted_content": "x"}},
            )
            for part in (USER, {"role": "assistant", "content": None, **hidden})
        ],
        [USER, {"role": "assistant", "content": "[hidden thoughts]"}] * 7,
    ),
    "a summary of thoughts is read": (
        [USER, {"role": "assistant", "reasoning_items": [{"summary": [{"type": "summary_text", "text": "r"}]}]}, AGAIN],
        [USER, {"role": "assistant", "content": "r"}, AGAIN],
    ),
    "thoughts nobody can read stay out beside words and calls": (
        [
            USER,
            {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}, text("x")]},
            AGAIN,
            {**assistant(call("a")), "thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]},
            result("a"),
        ],
        [USER, {"role": "assistant", "content": "x"}, AGAIN, called(), fn()],
    ),
    "drawings known by their ids only": (
        [
            USER,
            {"role": "assistant", "content": None, "provider_specific_fields": drawn("image", "image")},
            AGAIN,
            {"role": "assistant", "content": "here", "provider_specific_fields": drawn("image")},
            AGAIN,
            {"role": "assistant", "content": "", "images": [URL_B], "provider_specific_fields": drawn("image")},
            AGAIN,
        ],
        [
            USER,
            {"role": "assistant", "content": "[image 1]\n[image 2]"},
            {"role": "user", "content": FROM_ANSWER.format("image 1"), "attachments": [FILE_ID]},
            {"role": "user", "content": FROM_ANSWER.format("image 2") + "\nagain", "attachments": [FILE_ID]},
            {"role": "assistant", "content": "here"},
            {"role": "user", "content": FROM_ANSWER.format("image 3") + "\nagain", "attachments": [FILE_ID]},
            {"role": "assistant", "content": "[image 4]"},
            {"role": "user", "content": FROM_ANSWER.format("image 4") + "\nagain", "attachments": [B_ID]},
        ],
    ),
    "a drawing beside a call, known by its id": (
        [USER, {**assistant(call("a")), "provider_specific_fields": drawn("image")}, result("a"), AGAIN],
        [
            USER,
            called(),
            fn(),
            {"role": "user", "content": FROM_ANSWER.format("image 1") + "\nagain", "attachments": [FILE_ID]},
        ],
    ),
    "what was made and is no picture is named": (
        [
            USER,
            {"role": "assistant", "content": "", "provider_specific_fields": drawn("video", "model3d")},
            AGAIN,
            {"role": "assistant", "content": "here", "provider_specific_fields": drawn("file")},
            AGAIN,
            {"role": "assistant", "content": "", "provider_specific_fields": {"media": ["x", {"id": "of another"}]}},
            AGAIN,
        ],
        [
            USER,
            {"role": "assistant", "content": "[video]\n[model3d]"},
            AGAIN,
            {"role": "assistant", "content": "here\n[file]"},
            {"role": "user", "content": "again\nagain"},
        ],
    ),
    "thoughts beside a call stay out": (
        [USER, {**assistant(call("a")), "reasoning_content": "r"}, result("a")],
        [USER, called(), fn()],
    ),
    "pictures of an answer go into the user turn behind it": (
        [
            USER,
            {"role": "assistant", "content": None, "images": [{**IMAGE, "index": 0}]},
            AGAIN,
            {"role": "assistant", "content": "here", "images": ["https://example.org/b.png"]},
        ],
        [
            USER,
            {"role": "assistant", "content": "[image 1]"},
            {"role": "user", "content": FROM_ANSWER.format("image 1") + "\nagain", "attachments": [IMAGE_ID]},
            {"role": "assistant", "content": "here"},
            {"role": "user", "content": FROM_ANSWER.format("image 2"), "attachments": [B_ID]},
        ],
    ),
    "pictures of an answer with a call, and of its result": (
        [USER, {**assistant(call("a")), "images": [URL_B]}, result("a", [IMAGE]), AGAIN],
        [
            USER,
            called(),
            fn('{"files": ["image 2"]}'),
            {"role": "user", "content": FROM_ANSWER.format("image 1"), "attachments": [B_ID]},
            {"role": "user", "content": FROM_F.format("image 2") + "\nagain", "attachments": [IMAGE_ID]},
        ],
    ),
    "a file of a legacy function": (
        [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            fn([IMAGE]),
        ],
        [
            USER,
            called(),
            fn('{"files": ["image 1"]}'),
            {"role": "user", "content": FROM_F.format("image 1"), "attachments": [IMAGE_ID]},
        ],
    ),
    "NUL is text": ([{"role": "user", "content": "a\x00b"}], [{"role": "user", "content": "a\x00b"}]),
}


@pytest.mark.parametrize("name", CASES)
def test_v1_messages(name):
    messages, expected = CASES[name]
    before = copy.deepcopy(messages)
    assert sent(messages) == expected
    assert messages == before


REFUSED = {
    "not a list": ("hello", "messages"),
    "one message": ({"role": "user", "content": "q"}, "messages"),
    "empty": ([], "messages"),
    "only an empty assistant": ([{"role": "assistant", "content": ""}], "messages"),
    "an answer in sound of which only the id is there": (
        [USER, {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}, USER],
        "messages[1].audio",
    ),
    "an answer's picture that is none": (
        [USER, {"role": "assistant", "content": "x", "images": [{"type": "image_url", "image_url": {}}]}, USER],
        "messages[1].images[0].image_url",
    ),
    "not a message": ([USER, 5], "messages[1]"),
    "unknown role": ([{"role": "critic", "content": "q"}], "messages[0].role"),
    "role of a wrong type": ([{"role": ["user"], "content": "q"}], "messages[0].role"),
    "content is a number": ([{"role": "user", "content": 5}], "messages[0].content"),
    "surrogate": ([{"role": "user", "content": "a\ud800"}], "messages[0].content"),
    "unknown part": ([{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}], "messages[0].content[0]"),
    "text without text": ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
    "image in a system message": ([{"role": "system", "content": [IMAGE]}], "messages[0].content[0].image_url"),
    "call without a result at the end": ([USER, assistant(call("a"))], "messages[1].tool_calls[0].function"),
    "call without a result in the middle": (
        [USER, assistant(call("a"), call("b")), result("a"), {"role": "user", "content": "r"}],
        "messages[1].tool_calls[1].function",
    ),
    "result without a call": ([USER, result("a")], "messages[1].tool_call_id"),
    "a second result": ([USER, assistant(call("a")), result("a"), result("a")], "messages[3].tool_call_id"),
    "a result that fits two calls": (
        [USER, assistant(call("a"), call("b")), {"role": "tool", "content": "x"}],
        "messages[2]",
    ),
    "legacy result without a call": ([USER, fn()], "messages[1]"),
    "arguments are no JSON": (
        [USER, assistant(call("a", arguments="{x"))],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments are a list": (
        [USER, assistant(call("a", arguments="[1]"))],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments hold NaN": (
        [USER, assistant(call("a", arguments='{"x": NaN}'))],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments hold an infinity": (
        [USER, assistant(call("a", arguments='{"x": 1e999}'))],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments are deep": (
        [USER, assistant(call("a", arguments='{"x":' * 5000 + "1" + "}" * 5000))],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "a call without a name": ([USER, assistant(call("a", ""))], "messages[1].tool_calls[0].function.name"),
    "a call of another type": (
        [USER, {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {}}]}],
        "messages[1].tool_calls[0].type",
    ),
    "tool calls are no list": ([USER, {"role": "assistant", "tool_calls": "x"}], "messages[1].tool_calls"),
    "eleven images": ([{"role": "user", "content": [IMAGE] * 11}], "messages[0].content[10].image_url"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_sent(name):
    messages, field = REFUSED[name]
    with pytest.raises(InvalidRequestError) as caught:
        read(messages)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("{}", {}),
        ("", {}),
        ("  ", {}),
        (None, {}),
        ("null", {}),
        ('{"a": {"b": [1]}}', {"a": {"b": [1]}}),
        ({"a": 1}, {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
    ],
)
def test_arguments_become_an_object(arguments, expected):
    messages = [USER, assistant(call("a", arguments=arguments)), result("a")]
    assert sent(messages)[1]["function_call"]["arguments"] == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "{}"),
        ("", "{}"),
        ('{"a": 1}', '{"a": 1}'),
        ('{"город": "Омск"}', '{"город": "Омск"}'),
        ({"a": 1}, '{"a": 1}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ("{'a': True}", '{"a": true}'),
        ("sunny", '{"result": "sunny"}'),
        ("[1, 2]", '{"result": [1, 2]}'),
        ("42", '{"result": 42}'),
        ('"42"', '{"result": "42"}'),
        ("null", '{"result": null}'),
        ("NaN", '{"result": "NaN"}'),
        ('{"t": NaN}', '{"result": "{\\"t\\": NaN}"}'),
        ("(1, 2)", '{"result": [1, 2]}'),
        ("{1, 2}", '{"result": "{1, 2}"}'),
        ([{"type": "text", "text": '{"a"'}, {"type": "text", "text": ": 1}"}], '{"a": 1}'),
        ([{"id": 1}], '{"result": [{"id": 1}]}'),
        ('"\\ud800"', '{"result": "\\"\\\\ud800\\""}'),
    ],
)
def test_results_become_the_text_of_an_object(content, expected):
    messages = [USER, assistant(call("a")), result("a", content)]
    assert sent(messages)[2] == {"role": "function", "name": "f", "content": expected}


def test_a_deep_result_stays_text():
    deep = "[" * 5000 + "]" * 5000
    assert sent([USER, assistant(call("a")), result("a", deep)])[2]["content"] == '{"result": "' + deep + '"}'


def test_cyclic_arguments_are_refused():
    loop: dict = {}
    loop["self"] = loop
    with pytest.raises(InvalidRequestError, match="arguments"):
        read([USER, assistant(call("a", arguments=loop))])


def test_litellm_messages_are_taken_as_objects():
    message = litellm.Message(role="assistant", content=None, tool_calls=[call("a", arguments='{"x": 1}')])
    assert sent([USER, message, result("a")]) == [USER, called({"x": 1}), fn()]


def test_names_in_history_get_the_aliases_of_the_tools():
    tools = [
        {"type": "function", "function": {"name": "get weather", "parameters": {"type": "object", "properties": {}}}}
    ]
    found = body([USER, assistant(call("a", "get weather")), result("a")], tools=tools)
    assert found["functions"][0]["name"] == "get_weather"
    assert found["messages"][1]["function_call"]["name"] == "get_weather"
    assert found["messages"][2]["name"] == "get_weather"


def test_an_alias_never_takes_a_name_of_the_history():
    tools = [{"type": "function", "function": {"name": "get weather"}}]
    request = read([USER, assistant(call("a", "get_weather")), result("a")], tools=tools)
    alias = request.functions[0].name
    assert alias != "get_weather"
    assert request.names == {alias: "get weather"}
    assert request.turns[1].calls[0].name == "get_weather"


def test_ten_images_are_taken():
    messages = sent([{"role": "user", "content": [text("q"), *[IMAGE] * 10]}])
    assert [len(message["attachments"]) for message in messages] == [1] * 10


def test_a_model_without_vision_refuses_images():
    with pytest.raises(InvalidRequestError, match="GigaChat-2 does not take images"):
        read([{"role": "user", "content": [IMAGE]}], model="GigaChat-2")


@pytest.mark.parametrize("earlier", [{"images": [IMAGE]}, {"provider_specific_fields": drawn("image")}])
def test_its_own_drawing_does_not_end_the_conversation_of_a_model_without_vision(earlier):
    for content, expected in ((None, "[image]"), ("here", "here\n[image]")):
        messages = [USER, {"role": "assistant", "content": content, **earlier}, AGAIN]
        assert sent(messages, model="GigaChat-2") == [USER, {"role": "assistant", "content": expected}, AGAIN]


def test_one_content_one_key():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    keys = {a.key for a in read([{"role": "user", "content": [image, image]}], model=MODEL).attachments}
    assert len(keys) == 1
