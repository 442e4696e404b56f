"""LangChain's own standard suites over ``ChatLiteLLM(model="gigachat/…")``.

The suite asks only what came back; what was sent is asserted in ``test_chat_litellm.py``.
"""

from __future__ import annotations

import pytest
from langchain_litellm import ChatLiteLLM
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

PARAMS = {"model": "gigachat/GigaChat-2-Max"}

# langchain-litellm up to 0.11.1 binds no `ls_structured_output_format`, by which LangSmith learns the schema, in
# with_structured_output (OpenAI's class does). The suite looks for it after it has checked the parsed answer, so
# `raises=KeyError` still fails on a wrong answer. The streamed half is repeated in test_chat_litellm.py.
no_schema_for_langsmith = pytest.mark.xfail(
    reason="langchain-litellm does not bind ls_structured_output_format", raises=KeyError, strict=True
)


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self):
        return ChatLiteLLM

    @property
    def chat_model_params(self):
        return PARAMS


class _Integration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self):
        return ChatLiteLLM

    @property
    def chat_model_params(self):
        return PARAMS

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_urls(self):
        # The provider fetches public addresses only, and no test leaves the loopback interface. Fetching itself
        # is tested in tests/transport.
        return False

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True

    @property
    def supports_anthropic_inputs(self):
        # With pictures switched on the suite puts Anthropic's own picture part ({"type": "image", "source": …}) into
        # a user message, which LiteLLM refuses before any provider sees it ("Please ensure all user messages are
        # valid OpenAI chat completion messages"). test_anthropic_inputs_without_the_picture runs the rest of it.
        return False

    @property
    def supports_model_override(self):
        # The model of a single call is sent (test_model_of_one_call), but langchain-litellm up to 0.11.1 writes the
        # name of the constructor into response_metadata["model_name"], which is all the suite looks at.
        return False

    @property
    def enable_vcr_tests(self):
        # VCR plays recorded exchanges back to time a stream; tests/benchmarks times ours against the sandbox.
        return False

    @no_schema_for_langsmith
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    def test_structured_output(self, model, schema_type):
        super().test_structured_output(model, schema_type)

    @no_schema_for_langsmith
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    async def test_structured_output_async(self, model, schema_type):
        await super().test_structured_output_async(model, schema_type)


class _WithoutPictures(_Integration):
    @property
    def supports_image_inputs(self):
        return False

    @property
    def supports_anthropic_inputs(self):
        return True


class TestDefaultMethod(_Integration):
    """``with_structured_output`` as langchain-litellm has it by default: ``json_schema``."""

    def test_anthropic_inputs_without_the_picture(self, model):
        _WithoutPictures().test_anthropic_inputs(model)


class TestFunctionCalling(_Integration):
    @property
    def structured_output_kwargs(self):
        return {"method": "function_calling"}


class TestV2(_Integration):
    """The same over GigaChat's second contract."""

    @pytest.fixture(autouse=True)
    def _contract(self, monkeypatch):
        monkeypatch.setenv("GIGACHAT_API_VERSION", "v2")
