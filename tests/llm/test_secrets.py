"""Keeping secrets out of texts and addresses."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.errors import UsageError
from evalkit.llm.connection import shown
from evalkit.llm.litellm_model import public_text
from evalkit.llm.secrets import (
    HIDDEN,
    masked,
    names_secret,
    public_url,
    read_secrets,
    redacted,
    secrets_in_url,
)
from evalkit.targets.open import open_target
from evalkit.testing import ScriptedEndpoint

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


SETTINGS = [
    ("stop_token_ids", False), ("allowed_token_ids", False), ("prompt_cache_key", False),
    ("keywords", False), ("code", False), ("author", False), ("tokenizer", False),
    ("eos_token", False), ("skip_special_tokens", False), ("monkey", False), ("max_tokens", False),
    ("seed", False), ("logit_bias", False), ("tokenType", False), ("apiKey", True),
    ("client_secret", True), ("access_token", True), ("azure_ad_token", True), ("key", True),
    ("aws_access_key_id", True), ("X-Api-Key", True), ("vertex_credentials", True),
    ("sig", True), ("assertion", True), ("assertions", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), SETTINGS)
def test_whole_words_tell_a_secret_from_what_only_sounds_like_one(
    name: str, *, expected: bool
) -> None:
    assert names_secret(name) is expected


def test_settings_that_only_sound_like_secrets_reach_the_server() -> None:
    settings: dict[str, Any] = {
        "stop_token_ids": [2],
        "prompt_cache_key": "eval-1",
        "keywords": ["a"],
        "code": 1,
    }
    with ScriptedEndpoint("a") as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url, **settings),
            [{"question": "q", "expected": "a"}],
            "text.exact_match",
            runtime=evalkit.Runtime(store=False),
        )
        sent = endpoint.requests[0].json

    assert result["text.exact_match"].value == 1.0
    assert sent.items() >= settings.items()


@pytest.mark.parametrize("settings", [{"api_key": "sk-1"}, {"extra_body": {"user_token": "t"}}])
def test_secrets_among_settings_are_refused_wherever_they_stand(settings: Any) -> None:
    with pytest.raises(UsageError, match="would be recorded"):
        evalkit.chat("openai/m", base_url="http://127.0.0.1:9/v1", **settings)


VARIABLES = [
    pytest.param("OPENAI_API_KEY", "sk-abc123def456", id="a provider's key"),
    pytest.param("BOT_SECRET", 'quo"ted\\secret', id="a secret that JSON escapes"),
    pytest.param("HF_TOKEN", "hf_abcdefgh12", id="a token"),
    pytest.param("DATABASE_URL", "postgres://me:hunter2hunter2@db/x", id="a login"),
    pytest.param("OURS", "ours-abc123def456", id="one that auth_environment names"),
]


@pytest.mark.parametrize(("name", "value"), VARIABLES)
def test_no_secret_of_the_environment_is_in_anything_written(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other-key-1")
    monkeypatch.setenv(name, value)
    hidden = "hunter2hunter2" if "://" in value else value

    def app(question: str) -> str:
        if question == "q1":
            raise RuntimeError(f"401: {value}")
        return f"my key is {value}"

    @evalkit.scorer
    def leaks(outputs: str) -> evalkit.Score:
        return evalkit.Score(hidden in outputs, explanation=value, metadata={value: [value]})

    @evalkit.scorer
    def breaks(outputs: str) -> float:
        raise ValueError(f"{outputs} {value}")

    with ScriptedEndpoint(f"the key is {value}") as endpoint:
        judge = evalkit.make_judge(
            "j",
            "Is {{ outputs }} fine?",
            model="openai/j",
            base_url=endpoint.base_url,
            auth_environment=name,
        )
        result = evalkit.evaluate(
            open_target(app, version="1"),
            [{"question": f"q{n}"} for n in range(3)],
            [leaks, breaks, judge],
            runtime=evalkit.Runtime(recordings="recorded"),
        )
    for suffix in ("html", "md", "json", "xml", "csv"):
        result.report(tmp_path / f"report.{suffix}")

    forms = {hidden, json.dumps(hidden)[1:-1]}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = {str(path): path.read_bytes().decode("latin-1") for path in files}
    for path in tmp_path.rglob("*.parquet"):
        texts[str(path)] += repr(pq.read_table(path).to_pylist())
    assert len(files) > 8
    assert result["leaks"].value == 0.0
    assert [path for path, text in texts.items() if any(form in text for form in forms)] == []
    assert HIDDEN in repr(result.table())


STORED = [
    pytest.param({"question": "q", "output": "the key is {}", "expected": "a"}, id="answers"),
    pytest.param(
        {
            "trace_id": "t",
            "spans": [
                {
                    "span_id": "a",
                    "name": "agent",
                    "span_type": "AGENT",
                    "inputs": {"question": "q", "api_key": "{}"},
                    "outputs": ["{}"],
                    "attributes": {"authorization": "Bearer {}"},
                    "status": "ERROR",
                    "status_message": "401: {}",
                    "events": [{"name": "exception", "attributes": {"message": "{}"}}],
                }
            ],
        },
        id="spans",
    ),
]


@pytest.mark.parametrize("row", STORED)
@pytest.mark.parametrize("options", [{}, {"sample": 1}], ids=["all", "drawn"])
def test_stored_answers_and_spans_are_kept_without_secrets_of_the_environment(
    row: Any, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = 'sk-"stored"-0123456789'
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("OPENAI_API_KEY", value)
    data = [json.loads(json.dumps(row).replace("{}", json.dumps(value)[1:-1]))]

    @evalkit.scorer
    def said(outputs: Any, case: evalkit.Case) -> evalkit.Score:
        return evalkit.Score(1.0, explanation=f"{outputs} {case.trace}")

    result = evalkit.evaluate(data=data, scorers=said, **options)
    for suffix in ("html", "md", "json", "xml", "csv", "parquet", "tex"):
        result.report(tmp_path / f"report.{suffix}")
    result.write_baseline(tmp_path / "base.json")
    texts = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    texts += [repr(pq.read_table(path).to_pylist()) for path in tmp_path.rglob("*.parquet")]

    assert len(texts) > 12
    assert not any("0123456789" in text for text in texts)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-0123")
    assert evalkit.evaluate(data=data, scorers=said).dataset == result.dataset


def test_a_live_target_gets_its_data_as_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-0123456789")
    seen: list[str] = []

    def app(question: str) -> str:
        seen.append(question)
        return "a"

    rows = [{"question": "is sk-live-0123456789 a key?", "expected": "a"}]
    evalkit.evaluate(app, rows, "text.exact_match", runtime=evalkit.Runtime(store=False))

    assert seen == ["is sk-live-0123456789 a key?"]


def test_ordinary_words_numbers_and_paths_are_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "POSTGRES_PASSWORD": "password",
        "TOKEN_LIMIT": "1000000000",
        "GOOGLE_APPLICATION_CREDENTIALS": "/var/run/credentials.json",
        "KEYBOARD": "de-latin",
        "AUTHOR": "somebody else",
    }.items():
        monkeypatch.setenv(name, value)
    read_secrets()

    assert masked("password 1000000000 /var/run/credentials.json somebody else") == (
        "password 1000000000 /var/run/credentials.json somebody else"
    )
