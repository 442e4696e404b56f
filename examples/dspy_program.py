"""DSPy: извлечение полей и агент с инструментом. Нужны пакеты из requirements-agents.txt."""

from __future__ import annotations

import dspy

import litellm_gigachat_provider  # noqa: F401


class Person(dspy.Signature):
    """Извлечь из текста имя и возраст."""

    text: str = dspy.InputField()
    name: str = dspy.OutputField()
    age: int = dspy.OutputField()


def get_weather(city: str) -> str:
    """Погода в городе."""
    return f"{city}: ясно, 21 градус"


def main() -> None:
    # JSONAdapter просит ответ по JSON-схеме (response_format); кэш DSPy выключен, чтобы пример был честным.
    lm = dspy.LM("gigachat/GigaChat-2-Max", cache=False)
    dspy.configure(lm=lm, adapter=dspy.JSONAdapter())

    person = dspy.Predict(Person)(text="Приехала «Анна», ей 30 лет")
    print(person.name, person.age)

    # ReActV2 вызывает инструменты средствами модели, а не разбором текста.
    agent = dspy.ReActV2("question -> answer: str", tools=[get_weather], max_iters=4)
    result = agent(question="Какая погода в городе Омск?")
    print(result.answer)
    print(lm.history[-1]["usage"])
    if person.age != 30:
        raise SystemExit("ожидался возраст 30")
    if "21" not in result.answer:
        raise SystemExit("агент не воспользовался инструментом")


if __name__ == "__main__":
    main()
