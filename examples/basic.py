"""Один вопрос и один ответ. Ключ авторизации берётся из GIGACHAT_CREDENTIALS (или из файла .env)."""

from __future__ import annotations

import litellm

import litellm_gigachat_provider  # noqa: F401 - импорт подключает gigachat/ к LiteLLM


def main() -> None:
    response = litellm.completion(
        model="gigachat/GigaChat-2-Max",
        messages=[
            {"role": "system", "content": "Отвечай кратко."},
            {"role": "user", "content": "Привет! Что ты умеешь?"},
        ],
        temperature=0.7,
        max_tokens=200,
    )
    print(response.choices[0].message.content)
    usage = response.usage
    print(f"токены: {usage.prompt_tokens} + {usage.completion_tokens} = {usage.total_tokens}")


if __name__ == "__main__":
    main()
