"""``litellm-gigachat demo``: the main job in six steps, each checked, on the sandbox or the real service."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

MODEL = "gigachat/GigaChat-2-Max"
EMBEDDINGS = "gigachat/Embeddings"
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "City name"}},
            "required": ["city"],
        },
    },
}
_CITY_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "schema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Name of the city"},
                "population": {"type": "integer", "description": "Number of people"},
            },
            "required": ["name", "population"],
            "additionalProperties": False,
        },
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=MODEL, help="chat model (default: %(default)s)")
    parser.add_argument("--sandbox", action="store_true", help="use the sandbox even if credentials are set")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 only if every step worked."""
    try:
        endpoint = _endpoint(force_sandbox=arguments.sandbox)
    except ImportError as error:
        print(f'The sandbox needs its extra ({error.name}): pip install -e ".[sandbox]"', file=sys.stderr)
        return 2
    with endpoint as answers:
        from ..bridge.registration import register
        from ..bridge.versions import litellm_version

        register()
        print(f"LiteLLM {litellm_version()} → gigachat/ → {answers}\n")
        failed = [name for name, step in _STEPS if not _shown(name, step, arguments.model)]
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
        return 1
    print(f"\nAll {len(_STEPS)} steps worked; answered by {answers}.")
    return 0


@contextlib.contextmanager
def _sandbox() -> Iterator[str]:
    from ..sandbox import Sandbox

    kept = {name: value for name, value in os.environ.items() if name.startswith("GIGACHAT_")}
    with Sandbox() as sandbox:
        sandbox.knobs.stream.chunk_delay = 0.05  # a real model takes its time too
        for name in kept:
            del os.environ[name]
        os.environ.update(sandbox.env)
        try:
            yield f"the bundled sandbox at {sandbox.base_url} (no real model behind it)"
        finally:
            for name in sandbox.env:
                os.environ.pop(name, None)
            os.environ.update(kept)


def _endpoint(*, force_sandbox: bool) -> contextlib.AbstractContextManager[str]:
    from ..errors import CredentialsError
    from ..settings import Overrides, resolve

    if not force_sandbox:
        try:
            settings = resolve(Overrides())
        except CredentialsError:
            print("No GigaChat credentials are set: using the bundled sandbox.")
        else:
            return contextlib.nullcontext(f"GigaChat at {settings.base_url}")
    from ..sandbox import Sandbox  # noqa: F401 - a missing extra must show here, not in the middle

    return _sandbox()


def _shown(name: str, step: Callable[[str], str], model: str) -> bool:
    import litellm

    print(f"— {name}", flush=True)
    started = time.perf_counter()
    try:
        text = step(model)
    except (litellm.exceptions.APIError, litellm.exceptions.APIConnectionError, AssertionError) as error:
        print(f"  FAILED: {error}")
        return False
    except Exception as error:  # noqa: BLE001 - LiteLLM's exceptions share no base but OpenAIError; a demo reports all
        print(f"  FAILED: {type(error).__name__}: {error}")
        return False
    print(f"  {text}  ({time.perf_counter() - started:.2f} s)")
    return True


def _chat(model: str) -> str:
    import litellm

    answer = litellm.completion(
        model=model, messages=[{"role": "user", "content": "Привет! Ответь одним предложением."}]
    )
    text = answer.choices[0].message.content
    assert text, "the answer is empty"
    return f"{text}  [{answer.usage.total_tokens} tokens, model build {answer.system_fingerprint}]"


def _stream(model: str) -> str:
    import litellm

    chunks = litellm.completion(
        model=model, messages=[{"role": "user", "content": "Count from 1 to 9, slowly"}], stream=True
    )
    pieces = []
    print("  ", end="")
    for chunk in chunks:
        if piece := chunk.choices[0].delta.content:
            pieces.append(piece)
            print(piece, end="", flush=True)
    print()
    assert "".join(pieces).strip(), "the stream is empty"
    return f"arrived in {len(pieces)} piece{'s' if len(pieces) > 1 else ''}"


def _tools(model: str) -> str:
    import litellm

    messages: list[Any] = [{"role": "user", "content": "What is the weather in Moscow? Use get_weather."}]
    first = litellm.completion(model=model, messages=messages, tools=[_WEATHER], tool_choice="auto")
    calls = first.choices[0].message.tool_calls
    assert calls, f"no tool call, but: {first.choices[0].message.content!r}"
    arguments = json.loads(calls[0].function.arguments)
    messages.append(first.choices[0].message)
    messages.append(
        {
            "role": "tool",
            "tool_call_id": calls[0].id,
            "content": json.dumps({"city": arguments["city"], "temperature": -5}),
        }
    )
    second = litellm.completion(model=model, messages=messages, tools=[_WEATHER])
    text = second.choices[0].message.content
    assert text, "no text after the tool result"
    return f"{calls[0].function.name}({calls[0].function.arguments}) → {text}"


def _structured(model: str) -> str:
    import litellm

    answer = litellm.completion(
        model=model,
        messages=[{"role": "user", "content": "Name and population of Kazan, about 1300000 people"}],
        response_format=_CITY_SCHEMA,
    )
    data = json.loads(answer.choices[0].message.content)
    assert isinstance(data["name"], str), data
    assert isinstance(data["population"], int), data
    return json.dumps(data, ensure_ascii=False)


def _embed(model: str) -> str:
    import litellm

    answer = litellm.embedding(model=EMBEDDINGS, input=["кошка", "собака"])
    sizes = [len(item["embedding"]) for item in answer.data]
    assert len(sizes) == 2, sizes
    assert sizes[0] == sizes[1] > 0, sizes
    return f"2 vectors of {sizes[0]} numbers, {answer.usage.prompt_tokens if answer.usage else 0} tokens"


def _token(model: str) -> str:
    from litellm_gigachat_provider import token_info

    info = token_info()
    seconds = info.get("expires_in_seconds")
    assert info.get("has_token"), "there is no token after five calls"
    mode = info["auth_mode"]
    return f"mode {mode}, expires in {seconds:.0f} s" if seconds else f"mode {mode}"


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Chat", _chat),
    ("Streaming", _stream),
    ("Tool call in two steps", _tools),
    ("Structured output", _structured),
    ("Embeddings", _embed),
    ("Token", _token),
)
