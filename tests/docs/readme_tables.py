"""The tables of both READMEs that are made from the code.

``python tests/docs/readme_tables.py`` writes them into both files; a test fails when they are stale.
"""

from __future__ import annotations

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # before LiteLLM's first import

from readme_parts import ENGLISH, READMES, with_generated
from readme_russian import KINDS, NOTES, PARAMETER_HEADER

from litellm_gigachat_provider.models import MODELS, Model
from litellm_gigachat_provider.request.params import render_table

_CHAT_HEADER = {
    "en": (
        "| model | context, tokens | longest answer | functions | images | native JSON schema on v1 | reasoning "
        "| ₽ per 1M tokens |"
    ),
    "ru": (
        "| модель | контекст, токенов | ответ, не более | функции | изображения | схема JSON в v1 | рассуждения "
        "| ₽ за 1 млн токенов |"
    ),
}
_EMBEDDING_HEADER = {
    "en": "| embedding model | vector size | longest text, tokens |",
    "ru": "| модель эмбеддингов | размер вектора | текст, не более токенов |",
}
_YES = {"en": "yes", "ru": "да"}
_UNKNOWN = "–"


def parameters(language: str) -> str:
    table = render_table()
    if language == "en":
        return table
    lines = [PARAMETER_HEADER, *table.splitlines()[1:2]]
    for line in table.splitlines()[2:]:
        name, kind, v1, v2, note = (cell.strip() for cell in line.strip("|").split(" | ", 4))
        lines.append(f"| {name} | {KINDS[kind]} | {v1} | {v2} | {_translated(note)} |")
    return "\n".join(lines) + "\n"


def _translated(note: str) -> str:
    if note not in NOTES:
        raise LookupError(f"tests/docs/notes_ru.txt has no translation of {note!r}: put one under it there")
    return NOTES[note]


def _number(value: int | None, language: str) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", "\u00a0")


def _chat_row(model: Model, language: str) -> str:
    price = f"{model.rub_per_million:g}" if model.rub_per_million is not None else _UNKNOWN
    flags = (model.functions, model.vision, model.native_json, model.reasoning)
    cells = [
        f"`{model.name}`",
        _number(model.context, language),
        _number(model.max_output, language),
        *(_YES[language] if flag else _UNKNOWN for flag in flags),
        price,
    ]
    return f"| {' | '.join(cells)} |"


def models(language: str) -> str:
    chat = [model for model in MODELS.values() if model.mode == "chat"]
    embedding = [model for model in MODELS.values() if model.mode == "embedding"]
    lines = [_CHAT_HEADER[language], "|---" * 8 + "|", *(_chat_row(model, language) for model in chat), ""]
    lines += [_EMBEDDING_HEADER[language], "|---" * 3 + "|"]
    for model in embedding:
        size, longest = _number(model.dimensions, language), _number(model.context, language)
        lines.append(f"| `{model.name}` | {size} | {longest} |")
    return "\n".join(lines) + "\n"


def tables(language: str) -> dict[str, str]:
    return {"parameters": parameters(language), "models": models(language)}


if __name__ == "__main__":
    for readme in READMES:
        readme.write_text(with_generated(readme, tables("en" if readme == ENGLISH else "ru")), encoding="utf-8")
