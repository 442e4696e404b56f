"""One who uses Open WebUI: looks at the page, types and clicks; and what of it reached the sandbox."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.support.ui import WebDriverWait

LOOK_SECONDS = 90


class NotHeldError(Exception):
    """What a user would have missed."""


class User:
    def __init__(self, driver: Any, url: str, sandbox: Any, home: Path) -> None:
        self.driver, self.url, self.sandbox, self.home = driver, url, sandbox, home
        self._before, self._follow_up = 0, ""
        driver.get(url)
        self.click("//button[contains(., 'Давайте начнём')]", "the release notes of a first visit")

    def until(self, look: Callable[[], Any], what: str) -> Any:
        """What ``look`` finds on a page that changes under it."""
        wait = WebDriverWait(self.driver, LOOK_SECONDS, 0.2, (WebDriverException, IndexError))
        try:
            return wait.until(lambda _: look())
        except TimeoutException:
            raise NotHeldError(f"{what}: not there after {LOOK_SECONDS} s") from None

    def see(self, xpath: str, what: str) -> Any:
        def look() -> Any:
            return next((item for item in self.driver.find_elements("xpath", xpath) if item.is_displayed()), None)

        return self.until(look, what)

    def click(self, xpath: str, what: str) -> None:
        self.until(lambda: self.driver.find_element("xpath", xpath).click() or True, what)

    def switch_on(self, *names: str) -> None:
        """Through the menu of tools in the message box; a click while a menu moves gets lost and is repeated."""
        self.click("//*[@id='integration-menu-button']", "the menu of tools")
        for name in names[:-1]:
            self.click(f"//*[@role='menuitem'][contains(., '{name}')]", name)

        def on() -> bool:
            switch = self.driver.find_element("xpath", f"//*[@role='menuitemcheckbox'][contains(., '{names[-1]}')]")
            if switch.get_attribute("aria-checked") != "true":
                switch.click()
                time.sleep(1)
            return bool(switch.get_attribute("aria-checked") == "true")

        self.until(on, f"the switch of {names[-1]}")
        self.click("//*[@id='chat-input']", "the message box")

    def new_chat(self, title: str, *follow_ups: str) -> None:
        """``follow_ups``: what is proposed after each answer."""
        self.driver.get(self.url)
        self.see("//*[@id='chat-input']", "the message box")
        self._before = len(self.sandbox.requests)
        self.sandbox.knobs.stream.chunk_delay = 0.0
        self.sandbox.world.scripts.clear()  # what a step before this one left when it failed
        # Open WebUI asks the model for these beside every answer.
        self.sandbox.script([json.dumps({"title": title})], when=lambda asked: '"title"' in asked.prompt)
        proposed = [json.dumps({"follow_ups": [text]}) for text in follow_ups]
        self.sandbox.script(proposed, when=lambda asked: "follow_ups" in asked.prompt)
        self._follow_up = follow_ups[-1]

    def attach(self, name: str, data: bytes) -> None:
        path = self.home / name
        path.write_bytes(data)
        self.driver.find_element("xpath", "//input[@type='file']").send_keys(str(path))
        self.see(f"//*[contains(., '{name}') or @alt='{name}']", f"{name} in the message box")

    def ask(self, text: str) -> None:
        box = self.see("//*[@id='chat-input']", "the message box")
        box.click()
        box.send_keys(text)

        def shown() -> bool:
            if self.driver.find_elements("xpath", f"//*[contains(@class, 'chat-user')][contains(., '{text}')]"):
                return True
            self.driver.find_element("id", "send-message-button").click()  # refused while a file is being read
            time.sleep(1)
            return False

        self.until(shown, "one's own message")

    def read(self, *words: str) -> str:
        """The last answer, once it holds all ``words``."""

        def look() -> str:
            text = str(self.driver.find_elements("xpath", "//*[contains(@class, 'chat-assistant')]")[-1].text)
            return text if all(word in text for word in words) else ""

        return str(self.until(look, f"an answer with {' and '.join(words)}"))

    def finish(self) -> None:
        """The chat is at rest: what Open WebUI asks after an answer has been answered, too."""
        self.see(f"//button[contains(., '{self._follow_up}')]", "the follow-up")

    def api(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def sent(self, where: str) -> list[Any]:
        """What reached the sandbox since the chat began."""
        return [record for record in self.sandbox.requests[self._before :] if record.where == where]

    def bodies(self, words: str, count: int = 1) -> list[dict[str, Any]]:
        """The chat requests with these words at the end of what the user said last: Open WebUI's own end otherwise."""
        found = [
            body
            for body in (record.json for record in self.sent("chat"))
            if [said["content"] for said in body["messages"] if said["role"] == "user"][-1].endswith(words)
        ]
        expect(len(found) == count, f"GigaChat was asked {len(found)} times for {words!r}, not {count}")
        return found


def expect(holds: object, what: str) -> None:
    if not holds:
        raise NotHeldError(what)
