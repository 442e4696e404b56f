"""Router из LiteLLM: повторы, запасная модель, одно имя для нескольких размещений."""

from __future__ import annotations

import asyncio

from litellm import Router

import litellm_gigachat_provider  # noqa: F401

router = Router(
    model_list=[
        # Такой модели нет: GigaChat ответит 404, и запрос уйдёт к запасной.
        {"model_name": "main", "litellm_params": {"model": "gigachat/GigaChat-Not-Here"}},
        {"model_name": "spare", "litellm_params": {"model": "gigachat/GigaChat-2-Max"}},
        # У размещения может быть и свой ключ: "api_key": "os.environ/GIGACHAT_CREDENTIALS_2"
        {"model_name": "spare", "litellm_params": {"model": "gigachat/GigaChat-2-Pro"}},
    ],
    fallbacks=[{"main": ["spare"]}],
    num_retries=1,  # 429 и 5xx повторяются, Retry-After соблюдается
)


def main() -> None:
    question = [{"role": "user", "content": "Привет!"}]
    response = router.completion(model="main", messages=question)
    print(response.model, "->", response.choices[0].message.content)

    async def also() -> None:
        answer = ""
        async for chunk in await router.acompletion(model="main", messages=question, stream=True):
            answer += chunk.choices[0].delta.content or ""
        print("поток ->", answer)
        if not answer:
            raise SystemExit("пустой ответ")

    asyncio.run(also())


if __name__ == "__main__":
    main()
