"""What was sent, read the same way for both contracts, so that one test serves v1 and v2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Sent:
    """A chat body as recorded by the sandbox. ``raw`` is the body itself."""

    raw: dict[str, Any]
    path: str
    headers: dict[str, str]

    @property
    def contract(self) -> str:
        return "v2" if "/v2/" in self.path else "v1"

    @property
    def options(self) -> dict[str, Any]:
        """Sampling and the like, wherever the contract puts them."""
        if self.contract == "v2":
            return self.raw.get("model_options", {})
        return {
            k: v for k, v in self.raw.items() if k not in {"model", "messages", "functions", "function_call", "stream"}
        }

    @property
    def functions(self) -> list[dict[str, Any]]:
        if self.contract == "v1":
            return self.raw.get("functions", [])
        found = [tool["functions"]["specifications"] for tool in self.raw.get("tools", []) if "functions" in tool]
        return [function for specifications in found for function in specifications]

    @property
    def choice(self) -> Any:
        """``auto``, ``none``, a function's name when it is forced, or None when nothing was said."""
        if self.contract == "v1":
            choice = self.raw.get("function_call")
            return choice["name"] if isinstance(choice, dict) else choice
        config = self.raw.get("tool_config") or {}
        return config.get("function_name") or config.get("tool_name") or config.get("mode")

    @property
    def turns(self) -> list[tuple[str, Any]]:
        """(role, content): text, ``{"call": name, "arguments": …}`` or ``{"result": …, "of": name}``."""
        return [turn for message in self.raw["messages"] for turn in self._turns(message)]

    def _turns(self, message: dict[str, Any]) -> list[tuple[str, Any]]:
        role = message["role"]
        if self.contract == "v1":
            if role == "function":
                return [("result", {"result": json.loads(message["content"]), "of": message["name"]})]
            turns: list[tuple[str, Any]] = [(role, message["content"])] if message["content"] else []
            call = message.get("function_call")
            return turns + ([("call", {"call": call["name"], "arguments": call["arguments"]})] if call else [])
        turns = []
        for part in message["content"]:
            if "text" in part:
                turns.append((role, part["text"]))
            elif "function_call" in part:
                call = part["function_call"]
                turns.append(("call", {"call": call["name"], "arguments": call["arguments"]}))
            elif "function_result" in part:
                result = part["function_result"]
                turns.append(("result", {"result": result["result"], "of": result["name"]}))
        return turns

    @property
    def files(self) -> list[list[str]]:
        """File ids by message, for messages that have any."""
        if self.contract == "v1":
            found = [message.get("attachments", []) for message in self.raw["messages"]]
        else:
            found = [
                [file["id"] for part in message["content"] for file in part.get("files", [])]
                for message in self.raw["messages"]
            ]
        return [ids for ids in found if ids]

    @property
    def states(self) -> list[str]:
        """Function state ids put back into history."""
        key = "functions_state_id" if self.contract == "v1" else "tools_state_id"
        return [message[key] for message in self.raw["messages"] if key in message]


def sent(sandbox: Any, index: int = -1) -> Sent:
    """The ``index``-th chat request the sandbox received."""
    chats = [r for r in sandbox.requests if r.path.endswith("/chat/completions")]
    recorded = chats[index]
    return Sent(recorded.json, recorded.path, dict(recorded.headers))


def chats(sandbox: Any) -> int:
    return sum(r.path.endswith("/chat/completions") for r in sandbox.requests)
