"""Состояние токена и счётчики процесса. Сам токен не показывается нигде."""

from __future__ import annotations

import litellm

import litellm_gigachat_provider


def show(title: str) -> dict:
    info = litellm_gigachat_provider.token_info()
    print(f"{title}: токен активен: {info['has_token']}, истекает через {info['expires_in_seconds']} с")
    return info


def main() -> None:
    show("до запроса")
    for text in ("Привет!", "Ещё раз привет!"):  # один токен на все запросы, обновляется сам
        litellm.completion(model="gigachat/GigaChat-2-Max", messages=[{"role": "user", "content": text}])
    info = show("после запросов")
    for name, value in litellm_gigachat_provider.stats().items():
        print(f"  {name}: {value}")
    if not info["has_token"]:
        raise SystemExit("токена нет")


if __name__ == "__main__":
    main()
