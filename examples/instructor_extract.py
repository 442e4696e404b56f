"""instructor: объект pydantic вместо текста, разными способами. Нужны пакеты из requirements-agents.txt."""

from __future__ import annotations

import instructor
import litellm
from pydantic import BaseModel, Field

import litellm_gigachat_provider  # noqa: F401


class Person(BaseModel):
    """Человек, о котором говорится в тексте."""

    name: str = Field(description="Имя")
    age: int = Field(description="Возраст, лет", ge=0)


def main() -> None:
    messages = [{"role": "user", "content": "«Анне» 30 лет"}]
    for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON):
        client = instructor.from_litellm(litellm.completion, mode=mode)
        person = client.chat.completions.create(
            model="gigachat/GigaChat-2-Max", response_model=Person, messages=messages, max_retries=2
        )
        print(f"{mode.value}: {person!r}")
        if person.age != 30:
            raise SystemExit("ожидался возраст 30")


if __name__ == "__main__":
    main()
