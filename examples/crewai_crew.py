"""CrewAI: агент с инструментом. Нужны пакеты из requirements-crewai.txt.

CrewAI ходит к gigachat/ через LiteLLM (пакет litellm должен быть установлен).
"""

from __future__ import annotations

import os

# Телеметрия и трассировка CrewAI уходят в интернет; выключаются до импорта.
os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

import litellm_gigachat_provider  # noqa: F401


@tool("get_weather")
def get_weather(city: str) -> str:
    """Погода в городе."""
    return f"{city}: ясно, 21 градус"


def main() -> None:
    agent = Agent(
        role="Метеоролог",
        goal="Отвечать на вопросы о погоде",
        backstory="Узнаёт погоду только инструментом.",
        tools=[get_weather],
        llm=LLM(model="gigachat/GigaChat-2-Max", is_litellm=True),
        max_iter=4,
    )
    task = Task(description="Какая погода в городе Омск?", expected_output="Одна строка о погоде", agent=agent)
    answer = Crew(agents=[agent], tasks=[task]).kickoff().raw
    print(answer)
    if "21" not in answer:
        raise SystemExit("агент не воспользовался инструментом")


if __name__ == "__main__":
    main()
