"""Любой клиент OpenAI через прокси. Сначала в другом окне: litellm-gigachat proxy

Адрес и ключ можно сменить переменными PROXY_URL и PROXY_KEY.
"""

from __future__ import annotations

import json
import os

import openai

client = openai.OpenAI(
    base_url=os.environ.get("PROXY_URL", "http://localhost:4000"),
    api_key=os.environ.get("PROXY_KEY", "any-key"),  # на localhost подойдёт любой
)

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Текущая погода в городе",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def main() -> None:
    print("модели:", ", ".join(model.id for model in client.models.list()))

    messages = [{"role": "user", "content": "Привет!"}]
    print(client.chat.completions.create(model="gigachat", messages=messages).choices[0].message.content)

    for chunk in client.chat.completions.create(model="gigachat-pro", messages=messages, stream=True):
        if chunk.choices and chunk.choices[0].delta.content:
            print(chunk.choices[0].delta.content, end="", flush=True)
    print()

    messages = [{"role": "user", "content": "Какая погода в городе Омск?"}]
    message = (
        client.chat.completions.create(model="gigachat-max", messages=messages, tools=[WEATHER]).choices[0].message
    )
    for call in message.tool_calls or []:
        print("вызов:", call.function.name, json.loads(call.function.arguments))
    if not message.tool_calls:
        raise SystemExit("модель не вызвала инструмент")


if __name__ == "__main__":
    main()
