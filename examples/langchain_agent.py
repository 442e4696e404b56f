"""Агент LangChain (create_agent) с двумя инструментами. Нужны langchain и langchain-litellm."""

from __future__ import annotations

from langchain.agents import create_agent
from langchain_litellm import ChatLiteLLM

import litellm_gigachat_provider  # noqa: F401


def get_weather(city: str) -> str:
    """Погода в городе."""
    return f"{city}: ясно, 21 градус"


def get_time(zone: str) -> str:
    """Время в часовом поясе."""
    return f"{zone}: 12:00"


def main() -> None:
    agent = create_agent(
        ChatLiteLLM(model="gigachat/GigaChat-2-Max"),
        tools=[get_weather, get_time],
        system_prompt="Ты помощник. Узнавай погоду и время только инструментами.",
    )
    question = "Какая погода в городе Омск и сколько сейчас времени в Омске?"
    state = agent.invoke({"messages": [{"role": "user", "content": question}]})
    for message in state["messages"]:
        message.pretty_print()
    answer = state["messages"][-1].content
    if "21" not in answer or "12" not in answer:
        raise SystemExit("агент не воспользовался инструментами")


if __name__ == "__main__":
    main()
