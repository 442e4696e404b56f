"""The model: when it calls, what it fills in, what it says."""

from __future__ import annotations

import json
import re

import pytest

from litellm_gigachat_provider.sandbox import tokens
from litellm_gigachat_provider.sandbox.brain import patterns, words
from litellm_gigachat_provider.sandbox.brain.arguments import Filler
from litellm_gigachat_provider.sandbox.brain.model import Call, Question, Said, reply
from litellm_gigachat_provider.sandbox.brain.pictures import jpeg


def function(name, description="", required=None, **properties):
    return {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(properties) if required is None else required,
        },
    }


STRING = {"type": "string"}
WEATHER = function("get_weather", "Weather now", city=STRING)
TIME = function("get_time", "Local time", zone=STRING)
ADD = function("add_numbers", "Adds two numbers", a={"type": "number"}, b={"type": "integer"})


def asked(prompt, *functions, after=(), **more):
    answer = reply(Question([Said("user", prompt), *after], functions=functions, **more))
    return [(call.name, call.arguments) for call in answer.calls] or answer.text


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What is the weather in Moscow?", ("get_weather", {"city": "Moscow"})),
        ("Какая погода в Москве?", ("get_weather", {"city": "Москве"})),
        ("Current Task: Какая погода в городе Омск?", ("get_weather", {"city": "Омск"})),
        ("Погода в Нижнем Новгороде", ("get_weather", {"city": "Нижнем Новгороде"})),
        ("Tell me the weather in New York please", ("get_weather", {"city": "New York"})),
        ("What is the weather in San Francisco, CA?", ("get_weather", {"city": "San Francisco, CA"})),
        ("weather for 'Saint Petersburg'", ("get_weather", {"city": "Saint Petersburg"})),
        ("Call get_weather", ("get_weather", {"city": "weather"})),
        ("What time is it in Tokyo?", ("get_time", {"zone": "Tokyo"})),
        ("Please add 2 and 40", ("add_numbers", {"a": 2, "b": 40})),
        ("Сложи 2.5 и 4", ("add_numbers", {"a": 2.5, "b": 4})),
    ],
)
def test_calls(prompt, expected):
    assert asked(prompt, WEATHER, TIME, ADD) == [expected]


@pytest.mark.parametrize(
    "prompt", ["Tell me a joke", "Привет!", "Weather in Moscow, but do not call anything", "Кто ты?"]
)
def test_no_calls(prompt):
    assert isinstance(asked(prompt, WEATHER, TIME, ADD), str)


def test_mode_and_stubbornness():
    assert isinstance(asked("weather in Omsk", WEATHER, mode="none"), str)
    assert asked("Hi", WEATHER, mode="forced", forced="get_weather")[0][0] == "get_weather"
    question = Question([Said("user", "weather in Omsk")], functions=[WEATHER])
    assert reply(question, never_call=True).calls == []
    assert reply(question, arguments={"x": 1}).calls == [Call("get_weather", {"x": 1})]


def result(name, arguments, value):
    return [Said("assistant", calls=[Call(name, arguments)]), Said("result", results=[(name, value)])]


def test_results_become_text():
    after = result("get_weather", {"city": "Omsk"}, {"temp": 5, "sky": "clear"})
    assert asked("Weather in Omsk?", WEATHER, after=after) == "get_weather: temp=5, sky=clear"


def test_an_agents_loop_ends_with_what_the_functions_told():
    submit = function("submit", "Submit the final outputs", answer=STRING)
    after = [*result("get_weather", {"city": "Omsk"}, {"temp": 5}), Said("user", "Respond with the fields.")]
    assert asked("Weather in Omsk?", WEATHER, submit, after=after, mode="forced", forced="submit") == [
        ("submit", {"answer": "get_weather: temp=5"})
    ]


def test_an_observation_written_by_the_user_ends_the_loop():
    either = function(
        "call_tool", tool={"type": "string", "enum": ["get_weather", "final_answer"]}, final_answer=STRING
    )
    assert asked("Observation:\nget_weather in Omsk: 5", either, mode="forced", forced="call_tool") == [
        ("call_tool", {"tool": "final_answer", "final_answer": "Observation:\nget_weather in Omsk: 5"})
    ]


def test_a_history_with_other_arguments_is_still_answered():
    after = result("get_weather", {"town": "omsk"}, {"temp": 5})
    assert asked("Weather in Omsk?", WEATHER, after=after) == "get_weather: temp=5"


def test_chains_two_functions_and_two_cities():
    first = result("get_weather", {"city": "Moscow"}, {"temp": 5})
    assert asked("Weather and time in Moscow", WEATHER, TIME, after=first) == [("get_time", {"zone": "Moscow"})]
    both = [*first, *result("get_time", {"zone": "Moscow"}, {"t": "12:00"})]
    assert asked("Weather and time in Moscow", WEATHER, TIME, after=both) == "get_weather: temp=5\nget_time: t=12:00"
    assert asked("Weather in Moscow and London", WEATHER, after=first) == [("get_weather", {"city": "London"})]


def test_a_new_question_starts_a_new_turn():
    after = [
        *result("get_weather", {"city": "Omsk"}, {"temp": 5}),
        Said("assistant", "5"),
        Said("user", "Weather in Omsk"),
    ]
    assert asked("Weather in Omsk", WEATHER, after=after) == [("get_weather", {"city": "Omsk"})]


def test_described_in_another_language():
    assert asked("Найди билеты на поезд", function("search_tickets", "Поиск билетов", query=STRING)) == [
        ("search_tickets", {"query": "Найди билеты на поезд"})
    ]


@pytest.mark.parametrize(
    ("prompt", "schema", "value"),
    [
        ("x", {"type": "object", "properties": {"a": STRING}}, {}),
        ("in Celsius", {"type": "string", "enum": ["fahrenheit", "celsius"]}, "celsius"),
        ("nothing", {"type": "string", "enum": ["fahrenheit", "celsius"]}, "fahrenheit"),
        ("1 2 3", {"type": "array", "items": {"type": "integer"}}, [1, 2, 3]),
        ("say 'a'", {"type": "array", "items": STRING}, ["a"]),
        ("x", {"type": "boolean"}, True),
        ("x", {"type": "null"}, None),
        ("7", {"type": "integer", "maximum": 5}, 5),
        ("on 2026-05-01", {"type": "string", "format": "date"}, "2026-05-01"),
        (
            "order A-1024",
            {"type": "object", "required": ["order_id"], "properties": {"order_id": STRING}},
            {"order_id": "A-1024"},
        ),
        (
            "Bob is 42",
            {
                "type": "object",
                "required": ["person"],
                "properties": {
                    "person": {
                        "type": "object",
                        "required": ["age", "tags"],
                        "properties": {"age": {"type": "integer"}, "tags": {"type": "array", "items": STRING}},
                    }
                },
            },
            {"person": {"age": 42, "tags": ["bob"]}},
        ),
        ("x", {"$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}}, True),
        ("5", {"anyOf": [{"type": "null"}, {"type": "integer"}]}, 5),
        ("5", {"type": ["null", "integer"]}, 5),
        (
            "mail bob@example.org",
            {"type": "object", "required": ["email"], "properties": {"email": STRING}},
            {"email": "bob@example.org"},
        ),
        (
            "calculate 2+3*4",
            {"type": "object", "required": ["expression"], "properties": {"expression": STRING}},
            {"expression": "2+3*4"},
        ),
    ],
)
def test_values(prompt, schema, value):
    assert Filler(prompt, schema).fill(schema) == value


def test_recursive_schema_ends():
    node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/$defs/n"}}}
    assert Filler("x", {"$defs": {"n": node}, **node}).fill(node)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Count from 1 to 3", "1, 2, 3"),
        ("Посчитай от 3 до 1", "3, 2, 1"),
        ("Say 'Hello' and nothing else", "Hello"),
        ("Repeat after me: one two", "one two"),
        ("Скажи слово ДА", "ДА"),
        ("Hello!", "Hello! How can I help?"),
        ("Привет!", "Привет! Чем могу помочь?"),
        ("Привет! Ответь одним предложением.", "Привет! Чем могу помочь?"),
        ("Hello, answer in one short sentence", "Hello! How can I help?"),
        ("Расскажи сказку", "You asked: Расскажи сказку"),
        ("Why is the sky blue?", "You asked: Why is the sky blue?"),
        ('Return JSON {"a": 1}', '{\n    "a": 1\n}'),
        ("JSON with keys name, age for Bob, 42", '{\n    "name": "Bob",\n    "age": 42\n}'),
    ],
)
def test_texts(prompt, text):
    assert asked(prompt) == text


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ("A joke as a JSON with 'setup' and 'punchline' keys. Nothing other than JSON.", ["setup", "punchline"]),
        ("Answer in JSON with keys name, age", ["name", "age"]),
        ("Ответь в JSON, ключи: имя и возраст", ["имя", "возраст"]),
    ],
)
def test_json_with_the_keys_that_were_named(prompt, keys):
    assert list(json.loads(asked(prompt))) == keys


def test_json_asked_for_by_the_system_message_with_a_schema():
    system = Said("system", 'Answer in JSON: {"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}')
    assert reply(Question([system, Said("user", "It is 7")])).text == '{\n    "n": 7\n}'


ASKED_BESIDE = """### Task:
Generate a concise title.
### Output:
JSON format: %s
### Examples:
- {"title": "Stock Market Trends"}
### Chat History:
<chat_history>
USER: Какой океан самый большой и глубокий на всей Земле?
Отвечай кратко.
ASSISTANT: Тихий.
USER: Спасибо!
</chat_history>"""


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        ('{ "title": "your concise title here" }', {"title": "Какой океан самый большой и глубокий"}),
        ('{ "follow_ups": ["Question 1?", "Question 2?"] }', {"follow_ups": []}),
        ('{ "tags": ["tag1", "tag2"] }', {"tags": []}),
    ],
)
def test_what_is_asked_beside_an_answer_is_made_of_the_chat(shape, answer):
    assert json.loads(asked(ASKED_BESIDE % shape)) == answer


def test_files_are_seen():
    said = Said("user", "What is it?", files=[("cat.png", 3)])
    assert reply(Question([said])).text == "I see cat.png (3 bytes). You asked: What is it?"


@pytest.mark.parametrize(
    "pattern",
    [
        r"[A-Z]{3}-\d{4}",
        r"^(yes|no)$",
        r"a+b*c?",
        r"(?:ab){2,3}",
        r"[^a-c]\w\s\S",
        r"\d{1,3}(\.\d{1,3}){3}",
        r"a{0}b",
        r"[\]\-x]",
        r".",
    ],
)
def test_patterns(pattern):
    assert re.fullmatch(pattern, patterns.example(pattern))


def test_pattern_takes_what_the_prompt_has():
    assert patterns.example(r"[A-Z]{3}-\d{4}", "the ticket is TKT-2023.") == "TKT-2023"


@pytest.mark.parametrize(
    ("text", "count"), [("First text", 2), ("Second text", 2), ("Hello, world!", 4), ("", 0), ("a" * 17, 3)]
)
def test_token_counts(text, count):
    assert tokens.count(text) == count


def test_words():
    assert words.words("getWeatherNow for user_name") == ["weather"]
    assert words.kin("погоду", "погода")
    assert words.kin("погода", "weather")
    assert not words.kin("cat", "car")
    assert words.json_objects('see {"a": {"b": 1}} and {bad} {"c": 2}') == [{"a": {"b": 1}}, {"c": 2}]


def test_pictures_are_whole_and_differ():
    one = jpeg("cat")
    assert one.startswith(b"\xff\xd8\xff\xe0")
    assert one.endswith(b"\xff\xd9")
    size = one.index(b"\xff\xc0") + 5
    assert (int.from_bytes(one[size : size + 2], "big"), int.from_bytes(one[size + 2 : size + 4], "big")) == (288, 384)
    scan = one[one.index(b"\xff\xda") :]
    assert b"\xff" not in scan[2:-2].replace(b"\xff\x00", b"")  # nothing a decoder could take for a marker
    assert one != jpeg("dog")
