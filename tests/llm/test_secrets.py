"""Keeping secrets out of texts and addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.llm.connection import shown
from evalkit.llm.litellm_model import public_text
from evalkit.llm.secrets import names_secret, public_url, redacted, secrets_in_url

SECRETS = st.lists(st.text("abcdef0123", min_size=8, max_size=20), min_size=1, max_size=3)


@given(secrets=SECRETS, before=st.text("xyz "), after=st.text("xyz "))
def test_no_secret_survives(secrets: list[str], before: str, after: str) -> None:
    shown = redacted(before + after.join(secrets), secrets)
    assert not [secret for secret in secrets if secret in shown]


@given(secret=st.text("abcdef0123", min_size=8, max_size=20), length=st.integers(290, 330))
def test_a_secret_at_the_end_of_what_an_error_shows_is_hidden_too(secret: str, length: int) -> None:
    text = shown("x" * (length - len(secret)) + secret + "y" * 100)
    assert secret[:4] not in redacted(text, [secret])


def test_a_secret_inside_a_longer_one_does_not_leave_its_end() -> None:
    assert redacted("key-12345", ["key-123", "key-12345"]) == "[secret]"


URLS = [
    pytest.param("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", [], id="nothing to hide"),
    pytest.param(
        "https://me:pw%20d@example.com/x",
        "https://example.com/x",
        ["pw d", "bWU6cHcgZA=="],
        id="password",
    ),
    pytest.param(
        "https://token@example.com/", "https://example.com/", ["token", "dG9rZW46"], id="user alone"
    ),
    pytest.param(
        "https://example.com/?apiKey=abc&version=2",
        "https://example.com/?apiKey=***&version=2",
        ["abc"],
        id="parameter",
    ),
    pytest.param(
        "https://example.com/?sig=abc&code=def",
        "https://example.com/?sig=***&code=***",
        ["abc", "def"],
        id="signatures of hosted functions",
    ),
]


@pytest.mark.parametrize(("url", "public", "hidden"), URLS)
def test_an_address_is_shown_without_its_secrets(url: str, public: str, hidden: list[str]) -> None:
    assert public_url(url) == public
    assert secrets_in_url(url) == hidden


NAMES = [
    ("api_key", True), ("apikey", True), ("token", True), ("Authorization", True),
    ("aws_secret_access_key", True), ("password", True), ("temperature", False),
    ("max_tokens", False), ("max_completion_tokens", False), ("stop", False), ("top_p", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_settings_that_hold_secrets_are_known_by_name(name: str, *, expected: bool) -> None:
    assert names_secret(name) is expected


def test_addresses_inside_a_text_are_cleaned_too() -> None:
    text = "POST https://example.com/v1?key=abc failed: see https://example.com/help"
    assert public_text(text) == (
        "POST https://example.com/v1?key=*** failed: see https://example.com/help"
    )
