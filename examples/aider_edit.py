"""aider: одна правка файла из командной строки. Нужны пакеты из requirements-aider.txt (aider закрепляет LiteLLM 1.81).

aider сам о пакете не знает, поэтому пакет импортируется раньше aider; больше ничего настраивать не надо. Для каждого
дня удобно: alias aider-giga='python -c "import litellm_gigachat_provider; from aider.main import main; main()"
--model gigachat/GigaChat-2-Max'
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from aider.main import main as aider

import litellm_gigachat_provider  # noqa: F401


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "hello.py")
        file.write_text('print("Hello")\n', encoding="utf-8")
        os.chdir(folder)
        aider(
            [
                "--model=gigachat/GigaChat-2-Max",
                "--edit-format=whole",  # модель присылает файл целиком
                "--no-git",
                "--yes-always",
                "--no-stream",
                "--no-analytics",  # без телеметрии и проверки обновлений
                "--no-check-update",
                "--no-show-release-notes",
                "--no-gitignore",
                "--message=Замени приветствие на «Привет»",
                "hello.py",
            ],
            input=None,
        )
        text = file.read_text(encoding="utf-8")
        os.chdir("/")
    print(text)
    if "Привет" not in text:
        raise SystemExit("файл не изменился")


if __name__ == "__main__":
    main()
