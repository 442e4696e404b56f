"""``GigaChatLLM``: LiteLLM's custom handler. Prepare, send, translate; nothing else happens here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import litellm
from litellm.llms.custom_llm import CustomLLM

from .bridge.exceptions import to_litellm
from .bridge.masking import mask, mask_post_call
from .bridge.pictures import call_params
from .bridge.probe import probed
from .bridge.proxy_client import asked
from .errors import GigaChatError, InvalidRequestError
from .flows.flow import Flow, arun, run
from .settings import Overrides

if TYPE_CHECKING:
    from .flows.call import Call

    Begin = Callable[[Call, dict[str, Any]], Flow[Any]]


class GigaChatLLM(CustomLLM):
    """Answers ``gigachat/<model>`` by calling GigaChat directly.

    Arguments are all optional and win over everything else; without them each call resolves its own
    settings (per-call ``api_key`` and ``api_base``, environment, ``.env``, defaults). See
    :class:`litellm_gigachat_provider.settings.Overrides` for their names: ``credentials``, ``scope``,
    ``base_url``, ``auth_url``, ``ca_bundle_file``, ``verify``, ``api_version``, ``max_concurrency`` and more.

    Every failure is a ``litellm.exceptions`` class with the cause chained.
    """

    _litellm_gigachat_provider = True  # how the bridge tells our handler from a stranger's

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._overrides = Overrides(**settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    # LiteLLM always calls with keywords; which ones differs by version and by kind of call.

    def completion(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """One chat answer as ``litellm.ModelResponse``."""
        return self._run(kwargs, _chat)

    async def acompletion(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """One chat answer as ``litellm.ModelResponse``."""
        return await self._arun(kwargs, _chat)

    def streaming(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """An open stream of chunks; not a generator, so that a refusal is raised here and not on iteration."""
        probed()
        mask(kwargs)
        from .flows.stream import SyncChatStream

        return SyncChatStream(self._prepared(kwargs)).open()

    def astreaming(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """A stream of chunks with ``await .open()``; the seam awaits it before LiteLLM hands it out."""
        mask(kwargs)
        from .flows.stream import AsyncChatStream

        return AsyncChatStream(self._prepared(kwargs))

    def embedding(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """Vectors as ``litellm.EmbeddingResponse``, in the order of ``input``."""
        return self._run(kwargs, _vectors)

    async def aembedding(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """Vectors as ``litellm.EmbeddingResponse``, in the order of ``input``."""
        return await self._arun(kwargs, _vectors)

    def image_generation(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """``n`` pictures by GigaChat's built-in ``text2image`` as ``litellm.ImageResponse`` with ``b64_json``."""
        kwargs.setdefault("litellm_params", call_params(kwargs.get("logging_obj")))
        return self._run(kwargs, _pictures)

    async def aimage_generation(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """``n`` pictures by GigaChat's built-in ``text2image`` as ``litellm.ImageResponse`` with ``b64_json``."""
        kwargs.setdefault("litellm_params", call_params(kwargs.get("logging_obj")))
        return await self._arun(kwargs, _pictures)

    def _run(self, kwargs: dict[str, Any], begin: Begin) -> Any:
        probed()
        mask(kwargs)
        try:
            return run(begin(self._prepare(kwargs), kwargs))
        except GigaChatError as error:
            mask_post_call(kwargs.get("logging_obj"))
            raise to_litellm(error, kwargs["model"]) from error

    async def _arun(self, kwargs: dict[str, Any], begin: Begin) -> Any:
        mask(kwargs)
        try:
            with asked():
                return await arun(begin(self._prepare(kwargs), kwargs))
        except GigaChatError as error:
            raise to_litellm(error, kwargs["model"]) from error

    def _prepare(self, kwargs: dict[str, Any]) -> Call:
        from .flows.call import prepare  # httpcore and h2 take 90 ms to import: the first call pays, not the import

        return prepare(self._overrides, kwargs, drop_params=bool(litellm.drop_params))

    def _prepared(self, kwargs: dict[str, Any]) -> Call:
        try:
            return self._prepare(kwargs)
        except GigaChatError as error:
            raise to_litellm(error, kwargs["model"]) from error


def _chat(call: Call, kwargs: dict[str, Any]) -> Flow[Any]:
    from .flows.chat import plain

    return plain(call, kwargs["model_response"])


def _vectors(call: Call, kwargs: dict[str, Any]) -> Flow[Any]:
    from .flows.embeddings import embed

    return embed(call, kwargs["input"], kwargs["model_response"])


def _pictures(call: Call, kwargs: dict[str, Any]) -> Flow[Any]:
    from .flows.images import draw

    return draw(call, kwargs["prompt"], kwargs["model_response"])


# LiteLLM's default for a method that is not overridden is a retryable 500 "Not implemented yet!", and five of those
# make a Router take the deployment out of service, chat included.
_INSTEAD = {
    "image_edit": "Describe the whole picture to image_generation, or show it in a chat message and ask for another."
}


def refuse_the_rest(handler: type, base: type) -> None:
    """Give ``handler`` a 400 for each public method of ``base`` that it has not: later LiteLLM versions bring more."""
    for name, method in vars(base).items():
        if not name.startswith("_") and inspect.isfunction(method) and name not in vars(handler):
            setattr(handler, name, _refusing(name, inspect.iscoroutinefunction(method)))


def _refusing(name: str, is_async: bool) -> Any:
    task = name[1:] if is_async else name
    remedy = _INSTEAD.get(task, "GigaChat chats, embeds texts and draws pictures.")

    def refuse(self: Any, *_: Any, model: str = "", **__: Any) -> Any:
        error = InvalidRequestError(task, "GigaChat has no such service", remedy)
        raise to_litellm(error, model) from error

    async def arefuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        return refuse(self, *args, **kwargs)

    return arefuse if is_async else refuse


refuse_the_rest(GigaChatLLM, CustomLLM)
