"""A scripted model: the answers of ``sandbox.script`` in their order, over both contracts, plain and streamed."""

from __future__ import annotations

import json

import pytest

from litellm_gigachat_provider.sandbox import Call, Fault, Question, Reply
from litellm_gigachat_provider.sandbox.brain.model import Said, reply

READ = Call("read_file", {"path": "a.txt"})
WRITE = Call("write_file", {"path": "b.txt", "text": "Привет"})


@pytest.fixture
def tools(weather):
    """One function under two names, in each contract's form."""
    functions = [{**weather, "name": name} for name in ("read_file", "write_file")]
    return {"v1": {"functions": functions}, "v2": {"tools": [{"functions": {"specifications": functions}}]}}


@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["plain", "stream"])
def ask(request, client, version):
    """Asks once; the text and the calls of the answer, however it was written."""

    def ask(prompt="Hi", **fields):
        send = client.chat if version == "v1" else client.chat_v2
        answer = send(prompt, stream=request.param, **fields)
        if answer.status_code != 200:
            return answer.status_code, answer.json()
        lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
        bodies = [json.loads(line) for line in lines] if request.param else [answer.json()]
        return _spoken_v1(bodies) if version == "v1" else _spoken_v2(bodies)

    return ask


def _spoken_v1(bodies):
    pieces = [choice.get("message") or choice["delta"] for body in bodies for choice in body["choices"]]
    calls = [piece["function_call"] for piece in pieces if "function_call" in piece]
    return "".join(piece["content"] for piece in pieces), [(call["name"], call["arguments"]) for call in calls]


def _spoken_v2(bodies):
    parts = [part for body in bodies for message in body.get("messages", []) for part in message["content"]]
    calls = [part["function_call"] for part in parts if "function_call" in part]
    return "".join(part.get("text", "") for part in parts), [(call["name"], call["arguments"]) for call in calls]


def model_text(prompt):
    return reply(Question([Said("user", prompt)])).text


def test_answers_come_in_order_and_then_the_model_speaks_for_itself(gigachat_sandbox, ask, tools, version):
    gigachat_sandbox.script(["Первый ответ", READ, Reply("Пишу.", calls=[WRITE])])
    assert ask(**tools[version]) == ("Первый ответ", [])
    assert ask(**tools[version]) == ("", [(READ.name, READ.arguments)])
    assert ask(**tools[version]) == ("Пишу.", [(WRITE.name, WRITE.arguments)])
    assert gigachat_sandbox.script_left == 0
    assert ask("Say: alone again", **tools[version]) == (model_text("Say: alone again"), [])


def test_several_calls_at_once_on_v2_and_one_after_another_on_v1(gigachat_sandbox, ask, tools, version):
    gigachat_sandbox.script([Reply("Сейчас.", calls=[READ, WRITE]), "Готово"])
    both = [(READ.name, READ.arguments), (WRITE.name, WRITE.arguments)]
    if version == "v2":
        assert ask(**tools[version]) == ("Сейчас.", both)
    else:
        assert ask(**tools[version]) == ("Сейчас.", both[:1])
        assert ask(**tools[version]) == ("", both[1:])
    assert ask(**tools[version]) == ("Готово", [])


def test_errors_are_answers_too(gigachat_sandbox, ask):
    words = {"status": 422, "message": "CONTEXT_TOO_LONG: context too long 3, maximum allowed context is 2"}
    gigachat_sandbox.script([Fault(status=402, times=2), Fault(status=422, body=words), "Дальше"])
    assert ask() == (402, {"status": 402, "message": "Payment Required"})
    assert ask()[0] == 402
    assert ask() == (422, words)
    assert ask() == ("Дальше", [])
    assert [record.forced for record in gigachat_sandbox.chat_requests] == [True, True, True, False]
    assert gigachat_sandbox.refused == []


def test_a_script_may_leave_questions_to_the_model(gigachat_sandbox, ask, tools, version):
    gigachat_sandbox.script([READ], when=lambda question: question.functions)
    assert "title" in ask("Think of a title")[0]
    assert gigachat_sandbox.script_left == 1
    assert ask(**tools[version])[1] == [(READ.name, READ.arguments)]


def test_the_oldest_script_that_wants_a_question_answers_it(gigachat_sandbox, ask):
    gigachat_sandbox.script([Fault(status=413)], when=lambda question: len(question.prompt) > 10)
    gigachat_sandbox.script(["один", "два"])
    assert ask() == ("один", [])
    assert ask("A longer question")[0] == 413
    assert ask("A longer question") == ("два", [])


def test_what_the_judge_refuses_uses_no_answer_up(gigachat_sandbox, ask):
    gigachat_sandbox.script(["Ответ"])
    assert ask(messages=[{"role": "nobody", "content": "Hi"}])[0] in (400, 422)
    assert gigachat_sandbox.script_left == 1
    gigachat_sandbox.reset()
    assert gigachat_sandbox.script_left == 0


def test_the_script_is_not_changed_by_what_becomes_of_its_answers(gigachat_sandbox, ask):
    answer = Reply("Один два три четыре")
    gigachat_sandbox.knobs.finish_reason = "length"
    gigachat_sandbox.script([answer])
    assert ask()[0] != answer.text
    assert answer.text == "Один два три четыре"


def test_a_script_breaks_no_connections(gigachat_sandbox):
    with pytest.raises(ValueError, match="fail_next"):
        gigachat_sandbox.script([Fault(kind="reset")])
