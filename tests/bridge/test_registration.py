"""``gigachat/`` reaches our handler, provably, and nothing else of the user's set-up is touched.

What changes LiteLLM for good runs in a process of its own.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import types

import litellm
import pytest

import litellm_gigachat_provider as ours
from litellm_gigachat_provider.bridge import guard, metadata, registration, seam, versions
from litellm_gigachat_provider.models import find

NATIVE = versions.has_builtin()


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter without GigaChat settings; sockets to anywhere fail the run."""
    guard = """
        import socket
        def _no_network(*a, **k):
            print("NETWORK", a, flush=True)
            raise OSError("no network in this test")
        socket.socket.connect = _no_network
        socket.getaddrinfo = _no_network
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIGACHAT_")}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(guard) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**clean, "LITELLM_LOCAL_MODEL_COST_MAP": "True", **env},
        timeout=120,
        check=False,
    )


def test_register_proves_itself_and_is_idempotent():
    ours.register()
    before = list(litellm.custom_provider_map)
    seam = litellm.main.base_llm_http_handler.completion
    ours.register()
    assert litellm.custom_provider_map == before
    assert litellm.main.base_llm_http_handler.completion is seam
    assert registration.status()["checked"] is True
    assert registration.status()["ours"] is True


def test_a_foreign_entry_stays(monkeypatch):
    class Other(litellm.CustomLLM):
        pass

    entry = {"provider": "other", "custom_handler": Other()}
    monkeypatch.setattr(litellm, "custom_provider_map", [entry])
    ours.register()
    assert entry in litellm.custom_provider_map
    assert litellm.custom_provider_map[-1] == {"provider": "gigachat", "custom_handler": ours.gigachat}


def test_an_own_instance_takes_the_place(monkeypatch):
    monkeypatch.setattr(litellm, "custom_provider_map", [])
    mine = ours.GigaChatLLM(scope="CORP")
    ours.register(mine)
    assert [e["custom_handler"] for e in litellm.custom_provider_map] == [mine]
    ours.register()
    assert [e["custom_handler"] for e in litellm.custom_provider_map] == [mine]


@pytest.mark.skipif(not NATIVE, reason="without a built-in of that name LiteLLM's own look-up decides")
def test_a_map_without_our_entry_still_reaches_us(monkeypatch):
    monkeypatch.setattr(litellm, "custom_provider_map", [])
    assert seam.handler() is ours.gigachat


def test_a_stranger_under_our_name_fails_the_check(monkeypatch):
    class Stranger(litellm.CustomLLM):
        pass

    monkeypatch.setattr(litellm, "custom_provider_map", [{"provider": "gigachat", "custom_handler": Stranger()}])
    with pytest.raises(ours.SeamError, match="Stranger"):
        ours.register()


def test_metadata_of_every_model():
    from litellm_gigachat_provider.models import MODELS

    for name, model in MODELS.items():
        info = litellm.get_model_info(f"gigachat/{name}")
        assert info["mode"] == model.mode
        if model.mode == "chat":
            assert litellm.supports_function_calling(f"gigachat/{name}")
            assert litellm.supports_response_schema(f"gigachat/{name}")
            assert litellm.supports_vision(f"gigachat/{name}") is model.vision
        else:
            assert info["output_vector_size"] == model.dimensions
    assert litellm.supports_function_calling("gigachat/GigaChat-2-Max")


def test_prices_make_costs():
    prompt, completion = litellm.cost_per_token(
        model="gigachat/GigaChat-2-Max",
        custom_llm_provider="gigachat",
        prompt_tokens=1_000_000,
        completion_tokens=1_000_000,
    )
    assert prompt == pytest.approx(650 / metadata.RUB_PER_USD)
    assert completion == pytest.approx(650 / metadata.RUB_PER_USD)


def test_rub_per_usd(monkeypatch):
    ours.register(check=False, rub_per_usd=100.0)
    try:
        assert litellm.model_cost["gigachat/GigaChat-2-Pro"]["input_cost_per_token"] == pytest.approx(500 / 1e6 / 100)
    finally:
        ours.register(check=False, rub_per_usd=metadata.RUB_PER_USD)
    with pytest.raises(ValueError, match="positive"):
        ours.register(check=False, rub_per_usd=0)


def test_the_users_model_entry_survives():
    done = python(
        """
        import litellm
        litellm.register_model({"gigachat/GigaChat-2-Max": {"litellm_provider": "gigachat", "mode": "chat",
            "input_cost_per_token": 0.5, "output_cost_per_token": 0.25, "max_input_tokens": 7}})
        import litellm_gigachat_provider
        entry = litellm.model_cost["gigachat/GigaChat-2-Max"]
        prices = (entry["input_cost_per_token"], entry["output_cost_per_token"])
        assert prices == (0.5, 0.25) and entry["max_input_tokens"] == 7
        litellm.register_model({"gigachat/GigaChat-2": {"litellm_provider": "gigachat", "mode": "chat",
            "input_cost_per_token": 0.125, "output_cost_per_token": 0.125}})
        litellm_gigachat_provider.register()
        assert litellm.model_cost["gigachat/GigaChat-2"]["input_cost_per_token"] == 0.125
        assert litellm.supports_function_calling("gigachat/GigaChat-2-Max")
        print("fine")
        """
    )
    assert "fine" in done.stdout, done.stderr
    assert "NETWORK" not in done.stdout


def test_importing_is_quiet_and_offline():
    done = python(
        """
        import litellm, os, logging
        before = dict(os.environ)
        records = []
        logging.getLogger().addHandler(type("H", (logging.Handler,), {"emit": lambda self, r: records.append(r)})())
        real = open
        import builtins
        def no_env(path, *a, **k):
            assert not str(path).endswith(".env"), path
            return real(path, *a, **k)
        builtins.open = no_env
        import litellm_gigachat_provider
        assert dict(os.environ) == before
        assert not records, records
        print("fine")
        """
    )
    assert "fine" in done.stdout, done.stderr
    assert "NETWORK" not in done.stdout


FUTURES = {
    "the dispatch function talks to the network by itself": """
        import litellm, litellm.main as m, httpx
        def elsewhere(ctx):
            return httpx.post("https://gigachat.devices.sberbank.ru/api/v1/chat/completions", json={})
        m._complete_gigachat = elsewhere
    """,
    "the shared handler is gone": """
        import litellm, litellm.main as m
        del m.base_llm_http_handler
    """,
    "the config class is gone": """
        import litellm, litellm._lazy_imports_registry as r
        getattr(r, "_LLM_CONFIGS_IMPORT_MAP", {}).pop("GigaChatConfig", None)
        if hasattr(litellm, "GigaChatConfig"):
            raise SystemExit("not applicable")
    """,
}


@pytest.mark.skipif(not NATIVE, reason="no built-in, no seam")
@pytest.mark.parametrize("future", list(FUTURES))
def test_a_future_litellm_fails_loudly_at_import(future):
    done = python(
        textwrap.dedent(FUTURES[future])
        + textwrap.dedent(
            """
        try:
            import litellm_gigachat_provider
        except RuntimeError as error:
            text = str(error)
            assert litellm.__name__ and "LiteLLM " in text and "Remedy" in text, text
            print("refused")
        else:
            print("imported")
        """
        )
    )
    if "not applicable" in done.stderr:
        pytest.skip("this LiteLLM resolves the class in another way")
    assert "refused" in done.stdout, done.stdout + done.stderr
    assert "NETWORK" not in done.stdout


@pytest.mark.skipif(not NATIVE, reason="no built-in, no seam")
def test_a_dispatch_that_changes_after_import_is_caught_by_guard_and_check():
    done = python(
        """
        import litellm, litellm.main as m, litellm_gigachat_provider as p
        from litellm_gigachat_provider.bridge import versions
        from litellm.llms.custom_httpx.llm_http_handler import BaseLLMHTTPHandler
        m.base_llm_http_handler = BaseLLMHTTPHandler()  # as if LiteLLM used another object from now on
        for stream in (False, True):
            try:
                litellm.completion(model="gigachat/GigaChat-2", messages=[{"role": "user", "content": "x"}],
                                   api_key="a2V5OnZhbHVl", stream=stream, num_retries=0)
            except Exception as error:
                assert "built-in gigachat provider" in str(error), error
            else:
                raise SystemExit("answered")
        try:
            p.registration.self_check()
        except p.SeamError as error:
            assert versions.litellm_version() in str(error)
            print("caught")
        """
    )
    assert "caught" in done.stdout, done.stdout + done.stderr
    assert "NETWORK" not in done.stdout


@pytest.mark.skipif(not NATIVE, reason="no built-in, no seam")
def test_the_builtins_token_functions_are_closed():
    done = python(
        """
        import litellm, litellm_gigachat_provider as p, asyncio
        from litellm.llms.gigachat import authenticator
        try:
            authenticator.get_access_token("a2V5OnZhbHVl")
        except p.SeamError:
            print("closed")
        """
    )
    assert "closed" in done.stdout, done.stdout + done.stderr
    assert "NETWORK" not in done.stdout


def test_the_guard_bears_an_import_in_the_midst():
    """Whatever imports lazily (another thread, a finalizer as here) must not break a later ``register()``."""

    class Late:
        def __del__(self):
            sys.modules["a_late_module"] = types.ModuleType("a_late_module")

    gc.disable()
    gc.collect()
    late = Late()
    late.itself = late
    del late
    gc.enable()  # collected by some allocation soon, likely the guard's own
    try:
        guard.close_builtin()
        gc.collect()
        assert "a_late_module" in sys.modules
    finally:
        sys.modules.pop("a_late_module", None)


@pytest.mark.parametrize(("mcp", "warns"), [(None, True), ("1.9.0", True), ("2.3.0", False)])
def test_1_106_without_mcp_warns_once_with_the_remedy(monkeypatch, mcp, warns):
    import importlib.metadata
    import warnings

    def version(name: str) -> str:
        if name == "mcp" and mcp is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return mcp

    monkeypatch.setattr(versions, "litellm_version", lambda: "1.106.2")
    monkeypatch.setattr(versions, "version", version)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        versions.warn_of_1_106()
    assert bool(seen) is warns
    if warns:
        assert "mcp>=2" in str(seen[0].message)


@pytest.mark.parametrize("name", ["GigaChat", "GigaChat-2", "GigaChat-2-Pro", "GigaChat-2-Max", "GigaChat-3-Ultra"])
def test_the_window_is_the_one_of_our_table_not_litellms_own(name):
    assert litellm.get_model_info(f"gigachat/{name}")["max_input_tokens"] == find(name).context == 261_120
