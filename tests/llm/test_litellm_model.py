"""Models through litellm, against a real server on loopback; skipped where litellm is absent."""

import asyncio
import importlib.util
import os

import pytest

from evalkit.errors import TargetError, UsageError
from evalkit.llm.litellm_model import LitellmModel
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.retry import RetryPolicy
from evalkit.testing import Fault, Reply, ScriptedEndpoint

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="needs litellm"),
    # litellm's own dependencies warn as they please.
    pytest.mark.filterwarnings("ignore"),
]

KEY = "sk-planted-7Qw3"
QUESTION = ChatRequest(messages=[{"role": "user", "content": "why?"}], sampling={"temperature": 0})


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def ask(
    server: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, request: ChatRequest = QUESTION
) -> ChatReply:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
    model = LitellmModel("openai/gpt-4o-mini", policy=RetryPolicy(first_seconds=0.001))
    return asyncio.run(model.complete(request))


def test_an_answer_comes_with_usage_and_price(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedEndpoint("because", key=KEY) as server:
        reply = ask(server, monkeypatch)
        assert server.requests[0].json["temperature"] == 0
    assert reply.text == "because"
    assert reply.usage == {"input_tokens": 1, "output_tokens": 1}
    assert reply.cost is not None
    assert reply.cost > 0


def test_a_stream_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = ChatRequest(messages=QUESTION.messages, stream=True)
    with ScriptedEndpoint("one two three") as server:
        reply = ask(server, monkeypatch, streamed)
    assert reply.text == "one two three"
    assert reply.time_to_first_token is not None


FAILURES = [
    pytest.param([Fault.RATE_LIMITED] * 4, "rate_limited", 4, id="429"),
    pytest.param([Fault.SERVER_ERROR] * 4, "provider_error", 4, id="500"),
    pytest.param([Fault.UNAVAILABLE] * 4, "provider_error", 4, id="503"),
    pytest.param([Reply(status=400, body=b"{}")], "provider_error", 1, id="400"),
]


@pytest.mark.parametrize(("script", "reason", "calls"), FAILURES)
def test_failures_have_the_same_reasons_as_the_lean_clients(
    script: list[Fault], reason: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedEndpoint(script) as server:
        with pytest.raises(TargetError) as caught:
            ask(server, monkeypatch)
        assert (caught.value.reason, server.calls) == (reason, calls)


def test_no_error_shows_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedEndpoint(key="another") as server, pytest.raises(TargetError) as caught:
        ask(server, monkeypatch)
    assert KEY not in str(caught.value)


def test_a_missing_key_is_named_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    model = LitellmModel("anthropic/claude-sonnet-4-5")
    assert isinstance(model, ChatModel)
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY"):
        model.check()


def test_prices_come_from_the_installed_package() -> None:
    LitellmModel("openai/gpt-4o-mini")
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
