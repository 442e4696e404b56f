"""``litellm-gigachat proxy``: LiteLLM's proxy in front of GigaChat, on http://localhost:4000 unless told otherwise.

LiteLLM's own server runs as a child process. This one checks what would otherwise fail late or unclearly, hands the
child its environment, and ends it (its workers, too) together with itself.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import inspect
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .assistants import ASSISTANTS, instructions, values_of
from .proxy_server import CHILD, serve_until_stopped, when_listening

DEFAULT_CONFIG = Path(__file__).with_name("proxy_config.yaml")
_PACKAGE = __package__.partition(".")[0]
_NEEDED = ("fastapi", "uvicorn", "yaml", "backoff", "apscheduler", "orjson", "multipart")
_ANY_KEY = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"
_MASTER_KEY = "LITELLM_MASTER_KEY"
# What a file of the package's name beside the config must say: LiteLLM takes the handler from there if there is one.
_SHIM = f"from {_PACKAGE} import gigachat"
_STAND_IN = (
    "A scripted stand-in answers, not GigaChat: there is no real model. It makes its answers of what it is asked and "
    "may call tools by simple rules, so beware of assistants that run tools without asking."
)
_MAP_ENTRY = f"custom_provider_map: [{{provider: gigachat, custom_handler: {_PACKAGE}.gigachat}}]"


class _RefusalError(Exception):
    """Why the proxy is not started, in one sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4000, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--config", type=Path, help="LiteLLM config.yaml (default: gigachat, -pro, -max, -embeddings)")
    parser.add_argument("--sandbox", action="store_true", help="answer from the bundled sandbox; needs no key")
    parser.add_argument(
        "--api-key",
        help=f"key that clients must show; {_MASTER_KEY} in the environment keeps it out of the process list. "
        "Without either, any client key is taken, on loopback only",
    )
    parser.add_argument(
        "--for", choices=ASSISTANTS, dest="assistant", help="print what this program's settings need, once it listens"
    )
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: %(default)s)")
    parser.add_argument("--debug", action="store_true", help="LiteLLM's detailed log (shows prompts, never the key)")


def run(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C or SIGTERM: 0. 2 when it is not started; else the server's own exit code."""
    with contextlib.ExitStack() as stack:
        try:
            _check_installed(arguments)
            path = (arguments.config or DEFAULT_CONFIG).resolve()
            config = _read_config(path)
            path = _beside_the_handler(path, stack)
            environment = _client_key(arguments, config)
            port = _free_port(arguments.host, arguments.port)
            if arguments.sandbox:
                environment = _with_sandbox(environment, stack)
            else:
                _check_credentials(config)
            any_key = _ANY_KEY in environment
            to_paste = _to_paste(arguments, config, port, any_key=any_key) if arguments.assistant else ""
        except _RefusalError as refusal:
            print(refusal, file=sys.stderr)
            return 2
        _announce(arguments, port, any_key=any_key)
        if to_paste:
            when_listening(arguments.host, port, lambda: print(f"\n{to_paste}", flush=True))
        return serve_until_stopped(_command(arguments, path, port), environment)


# --- what is checked before anything starts ------------------------------------------------------------


def _check_installed(arguments: argparse.Namespace) -> None:
    missing = next((name for name in _NEEDED if importlib.util.find_spec(name) is None), None)
    if missing:
        raise _RefusalError(
            f"The proxy needs LiteLLM's proxy extra ({missing} is missing): pip install 'litellm[proxy]'"
        )
    if arguments.workers < 1:
        raise _RefusalError(f"--workers must be 1 or more, got {arguments.workers}.")


def _read_config(chosen: Path) -> Mapping[str, Any]:
    import yaml

    try:
        config = yaml.safe_load(chosen.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise _RefusalError(f"The config {chosen} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise _RefusalError(f"The config {chosen} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise _RefusalError(f"The config {chosen} has no settings: it must be a mapping with model_list.")
    if _gigachat_models(config) and "include" not in config and not _maps_provider(config):
        # LiteLLM's workers would not import this package, and its built-in provider would answer.
        raise _RefusalError(
            f"The config {chosen} does not route gigachat/ here. Add under litellm_settings: {_MAP_ENTRY}"
        )
    return config


def _beside_the_handler(config: Path, stack: contextlib.ExitStack) -> Path:
    """The config to serve from: LiteLLM before 1.98 loads handlers from files in its folder, and from nowhere else."""
    shim = config.with_name(f"{_PACKAGE}.py")
    if shim.exists():
        if _SHIM in shim.read_text(encoding="utf-8", errors="replace"):
            return config
        raise _RefusalError(
            f"{shim} lies beside the config, so LiteLLM would load it instead of the package: rename it."
        )
    if not _needs_a_file():
        return config
    if config != DEFAULT_CONFIG.resolve():
        raise _RefusalError(f"This LiteLLM needs a file {shim} that says: {_SHIM} (LiteLLM from 1.98 on does not).")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gigachat-proxy-")))
    (folder / shim.name).write_text(f"{_SHIM}\n", encoding="utf-8")
    return Path(shutil.copy(config, folder))


def _needs_a_file() -> bool:
    from litellm.proxy.types_utils.utils import get_instance_fn

    return "Could not find module file" in inspect.getsource(get_instance_fn)


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _model_list(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = config.get("model_list")
    return [item for item in models if isinstance(item, dict)] if isinstance(models, list) else []


def _gigachat_models(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ``litellm_params`` of the config's GigaChat models."""
    found = [item.get("litellm_params") for item in _model_list(config)]
    return [params for params in found if isinstance(params, dict) and str(params.get("model")).startswith("gigachat/")]


def _maps_provider(config: Mapping[str, Any]) -> bool:
    entries = _section(config, "litellm_settings").get("custom_provider_map")
    return isinstance(entries, list) and any(isinstance(e, dict) and e.get("provider") == "gigachat" for e in entries)


def _client_key(arguments: argparse.Namespace, config: Mapping[str, Any]) -> dict[str, str]:
    """The child's environment, with the key that clients must show or LiteLLM's leave to do without one."""
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", **os.environ}  # no price list download at start
    environment.pop(_ANY_KEY, None)
    key = arguments.api_key or environment.pop(_MASTER_KEY, "").strip() or _from_dotenv(_MASTER_KEY)
    if key:
        return {**environment, _MASTER_KEY: key}
    if arguments.api_key is not None:
        raise _RefusalError("--api-key is empty.")
    if _config_key(config):
        return environment
    if not _is_loopback(arguments.host):
        raise _RefusalError(
            f"Bound to {arguments.host}, the proxy would give everyone who reaches this machine your GigaChat account: "
            f"set a client key with --api-key or {_MASTER_KEY}."
        )
    # LiteLLM from 1.105 on (1.81 to 1.98 do not ask) refuses to start without a master key unless told so.
    return {**environment, _ANY_KEY: "true"}


def _config_key(config: Mapping[str, Any]) -> str | None:
    key = _section(config, "general_settings").get("master_key")
    if isinstance(key, str) and key.startswith("os.environ/"):
        return os.environ.get(key.partition("/")[2])
    return str(key) if key else None


def _from_dotenv(name: str) -> str:
    from dotenv import dotenv_values

    from ..settings.environment import locate

    path = locate(None).path
    try:
        return ((dotenv_values(path).get(name) if path else None) or "").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_loopback(host: str) -> bool:
    """Whether every address the name stands for is this machine's own."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)} if host else set()
    except OSError as error:
        raise _RefusalError(f"--host {host} is no address of this machine: {error}") from error
    return bool(found) and all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def _free_port(host: str, port: int) -> int:
    """The port itself, if it is free: LiteLLM would quietly take a random one instead of a busy 4000."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
            return int(probe.getsockname()[1])
        except (OSError, OverflowError) as error:
            raise _RefusalError(
                f"Cannot listen on {host} port {port} ({error}): choose another with --port."
            ) from error


def _check_credentials(config: Mapping[str, Any]) -> None:
    from ..errors import CredentialsError, GigaChatError
    from ..settings import Overrides, resolve

    models = _gigachat_models(config)
    if not models or all(params.get("api_key") for params in models):
        return
    try:
        resolve(Overrides())
    except CredentialsError as error:
        raise _RefusalError(f"{error}. To try it without a key: litellm-gigachat proxy --sandbox") from error
    except GigaChatError as error:
        raise _RefusalError(str(error)) from error


def _with_sandbox(environment: dict[str, str], stack: contextlib.ExitStack) -> dict[str, str]:
    try:
        from ..sandbox import Sandbox

        sandbox = stack.enter_context(Sandbox())
    except ImportError as error:
        raise _RefusalError(f'The sandbox needs its extra ({error.name}): pip install -e ".[sandbox]"') from error
    kept = {name: value for name, value in environment.items() if not name.startswith("GIGACHAT_")}
    return {**kept, **sandbox.env}


# --- the server process --------------------------------------------------------------------------------


def _command(arguments: argparse.Namespace, config: Path, port: int) -> list[str]:
    command = [sys.executable, "-c", CHILD, "--config", str(config)]
    command += ["--host", arguments.host, "--port", str(port), "--num_workers", str(arguments.workers)]
    return [*command, "--detailed_debug"] if arguments.debug else command


def _url(arguments: argparse.Namespace, port: int) -> str:
    shown = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    return f"http://{'localhost' if shown == '127.0.0.1' else shown}:{port}"


def _to_paste(arguments: argparse.Namespace, config: Mapping[str, Any], port: int, *, any_key: bool) -> str:
    """Output ends up in logs: the place of the client key is shown, never the key."""
    url = _url(arguments, port).replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
    try:
        values = values_of(arguments.assistant, _model_list(config), url, "any-key" if any_key else "PROXY-KEY")
    except LookupError as error:
        raise _RefusalError(f"--for {arguments.assistant}: {error.args[0]}") from error
    key = "" if any_key else f"For PROXY-KEY put the key that clients must show (--api-key or {_MASTER_KEY}).\n"
    return instructions(arguments.assistant, values) + key


def _announce(arguments: argparse.Namespace, port: int, *, any_key: bool) -> None:
    answers = "the bundled sandbox" if arguments.sandbox else "GigaChat"
    if arguments.sandbox:
        print(_STAND_IN, flush=True)
    key = "any client key is taken" if any_key else "clients must show the key"
    print(f"Starting LiteLLM's proxy on {_url(arguments, port)} for {answers}; {key}. Ctrl-C ends it.", flush=True)
