"""Lines of OpenAI's batch file."""

from __future__ import annotations


def chat(custom_id="a", text="Привет", **body):
    messages = [{"role": "user", "content": text}]
    body = {"model": "gigachat/GigaChat-2-Max", "messages": messages, **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def embed(custom_id="a", texts="кот", **body):
    body = {"model": "Embeddings", "input": texts, **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/embeddings", "body": body}
