"""ChatLiteLLM из LangChain: текст, поток, инструменты, структурированный ответ. Нужен langchain-litellm."""

from __future__ import annotations

from langchain_core.tools import tool
from langchain_litellm import ChatLiteLLM
from pydantic import BaseModel

import litellm_gigachat_provider  # noqa: F401


@tool
def multiply(a: int, b: int) -> int:
    """Умножить одно целое число на другое."""
    return a * b


class Person(BaseModel):
    """Человек, о котором говорится в тексте."""

    name: str
    age: int


def main() -> None:
    model = ChatLiteLLM(model="gigachat/GigaChat-2-Max")

    answer = model.invoke("Скажи слово «чай»")
    print(answer.content, answer.usage_metadata)

    for chunk in model.stream("Посчитай от 1 до 10"):
        print(chunk.content, end="", flush=True)
    print()

    messages = [("user", "Сколько будет 6 умножить на 7?")]
    with_tools = model.bind_tools([multiply])
    call_message = with_tools.invoke(messages)
    messages += [call_message, *(multiply.invoke(call) for call in call_message.tool_calls)]
    result = with_tools.invoke(messages).content
    print(result)

    # method: "json_schema" (по умолчанию), "function_calling" или "json_mode"
    print(repr(model.with_structured_output(Person).invoke("«Анне» 30 лет")))
    if "42" not in result:
        raise SystemExit("ожидалось 42")


if __name__ == "__main__":
    main()
