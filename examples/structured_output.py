"""Ответ в заданной форме: класс pydantic, JSON-схема или просто JSON. Работает и там, где модель умеет только текст."""

from __future__ import annotations

import json

import litellm
from pydantic import BaseModel, Field

import litellm_gigachat_provider  # noqa: F401

MODEL = "gigachat/GigaChat-2-Max"


class Person(BaseModel):
    """Человек, о котором говорится в тексте."""

    name: str = Field(description="Имя")
    age: int = Field(description="Возраст, лет")


def ask(text: str, response_format) -> str:
    messages = [{"role": "user", "content": text}]
    return (
        litellm.completion(model=MODEL, messages=messages, response_format=response_format).choices[0].message.content
    )


def main() -> None:
    text = "«Анна» приехала вчера, ей 30 лет."
    person = Person.model_validate_json(ask(text, Person))
    print("класс: ", repr(person))

    schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": Person.model_json_schema()}}
    print("схема: ", json.loads(ask(text, schema)))

    print("JSON:  ", json.loads(ask(f"Ответь в JSON, ключи: name, age. {text}", {"type": "json_object"})))
    if person.age != 30:
        raise SystemExit(f"ожидался возраст 30, получен {person.age}")


if __name__ == "__main__":
    main()
