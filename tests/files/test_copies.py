"""A failure that several callers wait for is raised as a copy of its own in each."""

from __future__ import annotations

import copy

import pytest

from litellm_gigachat_provider.errors import CredentialsError, GigaChatError, HttpFailureError, InvalidRequestError
from litellm_gigachat_provider.files.uploads import UploadFailureError


@pytest.mark.parametrize(
    "failure",
    [
        CredentialsError("the key is wrong"),
        InvalidRequestError("messages[0]", "is empty", "Write something"),
        HttpFailureError(429, b'{"message":"later"}', {"retry-after": "1"}, "https://host/files", "files"),
        UploadFailureError(500, b"", {}, "https://host/files", "files", "messages[0]"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_copy_says_the_same_and_leads_to_nothing_of_the_first(failure: GigaChatError) -> None:
    try:
        raise failure from ValueError("holds a request")
    except GigaChatError:
        twin = copy.copy(failure)
    assert twin is not failure
    assert type(twin) is type(failure)
    assert (str(twin), vars(twin)) == (str(failure), vars(failure))
    assert (twin.__cause__, twin.__context__, twin.__traceback__) == (None, None, None)
