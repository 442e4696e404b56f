"""What people do in Open WebUI, each with what they see and what GigaChat was sent. NotHeldError: what was missing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

from litellm_gigachat_provider.sandbox import Call, Fault

from .user import User, expect

SENTENCE = "Арендная плата составляет 31 700 рублей в месяц и вносится до пятого числа каждого месяца."
DOCUMENT = f"""Договор аренды № 17 от 3 марта 2026 года.

Арендодатель передаёт арендатору помещение площадью 42 квадратных метра: город Тула, улица Садовая, дом 5.
{SENTENCE}

{"Арендатор содержит помещение в чистоте и сообщает арендодателю о каждой поломке в тот же день. " * 12}

Договор заключён на одиннадцать месяцев.
"""
TOOL = '''
class Tools:
    def stock_level(self, article: str) -> str:
        """
        Остаток товара на складе по его артикулу.
        :param article: артикул товара
        """
        return f"{article}: 37 штук"
'''


def asks(*words: str) -> Callable[[Any], bool]:
    """Picks the questions that end with the first words and hold the others."""
    return lambda asked: asked.prompt.endswith(words[0]) and all(word in asked.prompt for word in words)


def png(size: int = 160) -> bytes:
    """A red circle on white."""
    rows = b""
    for y in range(size):
        inside = [(x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2 for x in range(size)]
        rows += b"\0" + b"".join(b"\xd2\x28\x28" if red else b"\xff\xff\xff" for red in inside)
    out = b"\x89PNG\r\n\x1a\n"
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def question(user: User) -> None:
    """Typed in Russian, answered on the screen piece by piece, with Markdown."""
    user.new_chat("Столица Франции", "А какая столица у Италии?")
    answer = "Столица Франции — **Париж**. Город стоит на Сене, в нём два миллиона жителей."
    user.sandbox.script([answer], when=asks("Франции?"))
    user.sandbox.knobs.stream.chunk_delay = 1.5
    user.ask("Какая столица у Франции?")
    early = user.read("Столица Франции")
    user.read(answer.replace("*", ""))
    user.finish()
    expect("жителей" not in early, "the answer came all at once")
    user.see("//*[contains(@class, 'chat-assistant')]//strong[. = 'Париж']", "bold type")
    (body,) = user.bodies("Какая столица у Франции?")
    expect(body["model"] == "GigaChat-2-Max" and body["stream"] is True, f"sent: {body}")
    expect("functions" not in body, "functions nobody asked for, paid with every message")


def titles(user: User) -> None:
    """Title and follow-up are the model's; a follow-up that is clicked is the next question."""
    user.new_chat("Моря и океаны", "Какое море самое солёное?", "Почему оно такое солёное?")
    user.sandbox.script(["Самый большой океан — Тихий."], when=asks("большой?"))
    user.sandbox.script(["Самое солёное море — Красное."], when=asks("солёное?"))
    user.ask("Какой океан самый большой?")
    user.read("Тихий")
    user.see("//*[normalize-space(text()) = 'Моря и океаны']", "the chat's title")
    user.click("//button[contains(., 'Какое море самое солёное?')]", "the follow-up")
    user.read("Красное")
    user.finish()
    (body,) = user.bodies("солёное?")
    expect([said["role"] for said in body["messages"]] == ["user", "assistant", "user"], f"sent: {body['messages']}")


def picture(user: User) -> None:
    """Described by a model that was given this very file: its id stands in `attachments`."""
    user.new_chat("Красный круг", "Какого он размера?")
    data = png()
    seen = "Красный круг на белом фоне."
    user.sandbox.script(
        [seen], when=lambda asked: [size for said in asked.turn for _, size in said.files] == [len(data)]
    )
    user.attach("circle.png", data)
    user.ask("Что изображено на картинке?")
    user.read(seen)
    user.finish()
    uploads = [record.body for record in user.sent("files")]
    expect(len(uploads) == 1 and data in uploads[0] and b"image/png" in uploads[0], f"uploaded: {uploads}")
    (body,) = user.bodies("на картинке?")
    expect(len(body["messages"][-1]["attachments"]) == 1, f"sent: {body['messages']}")


def document(user: User) -> None:
    user.new_chat("Договор аренды", "На какой срок заключён договор?")
    user.sandbox.script(['{"queries": ["стоимость аренды"]}'], when=lambda asked: '"queries"' in asked.prompt)
    user.sandbox.script(["Аренда стоит 31 700 рублей в месяц [1]."], when=asks("стоит аренда?", SENTENCE))
    user.attach("dogovor.txt", DOCUMENT.encode())
    user.until(lambda: user.sent("embeddings"), "the document's embeddings")
    user.ask("Сколько стоит аренда?")
    user.read("31 700 рублей")
    user.see("//*[contains(@class, 'chat-assistant')]//button[contains(., 'dogovor.txt')]", "the source in the answer")
    user.finish()
    texts = [record.json["input"] for record in user.sent("embeddings")]
    expect(all(record.json["model"] == "Embeddings" for record in user.sent("embeddings")), "another embeddings model")
    expect(len(texts[0]) > 1 and SENTENCE in " ".join(texts[0]), f"embedded at first: {texts[0]}")
    expect(texts[1:] == [["стоимость аренды"]], f"embedded for the question: {texts[1:]}")


def tool(user: User) -> None:
    """A tool of one's own, made through Open WebUI's API; called, run, and its result told to the model."""
    login = user.api("auths/signin", {"email": "", "password": ""})
    made = {"id": "stock", "name": "Склад", "content": TOOL, "meta": {"description": "Остатки на складе"}}
    user.api("tools/create", made, login["token"])
    user.new_chat("Остаток на складе", "А сколько A-1025?")
    turns = [Call("stock_level", {"article": "A-1024"}), "На складе A-1024: 37 штук."]
    user.sandbox.script(turns, when=lambda asked: bool(asked.functions))
    user.switch_on("Инструменты", "Склад")
    user.ask("Сколько товара с артикулом A-1024 на складе?")
    user.read("A-1024: 37 штук")
    user.finish()
    first, second = user.bodies("на складе?", 2)
    expect([item["name"] for item in first["functions"]] == ["stock_level"], f"functions: {first['functions']}")
    roles = [said["role"] for said in second["messages"]]
    expect(roles == ["user", "assistant", "function"], f"roles after the call: {roles}")
    expect("37 штук" in second["messages"][-1]["content"], f"the result: {second['messages'][-1]}")


def drawing(user: User) -> None:
    user.new_chat("Рыжий кот", "А теперь чёрного")
    turns = [Call("generate_image", {"prompt": "рыжий кот на окне"}), "Вот рыжий кот."]
    user.sandbox.script(turns, when=lambda asked: bool(asked.functions))
    user.switch_on("Изображение")
    user.ask("Нарисуй рыжего кота на окне")
    user.read("Вот рыжий кот.")
    user.finish()
    shown = user.see("//img[contains(@src, '/files/')]", "the picture")
    expect(user.driver.execute_script("return arguments[0].naturalWidth", shown), "the picture cannot be shown")
    user.bodies("рыжий кот на окне")


def refusal(user: User) -> None:
    """What the account lacks is told on the screen, once, in words a user can act on."""
    user.new_chat("Отказ", "Повторить")
    user.sandbox.script([Fault(status=402)], when=asks("смысл жизни?"))
    user.ask("В чём смысл жизни?")
    user.read("402", "token package of this key is used up")
    user.bodies("смысл жизни?")


def one_account(user: User) -> None:
    """Of all these calls, many of them at once, GigaChat refused none, and never had two to do."""
    user.until(lambda: all(record.status for record in user.sandbox.requests), "an end to the requests")
    bad = [(record.path, record.status, record.refusal) for record in user.sandbox.requests]
    bad = [item for item in bad if item[1] not in (200, 402)]
    expect(not bad, f"refused: {bad}")
    expect(user.sandbox.world.most_running == 1, f"{user.sandbox.world.most_running} at once")


STEPS: dict[str, Callable[[User], None]] = {
    "question": question, "titles": titles, "picture": picture, "document": document, "tool": tool,
    "drawing": drawing, "refusal": refusal, "one-account": one_account,
}  # fmt: skip
