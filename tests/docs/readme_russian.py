"""Russian words for the generated parameter table. A note of ``mapping.params`` without an entry fails a test."""

from __future__ import annotations

PARAMETER_HEADER = "| параметр | что происходит | GigaChat v1 | GigaChat v2 | примечание |"

KINDS = {
    "sent": "передаётся",
    "mapped": "преобразуется",
    "emulated": "эмулируется",
    "accepted": "принимается",
    "refused": "отклоняется",
}

_NEUTRAL = "только нейтральное значение"

NOTES = {
    "": "",
    "roles, parts, calls and results by GigaChat's history rules": "роли, части, вызовы и результаты — по правилам истории GigaChat",
    "without the prefix `gigachat/`": "без префикса `gigachat/`",
    "0 becomes `top_p: 0`; above 2 is cut to 2": "0 превращается в `top_p: 0`; больше 2 — урезается до 2",
    "0 to 1": "от 0 до 1",
    "at least 1": "не меньше 1",
    "wins over `max_tokens`": "важнее `max_tokens`",
    "1 to 128, by parallel requests; the prompt is counted once": "от 1 до 128, параллельными запросами; промпт считается один раз",
    "exactly, and it ends the generation; up to 64 strings": "точно, с остановкой генерации; до 64 строк",
    "usage always comes; LiteLLM shows it as asked": "расход токенов приходит всегда; LiteLLM показывает его по запросу",
    "schemas simplified, refused names aliased and restored": "схемы упрощаются, недопустимые имена заменяются и восстанавливаются",
    "`required` with several tools is emulated": "`required` с несколькими инструментами эмулируется",
    "legacy; answered with `function_call`": "устаревший; ответ приходит в `function_call`",
    "legacy; `auto` alone switches built-ins on": "устаревший; один `auto` включает встроенные функции",
    "v1 always answers with one call": "v1 всегда отвечает одним вызовом",
    "native where the model takes it, else a forced function; `json_object` by instruction; `regex` on v2": "средствами модели, где она умеет, иначе принудительной функцией; `json_object` — инструкцией; `regex` — в v2",
    "low, medium, high; `minimal` is low, `xhigh` and `max` are high, `none` and `disable` are left out": "low, medium, high; `minimal` — это low, `xhigh` и `max` — это high, `none` и `disable` не передаются",
    "by its budget: 2048 medium, 4096 high": "по бюджету: от 2048 — medium, от 4096 — high",
    "header; context cache affinity": "заголовок; привязка к кешу контекста",
    "part of the session id, never sent": "входит в идентификатор сессии, сам не передаётся",
    "`session_id` in it makes the session id": "`session_id` внутри задаёт идентификатор сессии",
    "nothing is stored; see `storage`": "ничего не сохраняется; см. `storage`",
    "not sent": "не передаётся",
    "GigaChat keeps its cache as it likes": "GigaChat сам решает, сколько хранить кеш",
    "a hint for speed; the answer is the same": "подсказка для скорости; на ответ не влияет",
    "changes nothing": "ничего не меняет",
    "`X-Session-ID`, `X-Request-ID`, `X-Client-ID`": "`X-Session-ID`, `X-Request-ID`, `X-Client-ID`",
    'only `["text"]`': 'только `["text"]`',
    "only the neutral value is taken: `auto` or `default`": f"{_NEUTRAL}: `auto` или `default`",
    "only the neutral value is taken: `medium`": f"{_NEUTRAL}: `medium`",
    "only the neutral value is taken: 0; see `repetition_penalty`": f"{_NEUTRAL}: 0; см. `repetition_penalty`",
    "only the neutral value is taken: empty": f"{_NEUTRAL}: пустой набор",
    "v2 only, by agreement with GigaChat": "только v2, по согласованию с GigaChat",
    "v2 only, 1 to 5": "только v2, от 1 до 5",
    "GigaChat does not speak": "GigaChat не отвечает голосом",
    "v2 only": "только v2",
    "known names are checked as usual, unknown ones sent as they are": "известные имена проверяются как обычно, неизвестные передаются как есть",
    "above 0, 1 neutral": "больше 0, нейтральное значение — 1",
    "seconds between chunks": "секунд между фрагментами потока",
    "false switches the filter off": "false выключает фильтр",
    "feature flags, by agreement": "флаги возможностей, по согласованию",
    "threads kept by GigaChat; `thread_id` comes back": "диалоги на стороне GigaChat; возвращается `thread_id`",
    "`{enabled, top_n}`": "`{enabled, top_n}`",
    "v2's word for `function_ranker`": "так `function_ranker` называется в v2",
    "v2's word, inverse": "слово из v2 с обратным смыслом",
    "v2 only; `{timezone}`": "только v2; `{timezone}`",
    "v2 only; on v1 inside `storage`": "только v2; в v1 — внутри `storage`",
    "header, sent as it is": "заголовок, передаётся как есть",
    "`native` or `function`: how `response_format` is met": "`native` или `function`: как выполняется `response_format`",
    "false: no derived `X-Session-ID`": "false — не вычислять `X-Session-ID`",
    "the account's scope": "область доступа (scope) ключа",
}
