"""The examples that need nothing but LiteLLM and LangChain, run as a reader would run them, against the sandbox.

The others (agents' frameworks, the proxy) are run by ``.ci/agents``, which installs what they need.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LIGHT = {
    "basic.py": "Привет! Чем могу помочь?",
    "streaming.py": "19, 20",
    "tools.py": "get_weather: city=Омск, temperature=21, sky=ясно",
    "cline_conversation.py": "[read_file for 'app.py'] Result:",
    "token_status.py": "после запросов: токен активен: True",
    "structured_output.py": "Person(name='Анна', age=30)",
    "router_fallbacks.py": "GigaChat-2-",
    "langchain_chat.py": "multiply: result=42",
    "langchain_agent.py": "get_time: ",
    "langgraph_agent.py": "доставка 5 мая",
}
NEEDS = {
    "langchain_chat.py": "langchain_litellm",
    "langchain_agent.py": "langchain.agents",
    "langgraph_agent.py": "langgraph.graph",
}
QUIET = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false", "PYTHONIOENCODING": "utf-8"}


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **QUIET, **more},
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
    )


@pytest.mark.parametrize("name", LIGHT)
def test_runs(gigachat_sandbox, name):
    if name in NEEDS and not installed(NEEDS[name]):
        pytest.skip(f"{NEEDS[name]} is not installed here; .ci/agents runs it")
    done = run(f"examples/{name}")
    assert done.returncode == 0, done.stderr
    assert LIGHT[name] in done.stdout
    assert [record.refusal for record in gigachat_sandbox.refused if record.status != 404] == []
    assert gigachat_sandbox.chat_requests


def test_fails_loudly_without_a_key(gigachat_sandbox):
    done = run("examples/basic.py", GIGACHAT_CREDENTIALS="")
    assert done.returncode != 0
    assert "GIGACHAT_CREDENTIALS" in done.stderr


def test_the_example_of_tests():
    done = run("-m", "pytest", "-p", "no:cacheprovider", "-q", "-q", "-c", os.devnull, "examples/test_with_sandbox.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_shape(path):
    """Every example says what it is, and does nothing when it is only imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if not path.name.startswith("test_"):
        assert 'if __name__ == "__main__":\n    main()' in path.read_text(encoding="utf-8")
