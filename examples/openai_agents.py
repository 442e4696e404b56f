"""OpenAI Agents SDK (LitellmModel) с инструментом. Нужны пакеты из requirements-agents.txt."""

from __future__ import annotations

import asyncio

from agents import Agent, Runner, function_tool, set_tracing_disabled
from agents.extensions.models.litellm_model import LitellmModel

import litellm_gigachat_provider  # noqa: F401

set_tracing_disabled(True)  # иначе SDK отправляет трассировку на серверы OpenAI


@function_tool
def get_weather(city: str) -> str:
    """Погода в городе."""
    return f"{city}: ясно, 21 градус"


AGENT = Agent(
    name="Помощник",
    instructions="Узнавай погоду только инструментом.",
    model=LitellmModel(model="gigachat/GigaChat-2-Max"),
    tools=[get_weather],
)


async def streamed(question: str) -> str:
    """То же потоком: события SDK приходят по мере ответа модели."""
    result = Runner.run_streamed(AGENT, question)
    async for event in result.stream_events():
        if event.type == "run_item_stream_event":
            print("событие:", event.name)
    return result.final_output


def main() -> None:
    question = "Какая погода в городе Омск?"
    answers = [Runner.run_sync(AGENT, question).final_output, asyncio.run(streamed(question))]
    print(*answers, sep="\n")
    if not all("21" in answer for answer in answers):
        raise SystemExit("агент не воспользовался инструментом")


if __name__ == "__main__":
    main()
