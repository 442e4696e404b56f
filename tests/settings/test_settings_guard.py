"""The rule that keeps secrets home: what a request may not carry, in every spelling and place."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from litellm_gigachat_provider.errors import InvalidRequestError
from litellm_gigachat_provider.settings import Overrides, refuse_redirects, resolve

REDIRECTS = [
    "auth_url", "oauth_url", "base_url", "chat_v2_url", "verify", "verify_ssl", "verify_ssl_certs",
    "ssl_verify", "ssl_certificate", "ca_bundle", "ca_bundle_file", "ca_file", "ca_cert", "cert", "cert_file",
    "certificate", "client_cert", "key_file", "key_file_password", "client_id", "client_secret", "access_token",
    "credentials", "password", "username", "auth_header", "auth_header_name", "auth_header_value", "proxy",
    "proxies", "http_proxy", "https_proxy", "auth_key", "authorization", "env_file", "insecure", "token",
]  # fmt: skip


def spellings(name: str) -> list[str]:
    camel = name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:])
    return [name, f"gigachat_{name}", name.upper(), name.replace("_", "-"), camel, f"GIGACHAT_{name.upper()}"]


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirecting_name_is_refused_in_every_spelling_and_place(name: str) -> None:
    for spelling in spellings(name):
        for value in ("https://rogue.example", False, {"a": 1}):
            places: list[tuple[dict[str, Any], str]] = [
                ({spelling: value}, spelling),
                ({"extra_body": {spelling: value}}, f"extra_body.{spelling}"),
                ({"extra_body": {"extra_body": {spelling: value}}}, f"extra_body.extra_body.{spelling}"),
            ]
            for params, field in places:
                with pytest.raises(InvalidRequestError) as caught:
                    refuse_redirects(params, None)
                assert caught.value.field == field
                assert "GigaChatLLM constructor" in str(caught.value)
                assert "rogue" not in str(caught.value)


@pytest.mark.parametrize("name", ["gigachat_user", "gigachat_api_key", "gigachat_api_base", "gigachat_password"])
def test_our_prefix_makes_a_credential_of_an_innocent_name(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        refuse_redirects({name: "x"}, None)


@pytest.mark.parametrize("name", ["api_key", "api_base"])
def test_litellms_own_arguments_may_not_hide_in_extra_body(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"extra_body.{name}"):
        refuse_redirects({"extra_body": {name: "x"}}, None)


@pytest.mark.parametrize(
    "name",
    ["ssl_verify", "client_id", "client_secret", "gigachat_auth_url", "gigachat_access_token", "gigachat_credentials"],
)
def test_names_that_litellm_moves_elsewhere_are_refused_there(name: str) -> None:
    refuse_redirects({}, {}, {name: None, "api_key": "k", "api_base": "b"})
    for value in ("x", False):
        with pytest.raises(InvalidRequestError, match=name):
            refuse_redirects({}, {}, {name: value})


HEADERS = (
    "Authorization",
    "Proxy-Authorization",
    "Host",
    "Cookie",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
)


@pytest.mark.parametrize(("name", "case"), list(itertools.product(HEADERS, (str, str.lower, str.upper))))
def test_a_header_that_replaces_ours_is_refused(name: str, case: Any) -> None:
    for arguments in (
        ({}, {case(name): "x"}),
        ({"extra_headers": {case(name): "x"}}, None),
        ({"extra_body": {"extra_headers": {case(name): "x"}}}, {}),
        ({"extra_body": {"headers": {case(name): "x"}}}, {}),
    ):
        with (
            pytest.raises(InvalidRequestError, match=name.lower()[:4])
            if case is str.lower
            else pytest.raises(InvalidRequestError)
        ):
            refuse_redirects(*arguments)


def test_the_configured_header_is_protected() -> None:
    settings = resolve(Overrides(auth_header=("X-Key", "v"), env_file=False))
    refuse_redirects({}, {"X-Other": "1"}, settings=settings)
    for name in ("X-Key", "x-key", "x_key"):
        with pytest.raises(InvalidRequestError):
            refuse_redirects({}, {name: "1"}, settings=settings)


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "a\r\nAuthorization: x"}, {"X-A\r\nHost": "a"}, {"X A": "b"}, {"X-A": "a\0"}, {"Authorization ": "x"}],
)
def test_a_header_that_would_break_the_request_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError):
        refuse_redirects({}, headers)


def test_what_belongs_into_a_request_passes() -> None:
    names = [
        "model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "stream",
        "stream_options", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
        "top_logprobs", "user", "seed", "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call", "response_format", "reasoning_effort", "verbosity", "modalities", "prediction",
        "audio", "service_tier", "store", "metadata", "web_search_options", "thinking", "safety_identifier",
        "prompt_cache_key", "prompt_cache_retention", "encoding_format", "dimensions", "gigachat_scope",
        "scope", "api_version", "profanity_check", "repetition_penalty", "update_interval", "flags", "storage",
        "function_ranker", "session_id", "user_id", "max_retries", "additional_fields", "size", "quality",
        "style", "host", "key", "url", "environment", "cache", "caching", "category",
    ]  # fmt: skip
    refuse_redirects(
        dict.fromkeys(names, "x") | {"extra_body": dict.fromkeys(names, "x")},
        {
            "X-Session-ID": "s",
            "X-Client-ID": "c",
            "X-Request-ID": "r",
            "User-Agent": "u",
            "Content-Type": "application/json",
        },
        {"api_key": "k", "api_base": "b", "metadata": {"client_id": "x"}, "ssl_verify": None},
    )
    refuse_redirects({"auth_url": None, "extra_body": None, "extra_headers": None, 5: "x"}, None, None)  # type: ignore[dict-item]


def test_a_cyclic_extra_body_ends() -> None:
    body: dict[str, Any] = {"a": 1}
    body["extra_body"] = body
    refuse_redirects({"extra_body": body}, None)
    body["auth_url"] = "x"
    with pytest.raises(InvalidRequestError):
        refuse_redirects({"extra_body": body}, None)


def test_a_huge_name_is_not_quoted_in_full() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        refuse_redirects({"verify" + "x" * 100_000: 1}, None)
    assert len(str(caught.value)) < 400
