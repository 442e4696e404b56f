"""Разговор в том виде, в каком его ведёт Cline: длинная системная подсказка, content массивами, XML вместо tools.

У GigaChat content должен быть строкой, отсюда и была ошибка "invalid JSON syntax". Здесь переводить ничего не нужно:
массивы склеиваются, картинки загружаются в хранилище файлов, два сообщения user подряд тоже не помеха.
"""

from __future__ import annotations

import litellm

import litellm_gigachat_provider  # noqa: F401

RULES = "\n".join(f"{number}. Change as little as possible, one file at a time." for number in range(1, 200))
SYSTEM = f"""You are a coding agent in an editor. Use one tool per message, written as XML.

<read_file><path>path</path></read_file>
<replace_in_file><path>path</path><diff>diff</diff></replace_in_file>
<attempt_completion><result>result</result></attempt_completion>

RULES
{RULES}
"""


def text(*parts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": part} for part in parts]


ENVIRONMENT = "<environment_details>\n# Current Mode\nACT MODE\n</environment_details>"
CONVERSATION = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": text("<task>\nПереименуй функцию old в new\n</task>", ENVIRONMENT)},
    {"role": "assistant", "content": text("Сначала посмотрю файл.\n<read_file><path>app.py</path></read_file>")},
    {
        "role": "user",
        "content": text("[read_file for 'app.py'] Result:", "def old():\n    return 1\n\nprint(old())", ENVIRONMENT),
    },
]


def main() -> None:
    stream = litellm.completion(model="gigachat/GigaChat-2-Max", messages=CONVERSATION, stream=True, temperature=0)
    answer = ""
    for chunk in stream:
        piece = chunk.choices[0].delta.content or ""
        answer += piece
        print(piece, end="", flush=True)
    print()
    if not answer:
        raise SystemExit("пустой ответ")


if __name__ == "__main__":
    main()
