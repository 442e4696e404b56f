"""Installs the programs into a folder, each apart from the others; what is there already is used as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .programs import Program

NODE = "node@24"  # Claude Code and Qwen Code want 22 or newer
_SECONDS = 1800


class InstallError(Exception):
    """Why a program is not there, in a few words."""


def install(program: Program, folder: Path) -> list[Path]:
    """The folders for PATH that hold the program and the node it runs on."""
    if program.pip:
        return [_environment(folder / program.name, program.packages)]
    node = _npm(folder / "node", (NODE,), "node")
    return [_npm(folder / program.name, program.packages, program.binary, node), node]


def version(program: Program, path: list[Path]) -> str:
    """The last word of what ``--version`` says that looks like a version."""
    env = {**os.environ, "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", "")])}
    try:
        done = subprocess.run(
            [program.binary, "--version"], env=env, capture_output=True, text=True, timeout=120, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InstallError(f"--version: {type(error).__name__}") from error
    return next(word for word in done.stdout.replace("v", "").split() if word[:1].isdigit())


def _npm(folder: Path, packages: tuple[str, ...], binary: str, node: Path | None = None) -> Path:
    programs = folder / "node_modules" / ".bin"
    if not (programs / binary).exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise InstallError("npm is missing")
        path = os.pathsep.join([*([str(node)] if node else []), os.environ["PATH"]])
        options = ["--no-audit", "--no-fund", "--no-update-notifier", "--prefix", str(folder)]
        _run([npm, "install", *options, *packages], {**os.environ, "PATH": path})
    return programs


def _environment(folder: Path, packages: tuple[str, ...]) -> Path:
    programs = folder / "bin"
    if not (folder / "done").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], dict(os.environ))
        pip = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, *packages], dict(os.environ))
        (folder / "done").touch()
    return programs


def _run(command: list[str], env: dict[str, str]) -> None:
    print(f"== {' '.join(command)}", flush=True)
    try:
        subprocess.run(command, env=env, check=True, timeout=_SECONDS, stdout=subprocess.DEVNULL)
    except subprocess.SubprocessError as error:
        raise InstallError(f"not installed: {type(error).__name__}") from error
