"""One proxy process for all of these tests: our command with LiteLLM's server, in front of a sandbox here."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from proxy_process import CLIENT_KEY, ProxyProcess, RogueListener

from litellm_gigachat_provider.commands.proxy import DEFAULT_CONFIG
from litellm_gigachat_provider.models import MODELS
from litellm_gigachat_provider.sandbox import Knobs, Sandbox

try:
    import anthropic
    import fastapi  # noqa: F401
    import openai
except ModuleNotFoundError as error:  # the dev extra has them all
    MISSING = error.name
else:
    MISSING = None


def pytest_collection_modifyitems(items):
    for item in items:
        if MISSING and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=f"needs {MISSING}: pip install -e '.[dev]'"))


@pytest.fixture(scope="session")
def _server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def _strict(_server, tmp_path_factory):
    """The second process, not waited for: two workers, a client key, a detailed log, parameters not dropped, and
    every known model under its own name beside the usual ones."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "settings").mkdir()
    config = folder / "settings" / "config.yaml"
    beside = config.with_name("litellm_gigachat_provider.py")  # for LiteLLM before 1.98; README tells of it
    beside.write_text("from litellm_gigachat_provider import gigachat\n", encoding="utf-8")
    text = DEFAULT_CONFIG.read_text(encoding="utf-8")
    assert "drop_params: true" in text
    known = "".join(f"  - {{model_name: {name}, litellm_params: {{model: gigachat/{name}}}}}\n" for name in MODELS)
    text = text.replace("drop_params: true", "drop_params: false").replace("model_list:\n", f"model_list:\n{known}")
    config.write_text(text, encoding="utf-8")
    options = ("--config", str(config), "--workers", "2", "--debug")
    proxy = ProxyProcess(_server, folder, *options, LITELLM_MASTER_KEY=CLIENT_KEY)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def _proxy(_server, tmp_path_factory, request):
    if any("_strict" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("_strict")  # it takes its time to start while the first is tested
    with ProxyProcess(_server, tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture
def sandbox(_server):
    """The GigaChat behind the proxy, with an empty log and default knobs."""
    _server.clear()
    _server.world.faults.clear()
    _server.world.knobs = Knobs()
    return _server


@pytest.fixture
def proxy(_proxy, sandbox):
    return _proxy


@pytest.fixture
def http(proxy):
    """Plain HTTP without any client key."""
    with httpx.Client(base_url=proxy.url, timeout=30) as client:
        yield client


@pytest.fixture
def oai(proxy):
    """OpenAI's SDK as the predecessor's page configures it: no /v1 in the address, any key."""
    with openai.OpenAI(base_url=proxy.url, api_key="any-key", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def claude(proxy):
    with anthropic.Anthropic(base_url=proxy.url, api_key="any-key", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def nothing_refused(sandbox):
    """The strict sandbox took every request of this test."""
    yield
    assert [record.refusal for record in sandbox.refused] == []


@pytest.fixture
def rogue():
    listener = RogueListener()
    yield listener
    listener.close()
