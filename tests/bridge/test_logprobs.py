"""v2 log probabilities, by agreement with the service, in OpenAI's shape."""

from __future__ import annotations

from litellm.types.utils import ModelResponse

from litellm_gigachat_provider.bridge.litellm_objects import fill_response
from litellm_gigachat_provider.types import Answer


def test_openai_shape():
    answer = Answer(
        content="Да",
        extra={
            "logprobs": [
                {"chosen": {"token": "Да", "token_id": 7, "logprob": -0.1}, "top": [{"token": "Нет", "logprob": -2}]},
                {"chosen": {}, "top": None},
                "junk",
            ]
        },
    )
    response = fill_response(ModelResponse(), [answer], request_model="m", response_id="i", created=1, headers={})
    found = response.choices[0].logprobs.model_dump()["content"]
    assert found == [
        {
            "token": "Да",
            "logprob": -0.1,
            "bytes": None,
            "top_logprobs": [{"token": "Нет", "logprob": -2.0, "bytes": None}],
        },
        {"token": "", "logprob": 0.0, "bytes": None, "top_logprobs": []},
    ]


def test_none_without_them():
    response = fill_response(
        ModelResponse(), [Answer(content="Да")], request_model="m", response_id="i", created=1, headers={}
    )
    assert getattr(response.choices[0], "logprobs", None) is None
