"""Как проверить своё приложение без сети и без ключа: `pytest examples/test_with_sandbox.py`.

Фикстура gigachat_sandbox ставится вместе с пакетом (pip install "litellm-gigachat-provider[sandbox]"). Она поднимает
на этом компьютере строгий GigaChat и указывает на него переменными окружения; всё остальное в приложении настоящее.
"""

from __future__ import annotations

import json

import litellm
import pytest

import litellm_gigachat_provider  # noqa: F401

# --- приложение, которое проверяем ----------------------------------------------------------------------------

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Погода в городе",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def answer(question: str) -> str:
    """Отвечает на вопрос; о погоде узнаёт инструментом."""
    messages = [{"role": "user", "content": question}]
    for _ in range(3):
        message = (
            litellm.completion(model="gigachat/GigaChat-2-Max", messages=messages, tools=[WEATHER], num_retries=0)
            .choices[0]
            .message
        )
        messages.append(message)
        for call in message.tool_calls or []:
            city = json.loads(call.function.arguments)["city"]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{city}: ясно"})
        if not message.tool_calls:
            return message.content
    return "Не знаю"


# --- тесты ----------------------------------------------------------------------------------------------------


def test_answers(gigachat_sandbox):
    assert answer("Привет!") == "Привет! Чем могу помочь?"
    body = gigachat_sandbox.chat_bodies[-1]  # что на самом деле ушло к GigaChat
    assert body["messages"] == [{"role": "user", "content": "Привет!"}]
    assert gigachat_sandbox.refused == []  # песочница отвергает то же, что отвергает GigaChat


def test_uses_the_tool(gigachat_sandbox):
    assert "ясно" in answer("Какая погода в городе Омск?")
    assert len(gigachat_sandbox.chat_bodies) == 2
    assert gigachat_sandbox.oauth_count == 1  # токен получен один раз


def test_fixed_answer(gigachat_sandbox):
    gigachat_sandbox.knobs.answer = "ровно этот текст"
    assert answer("Что угодно") == "ровно этот текст"


def test_too_many_requests(gigachat_sandbox):
    gigachat_sandbox.fail_next("chat", status=429)
    with pytest.raises(litellm.RateLimitError):
        answer("Привет!")
    assert answer("Привет!")  # следующий запрос проходит


def test_censored(gigachat_sandbox):
    gigachat_sandbox.knobs.finish_reason = "blacklist"
    response = litellm.completion(model="gigachat/GigaChat-2-Max", messages=[{"role": "user", "content": "…"}])
    assert response.choices[0].finish_reason == "content_filter"


def test_token_expired_in_between(gigachat_sandbox):
    answer("Привет!")
    gigachat_sandbox.expire_tokens()
    assert answer("Привет!")  # новый токен получен сам, запрос повторён
    assert gigachat_sandbox.oauth_count == 2
