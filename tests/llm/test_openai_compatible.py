"""The lean client against a real server on loopback."""

import asyncio
import math
from typing import Any

import pytest

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.errors import TargetError
from evalkit.llm.connection import refusal_of
from evalkit.llm.openai_compatible import OpenAICompatibleModel
from evalkit.llm.protocol import ChatReply, ChatRequest
from evalkit.llm.retry import RetryPolicy
from evalkit.testing import Fault, RateLimit, Reply, ScriptedEndpoint

QUESTION = [{"role": "user", "content": "why?"}]
QUICK = RetryPolicy(first_seconds=0.001)


def model(server: ScriptedEndpoint, **settings: Any) -> OpenAICompatibleModel:
    settings = {"policy": QUICK, **settings}
    return OpenAICompatibleModel("m", name="openai/m", base_url=server.base_url, **settings)


def complete(asked: OpenAICompatibleModel, *requests: ChatRequest) -> list[ChatReply]:
    async def answered() -> list[ChatReply]:
        try:
            return list(await asyncio.gather(*map(asked.complete, requests)))
        finally:
            await asked.aclose()

    return asyncio.run(answered())


def test_one_pool_serves_many_calls_at_a_time() -> None:
    with ScriptedEndpoint("because", latency_seconds=0.02) as server:
        replies = complete(model(server), *[ChatRequest(messages=QUESTION)] * 64)
        assert [reply.text for reply in replies] == ["because"] * 64
        assert server.calls == 64
        assert server.peak_in_flight > 32


def test_concurrent_requests_take_their_answers_from_a_list_each_its_own() -> None:
    script = [f"answer {number}" for number in range(32)]
    with ScriptedEndpoint(script, latency_seconds=0.02) as server:
        replies = complete(model(server), *[ChatRequest(messages=QUESTION)] * 32)
        assert [request.number for request in server.requests] == list(range(32))
    assert sorted(str(reply.text) for reply in replies) == sorted(script)


def test_logprobs_are_handed_on() -> None:
    scripted = Reply(value="5", logprobs=[{"5": 0.75, "4": 0.25}])
    with ScriptedEndpoint([scripted]) as server:
        (reply,) = complete(
            model(server),
            ChatRequest(messages=QUESTION, sampling={"logprobs": True, "top_logprobs": 2}),
        )
        assert server.requests[0].json["top_logprobs"] == 2
    assert reply.logprobs is not None
    top = {
        entry["token"]: math.exp(entry["logprob"]) for entry in reply.logprobs[0]["top_logprobs"]
    }
    assert top == pytest.approx({"5": 0.75, "4": 0.25})


def test_a_stream_times_its_first_token_and_counts_its_tokens() -> None:
    with ScriptedEndpoint("one two three") as server:
        (reply,) = complete(model(server), ChatRequest(messages=QUESTION, stream=True))
        assert server.requests[0].json["stream_options"] == {"include_usage": True}
    assert reply.text == "one two three"
    assert reply.usage == {"input_tokens": 1, "output_tokens": 3}
    assert reply.time_to_first_token is not None


def test_a_server_that_does_not_stream_is_read_whole() -> None:
    body = b'{"choices":[{"message":{"content":"because"}}]}'
    with ScriptedEndpoint([Reply(body=body)]) as server:
        (reply,) = complete(model(server), ChatRequest(messages=QUESTION, stream=True))
    assert reply.text == "because"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT_OFF, Fault.UNAVAILABLE])
def test_what_breaks_on_the_way_is_asked_again(fault: Fault, *, stream: bool) -> None:
    with ScriptedEndpoint([fault, Reply(value="because", fault=None)]) as server:
        (reply,) = complete(model(server), ChatRequest(messages=QUESTION, stream=stream))
        assert server.calls == 2
    assert reply.text == "because"


def test_a_server_that_hangs_is_a_timeout_and_not_asked_again() -> None:
    with ScriptedEndpoint([Fault.HANG]) as server:
        with pytest.raises(TargetError) as caught:
            complete(model(server, timeout_seconds=0.5), ChatRequest(messages=QUESTION))
        assert (caught.value.reason, server.calls) == ("timeout", 1)


def test_a_rate_limit_is_waited_out() -> None:
    """The server names the wait, and every request gets through in the end."""
    limit = RateLimit(200.0, burst=2)
    patient = RetryPolicy(retries=50, first_seconds=0.001)
    with ScriptedEndpoint("because", rate_limit=limit) as server:
        replies = complete(model(server, policy=patient), *[ChatRequest(messages=QUESTION)] * 10)
        assert len(replies) == 10
        assert server.calls > 10


def test_mixed_faults_end_as_answer_or_as_the_right_reason() -> None:
    """None is missing, none is doubled: each request has exactly one outcome."""
    reasons = {
        Fault.NULL: None,
        Fault.PROSE: "invalid_response",
        Fault.TRUNCATED: "invalid_response",
        Fault.WRONG_SCHEMA: "invalid_response",
        Fault.SERVER_ERROR: "provider_error",
        Fault.RATE_LIMITED: "rate_limited",
        Fault.RESET: "connection",
        Fault.CUT_OFF: "connection",
    }
    script = {fault.value: fault for fault in reasons} | {"*": "because"}

    async def outcomes(asked: OpenAICompatibleModel) -> dict[str, str | None]:
        async def outcome(prompt: str) -> tuple[str, str | None]:
            request = ChatRequest(messages=[{"role": "user", "content": prompt}])
            try:
                await asked.complete(request)
            except TargetError as error:
                return prompt, error.reason
            return prompt, None

        prompts = [f"fine {number}" for number in range(50)] + list(script)[:-1]
        found = dict(await asyncio.gather(*map(outcome, prompts)))
        await asked.aclose()
        return found

    with ScriptedEndpoint(script) as server:
        found = asyncio.run(outcomes(model(server)))
    assert {fault: found[fault.value] for fault in reasons} == reasons
    assert [found[f"fine {number}"] for number in range(50)] == [None] * 50


def test_many_lines_of_one_stream_may_arrive_in_any_pieces() -> None:
    """An answer longer than one network packet is read whole."""
    text = " ".join(f"word{number}" for number in range(5000))
    with ScriptedEndpoint(text) as server:
        (reply,) = complete(model(server), ChatRequest(messages=QUESTION, stream=True))
    assert reply.text == text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": {"code": "context_length_exceeded"}}'),
        (400, '{"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}'),
        (400, '{"error": {"type": "exceed_context_size_error"}}'),
        (400, '{"message": "This model\'s maximum context length is 4096 tokens."}'),
        (413, '{"error": "input exceeds the context window"}'),
    ],
)
def test_a_prompt_that_is_too_long_is_no_trouble_of_the_provider(status: int, body: str) -> None:
    refusal = refusal_of(status, body)

    assert refusal.reason == "context_length"
    assert refusal.reason not in INFRASTRUCTURE
    assert not refusal.again


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, "context length exceeded", "provider_error"),
        (400, '{"error": "unknown parameter"}', "provider_error"),
        (429, "too many tokens per minute", "rate_limited"),
    ],
)
def test_other_refusals_keep_their_reason(status: int, body: str, reason: str) -> None:
    assert refusal_of(status, body).reason == reason
