"""What an assistant is told to talk to the proxy: the one source of ``proxy --for NAME`` and of README's snippets.

The snippets are the files beside this one: ``NAME.sh`` goes to a terminal, ``NAME.txt`` into a dialog, the rest into
files of the program. What differs from run to run is ``$url`` and the like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from ...models import Model, find

_HERE: Final = Path(__file__).parent
_PREFIX: Final = "gigachat/"
_CONTEXT, _ANSWER = 131072, 8192  # tokens, for a model whose own are not published


@dataclass(frozen=True)
class Snippet:
    """``place`` is a file of the user's, or words that say where to paste."""

    file: str
    place: str


@dataclass(frozen=True)
class Assistant:
    title: str
    snippets: tuple[Snippet, ...]
    start: str  # what to do when all is pasted


@dataclass(frozen=True)
class Values:
    """``url`` without a path; ``context`` and ``answer`` in tokens."""

    url: str = "http://localhost:4000"
    key: str = "any-key"
    model: str = "gigachat"
    embeddings: str = "gigachat-embeddings"
    context: int = find("GigaChat-2-Max").context or _CONTEXT
    answer: int = find("GigaChat-2-Max").max_output or _ANSWER


_TERMINAL: Final = "the terminal"
ASSISTANTS: Final[Mapping[str, Assistant]] = {
    "claude-code": Assistant("Claude Code", (Snippet("claude-code.sh", _TERMINAL),), "claude"),
    "cline": Assistant(
        "Cline",
        (Snippet("cline.txt", "Cline's settings in the editor"), Snippet("cline.sh", _TERMINAL)),
        "cline",
    ),
    "continue": Assistant("Continue", (Snippet("continue.yaml", "~/.continue/config.yaml"),), "cn"),
    "aider": Assistant(
        "aider",
        (Snippet("aider.sh", _TERMINAL), Snippet("aider.json", "~/.aider.model.metadata.json")),
        "aider --model openai/$model",
    ),
    "opencode": Assistant("opencode", (Snippet("opencode.json", "~/.config/opencode/opencode.json"),), "opencode"),
    "codex": Assistant("Codex", (Snippet("codex.toml", "~/.codex/config.toml"),), "codex"),
    "qwen-code": Assistant("Qwen Code", (Snippet("qwen-code.json", "~/.qwen/settings.json"),), "qwen"),
    "open-webui": Assistant("Open WebUI", (Snippet("open-webui.sh", _TERMINAL),), "open-webui serve"),
}


def filled(snippet: Snippet, values: Values) -> str:
    return _substituted((_HERE / snippet.file).read_text(encoding="utf-8"), values)


def _substituted(text: str, values: Values) -> str:
    return Template(text).substitute(asdict(values))


def instructions(name: str, values: Values) -> str:
    """All that has to be pasted for one assistant, ready to be printed."""
    assistant = ASSISTANTS[name]
    parts = [f"{assistant.title}. Into {item.place}:\n\n{filled(item, values)}" for item in assistant.snippets]
    return "\n".join([*parts, f"Then start it: {_substituted(assistant.start, values)}\n"])


def values_of(name: str, model_list: Iterable[Mapping[str, Any]], url: str, key: str) -> Values:
    """The values of a run from its config's ``model_list``; LookupError if no model there is what ``name`` needs."""
    found: dict[str, tuple[str, Model]] = {}  # mode -> the first model of the proxy, and what is known of it
    for item in model_list:
        model = str((item.get("litellm_params") or {}).get("model"))
        if model.startswith(_PREFIX) and "*" not in model:
            known = find(model.removeprefix(_PREFIX))
            found.setdefault(known.mode, (str(item.get("model_name")), known))
    needed = {"chat", "embedding"} if name == "open-webui" else {"chat"}
    if missing := sorted(needed - set(found)):
        raise LookupError(f"The config's model_list names no GigaChat model for {' and '.join(missing)}.")
    shown, known = found["chat"]
    embeddings = found["embedding"][0] if "embedding" in found else Values.embeddings
    return Values(url, key, shown, embeddings, known.context or _CONTEXT, known.max_output or _ANSWER)
