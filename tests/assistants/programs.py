"""The assistants: what is installed, how one prompt is put to each, and how each names the tools it offers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from litellm_gigachat_provider.sandbox import Call

# Nothing may leave this machine: what a program tries in spite of its switches ends at a closed port.
QUIET = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "NODE_USE_ENV_PROXY": "1",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "NO_COLOR": "1",
    "TERM": "dumb",
}


@dataclass(frozen=True)
class Program:
    """``ask`` is the command for one prompt, which comes last; it may read, edit and run without asking back."""

    name: str  # as in `proxy --for NAME`
    packages: tuple[str, ...]  # for npm, or for pip where `pip` is set
    binary: str
    ask: tuple[str, ...]
    read: Callable[[str], Call] | None = None
    edit: Callable[[str, str, str], Call] | None = None
    run: Callable[[str], Call] | None = None
    streaming: tuple[str, ...] | None = None  # more arguments with which it prints an answer as it comes
    summary: str | None = None  # words of its own request to shorten a conversation; "" where it shortens without one
    quiet: Mapping[str, str] = field(default_factory=dict)
    quiet_files: Mapping[str, str] = field(default_factory=dict)  # path below its home -> text
    variants: tuple[tuple[str, ...], ...] = ()  # more arguments with which it must find its model, too
    pip: bool = False
    dialog: Callable[[str], tuple[str, str]] | None = None  # what is typed into its settings -> the file they go to


def _cline_settings(typed: str) -> tuple[str, str]:
    """Its provider settings as Cline's own dialog keeps them."""
    fields = {name: value.strip() for name, _, value in (line.partition(":") for line in typed.splitlines())}
    provider = fields["API Provider"].lower()
    settings = {
        "provider": provider,
        "baseUrl": fields["Base URL"],
        "apiKey": fields["API Key"],
        "model": fields["Model"],
    }
    entry = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    kept = {"version": 1, "lastUsedProvider": provider, "providers": {provider: entry}}
    return ".cline/data/settings/providers.json", json.dumps(kept)


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "claude-code",
            ("@anthropic-ai/claude-code@2.1",),
            "claude",
            ("claude", "--allowedTools=Read,Edit,Bash", "-p"),
            lambda path: Call("Read", {"file_path": path}),
            lambda path, old, new: Call("Edit", {"file_path": path, "old_string": old, "new_string": new}),
            lambda command: Call("Bash", {"command": command, "description": "a step"}),
            streaming=("--output-format=stream-json", "--verbose", "--include-partial-messages"),
            summary="followed by a <summary> block",
            quiet={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"},
            variants=(("--model=opus",), ("--model=sonnet",), ("--model=haiku",)),
        ),
        Program(
            "cline",
            ("cline@3.0",),
            "cline",
            ("cline",),
            lambda path: Call("read_files", {"files": [{"path": path}]}),
            lambda path, old, new: Call("editor", {"path": path, "old_text": old, "new_text": new}),
            lambda command: Call("run_commands", {"commands": [command]}),
            streaming=(),
            summary="",
            dialog=_cline_settings,
            quiet_files={
                ".cline/data/settings/global-settings.json": '{"telemetryOptOut": true, "autoUpdateEnabled": false}'
            },
        ),
        Program(
            "opencode",
            ("opencode-ai@1.18",),
            "opencode",
            ("opencode", "run", "--auto"),
            lambda path: Call("read", {"filePath": path}),
            lambda path, old, new: Call("edit", {"filePath": path, "oldString": old, "newString": new}),
            lambda command: Call("bash", {"command": command}),
            summary="context summarization agent",
            quiet={
                "OPENCODE_DISABLE_AUTOUPDATE": "1",
                "OPENCODE_DISABLE_MODELS_FETCH": "1",
                "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            },
        ),
        Program(
            "continue",
            ("@continuedev/cli@1.5",),
            "cn",
            ("cn", "--auto", "-p"),
            lambda path: Call("Read", {"filepath": path}),
            lambda path, old, new: Call("Edit", {"file_path": path, "old_string": old, "new_string": new}),
            lambda command: Call("Bash", {"command": command}),
            quiet={"CONTINUE_TELEMETRY_ENABLED": "0"},
        ),
        Program(
            "qwen-code",
            ("@qwen-code/qwen-code@0.24",),
            "qwen",
            ("qwen", "--approval-mode=yolo"),
            lambda path: Call("read_file", {"file_path": path}),
            lambda path, old, new: Call("edit", {"file_path": path, "old_string": old, "new_string": new}),
            lambda command: Call("run_shell_command", {"command": command}),
            streaming=("--output-format=stream-json", "--include-partial-messages"),
            summary="produce the <state_snapshot>",
            quiet={
                "QWEN_USAGE_STATISTICS_ENABLED": "false",
                "QWEN_CODE_SKIP_UPDATE_CHECK_ONCE": "1",
                "QWEN_CODE_SUPPRESS_YOLO_WARNING": "1",
            },
        ),
        Program(
            "codex",
            ("@openai/codex@0.169",),
            "codex",
            ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
            # It has no other tools for a model that it does not know.
            lambda path: Call("exec_command", {"cmd": f"cat {path}"}),
            lambda path, old, new: Call("exec_command", {"cmd": f"sed -i s/{old}/{new}/ {path}"}),
            lambda command: Call("exec_command", {"cmd": command}),
        ),
        Program(
            "aider",
            ("aider-chat==0.86.*",),
            "aider",
            ("aider", "--model", "openai/gigachat", "--no-git", "--yes-always", "--message"),
            streaming=(),
            quiet={"AIDER_ANALYTICS": "false", "AIDER_CHECK_UPDATE": "false", "AIDER_SHOW_RELEASE_NOTES": "false"},
            pip=True,
        ),
    )
}
