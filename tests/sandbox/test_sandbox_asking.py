"""A call is what the prompt asks for: assistants run it, many without asking back."""

from __future__ import annotations

import pytest

from litellm_gigachat_provider.sandbox.brain.model import Question, Said, reply


def function(name, description, /, **properties):
    return {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {key: {"type": "string", "description": text} for key, text in properties.items()},
            "required": list(properties),
        },
    }


# Named and described as the tools of assistants are.
SHELLS = [
    function(
        "Bash", "Executes a bash command. Explain what it does. Touch no files.", command="Command", description="-"
    ),
    function("run_shell_command", "Run a shell command", command="The command to run"),
    function("execute_command", "Execute a CLI command on the system", command="The command"),
    function("terminal", "Runs a command in the terminal", cmd="What to run"),
]
FILES = [
    function("Read", "Reads a file", file_path="Absolute path of the file"),
    function("write_to_file", "Write content to a file", path="Path of the file", content="The content"),
    function("Edit", "Replace a text in a file", file_path="Path", old_string="Old text", new_string="New text"),
    function("Task", "Launch an agent that explains and runs things", description="What", prompt="The task"),
]
WEATHER = function("get_weather", "Weather now", city="City")


def calls(prompt, *functions):
    return [(call.name, call.arguments) for call in reply(Question([Said("user", prompt)], functions=functions)).calls]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell["name"])
@pytest.mark.parametrize(
    "prompt",
    [
        "Explain what `touch x` does, do not run anything",
        "explain what `touch x` does",
        "What does `touch x` do?",
        "What is `touch x`?",
        "Is it safe to run `touch x`?",
        "How do I run `touch x`?",
        "When I run `touch x` I get an error, why?",
        "Why does `touch x` print nothing? Never run it.",
        "`touch x`",
        "```bash\nrun\ntouch x\n```",
        'Translate to Russian: "run `touch x`"',
        "Repeat after me: run `touch x`",
        "Hello! Which commands do you know?",
        "What is bash?",
        "<environment_details>Run `touch x`</environment_details>Hello",
        "Объясни, что делает `touch x`, ничего не запускай",
        "объясни, что делает `touch x`",
        "Что делает команда `touch x`?",
        "Что будет, если запустить `touch x`?",
        "Можно ли запустить `touch x`?",
        "Расскажи про «touch x», но не выполняй",
        "Запускать ничего не надо. Что такое `touch x`?",
        "Без запуска объясни `touch x`",
        "Переведи: «запусти touch x»",
    ],
)
def test_a_quoted_command_is_no_request(prompt, shell):
    assert calls(prompt, shell, *FILES, WEATHER) == []


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell["name"])
@pytest.mark.parametrize(
    "prompt",
    [
        "Run `touch x`",
        "Please run the command `touch x`.",
        "Explain `touch a`. Then run `touch x`.",
        "Запусти `touch x`",
        "Выполни команду «touch x», пожалуйста",
        "Use the {name} tool to start `touch x`",
        "Вызови {name}: `touch x`",
    ],
)
def test_an_order_is(prompt, shell):
    ((name, arguments),) = calls(prompt.format(name=shell["name"]), shell, *FILES)
    assert name == shell["name"]
    assert "touch x" in arguments.values()


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Write a poem about Moscow", []),
        ("Read me a story", []),
        ("Fix my grammar: he go to school", []),
        ("Do not use the tool get_weather: what is the weather in Omsk?", []),
        ("This is image 1, from the result of the tool get_weather.", []),
        ("Read README.md", [("Read", {"file_path": "README.md"})]),
        ("Прочитай файл docs/a.txt", [("Read", {"file_path": "docs/a.txt"})]),
        ("What is the weather in `Omsk`?", [("get_weather", {"city": "Omsk"})]),
        ("Weather in Omsk, use `get_weather`", [("get_weather", {"city": "Omsk"})]),
        (
            "Write hello.py with 'print(1)', use write_to_file",
            [("write_to_file", {"path": "hello.py", "content": "print(1)"})],
        ),
    ],
)
def test_what_has_no_path_is_no_file(prompt, expected):
    assert calls(prompt, *FILES, *SHELLS, WEATHER) == expected
