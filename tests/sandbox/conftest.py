"""A bare HTTP client for the sandbox: these tests judge the judge, so no provider code takes part."""

from __future__ import annotations

import httpx
import pytest


class Client:
    """Requests with a ready token; ``chat`` and ``chat_v2`` take the body's fields as keywords."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {sandbox.issue_token()}"}, timeout=5, trust_env=False
        )

    def chat(self, prompt="Hi", *, messages=None, headers=None, **fields):
        body = {"model": "GigaChat-2-Max", "messages": messages or [{"role": "user", "content": prompt}], **fields}
        return self.http.post(f"{self.sandbox.base_url}/chat/completions", json=body, headers=headers)

    def chat_v2(self, prompt="Hi", *, messages=None, **fields):
        messages = messages or [{"role": "user", "content": [{"text": prompt}]}]
        body = {"model": "GigaChat-2-Max", "messages": messages, **fields}
        return self.http.post(f"{self.sandbox.origin}/v2/chat/completions", json=body)

    def get(self, path, **kwargs):
        return self.http.get(self.sandbox.base_url + path, **kwargs)

    def post(self, path, **kwargs):
        return self.http.post(self.sandbox.base_url + path, **kwargs)


@pytest.fixture
def client(gigachat_sandbox):
    made = Client(gigachat_sandbox)
    yield made
    made.http.close()


@pytest.fixture
def weather():
    return {
        "name": "get_weather",
        "description": "Weather now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }


@pytest.fixture
def clock():
    return {
        "name": "get_time",
        "description": "Local time",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    }
