"""Инструменты (function calling): модель просит вызвать функцию, программа вызывает, модель отвечает."""

from __future__ import annotations

import json

import litellm

import litellm_gigachat_provider  # noqa: F401

MODEL = "gigachat/GigaChat-2-Max"


def get_weather(city: str) -> dict:
    """Здесь мог бы быть запрос к настоящей службе погоды."""
    return {"city": city, "temperature": 21, "sky": "ясно"}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Текущая погода в городе",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "Название города"}},
                "required": ["city"],
            },
        },
    }
]
FUNCTIONS = {"get_weather": get_weather}


def main() -> None:
    messages = [{"role": "user", "content": "Какая сейчас погода в городе Омск?"}]
    for _ in range(5):  # не больше пяти шагов
        message = litellm.completion(model=MODEL, messages=messages, tools=TOOLS).choices[0].message
        messages.append(message)  # объект LiteLLM можно вернуть в историю как есть
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            result = FUNCTIONS[call.function.name](**arguments)
            print(f"вызов: {call.function.name}({arguments}) -> {result}")
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result, ensure_ascii=False)}
            )
    answer = messages[-1].content
    print(answer)
    if "21" not in answer:
        raise SystemExit("модель не воспользовалась ответом инструмента")


if __name__ == "__main__":
    main()
