"""smolagents: агент, который вызывает инструменты. Нужны пакеты из requirements-agents.txt.

smolagents на каждом шаге требует вызвать какой-нибудь инструмент (tool_choice="required"), ответ тоже инструмент
(final_answer). У GigaChat такого режима нет, провайдер восполняет его сам.
"""

from __future__ import annotations

from smolagents import LiteLLMModel, ToolCallingAgent, tool

import litellm_gigachat_provider  # noqa: F401


@tool
def get_weather(city: str) -> str:
    """Погода в городе.

    Args:
        city: Название города.
    """
    return f"{city}: ясно, 21 градус"


def main() -> None:
    model = LiteLLMModel(model_id="gigachat/GigaChat-2-Max")
    agent = ToolCallingAgent(tools=[get_weather], model=model, max_steps=4)
    answer = str(agent.run("Какая погода в городе Омск?"))
    print(answer)
    if "21" not in answer:
        raise SystemExit("агент не воспользовался инструментом")


if __name__ == "__main__":
    main()
