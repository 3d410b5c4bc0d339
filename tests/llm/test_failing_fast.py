"""A run stops, resumable, where each further call would only be lost."""

import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import OutageError, TargetError, UsageError
from evalkit.evaluation.evaluate import resume
from evalkit.llm.health import FAILURES_IN_A_ROW, Health
from evalkit.llm.limits import Controllers, admitted, under
from evalkit.llm.session import ModelSession
from evalkit.testing import Reply, ScriptedEndpoint

ROWS = [{"question": f"q{n}", "expected": "a"} for n in range(1000)]
OFF = evalkit.Runtime(store=False, progress=False, concurrency=16)


@pytest.fixture
def anyio_backend() -> str:
    """Return the only loop that connections run on."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-failing-fast")


def refusal(status: int, message: str) -> Reply:
    """Return a provider's refusal."""
    return Reply(status=status, body=json.dumps({"error": {"message": message}}).encode())


REFUSALS = [
    pytest.param(refusal(401, "Incorrect API key provided"), id="401"),
    pytest.param(refusal(403, "no access"), id="403"),
    pytest.param(refusal(404, "The model `m` does not exist"), id="unknown model"),
    pytest.param(refusal(400, 'model "m" not found, try pulling it first'), id="model not found"),
    pytest.param(refusal(404, "no such page"), id="wrong address"),
]


@pytest.mark.parametrize("reply", REFUSALS)
def test_a_target_that_is_refused_costs_only_the_calls_in_flight(reply: Reply) -> None:
    with ScriptedEndpoint(reply) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            ROWS,
            "text.exact_match",
            gates=["text.exact_match >= 0.5"],
            runtime=OFF,
        )
        calls = endpoint.calls

    assert calls <= 32
    assert (result.facts.status, result.verdict.status) == ("outage", "INFRA")
    assert result["text.exact_match"].n_not_run == len(ROWS)
    assert "answers nothing" in result.facts.notes[-1]


@pytest.mark.parametrize("reply", REFUSALS)
def test_a_judge_that_is_refused_costs_only_the_calls_in_flight(reply: Reply) -> None:
    with ScriptedEndpoint(reply) as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        result = evalkit.evaluate(
            data=[{"output": f"a{n}"} for n in range(1000)], scorers=[judge], runtime=OFF
        )
        calls = endpoint.calls

    assert calls <= 32
    assert (result.facts.status, result.verdict.status) == ("outage", "INFRA")


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_is_down_is_given_up_after_some_failures_in_a_row(status: int) -> None:
    with ScriptedEndpoint(Reply(status=status)) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url, retries=0),
            ROWS,
            "text.exact_match",
            runtime=OFF,
        )
        calls = endpoint.calls

    assert calls < FAILURES_IN_A_ROW + 16
    assert result.facts.status == "outage"
    assert result["text.exact_match"].n_failed < FAILURES_IN_A_ROW


def test_nobody_at_the_address_is_given_up_too() -> None:
    with ScriptedEndpoint("a") as endpoint:
        gone = endpoint.base_url
    result = evalkit.evaluate(
        evalkit.chat("openai/m", base_url=gone, retries=0), ROWS, "text.exact_match", runtime=OFF
    )

    assert result.usage["target"].calls < FAILURES_IN_A_ROW + 16
    assert result.facts.status == "outage"


def test_an_endpoint_and_a_function_are_given_up_likewise() -> None:
    class AuthenticationError(Exception):
        status_code = 401

    asked: list[str] = []

    async def bot(question: str) -> str:
        asked.append(question)
        raise AuthenticationError("wrong key")

    with ScriptedEndpoint(Reply(status=401)) as endpoint:
        by_url = evalkit.evaluate(endpoint.url, ROWS, "text.exact_match", runtime=OFF)
        calls = endpoint.calls
    by_function = evalkit.evaluate(bot, ROWS, "text.exact_match", runtime=OFF)

    assert calls <= 32
    assert len(asked) <= 32
    assert by_url.facts.status == by_function.facts.status == "outage"


def test_what_was_stopped_is_resumed_once_it_is_mended() -> None:
    mended = False

    def reply(_: Any) -> Any:
        return "a" if mended else refusal(401, "Incorrect API key provided")

    with ScriptedEndpoint(reply) as endpoint:
        target = evalkit.chat("openai/m", base_url=endpoint.base_url)
        stopped = evalkit.evaluate(target, ROWS[:40], "text.exact_match")
        mended = True
        result = resume(stopped.run_id or "")

    assert stopped.facts.status == "outage"
    assert (result.facts.status, result["text.exact_match"].n_scored) == ("complete", 40)


def test_a_refusal_among_answers_fails_its_case_alone() -> None:
    def reply(request: Any) -> Any:
        asked = request.json["messages"][-1]["content"]
        return refusal(403, "flagged by moderation") if asked in {"q7", "q20"} else "a"

    with ScriptedEndpoint(reply) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            ROWS[:40],
            "text.exact_match",
            runtime=evalkit.Runtime(store=False, concurrency=1),
        )

    assert (result.facts.status, result["text.exact_match"].n_failed) == ("complete", 2)


@pytest.mark.parametrize("model", ["opnai/judge-a", "judge-a"])
def test_an_unknown_provider_is_named_before_the_target_runs(model: str) -> None:
    asked: list[str] = []

    def bot(question: str) -> str:
        asked.append(question)
        return "a"

    judge = evalkit.make_judge("j", "Is {{ outputs }} fine?", model=model)
    with pytest.raises(UsageError, match=f"no provider of '{model}'"):
        evalkit.evaluate(bot, ROWS[:5], [judge], runtime=OFF)

    assert asked == []


@pytest.mark.anyio
async def test_attempts_that_wait_at_a_hopeless_server_are_told() -> None:
    controllers = Controllers()
    pace = controllers.of("server", None).pace
    for second in range(80):
        pace.start(float(second))
        pace.end(float(second), float(second), "limited")
    session = ModelSession(controllers=controllers)
    with under(session.admission()), pytest.raises(OutageError, match="status 429"):
        async with admitted("server", None):
            raise AssertionError


def test_failures_of_the_question_break_the_row() -> None:
    health, down = Health(), TargetError("connection", "refused")
    for number in range(FAILURES_IN_A_ROW * 3):
        health.failed("m", down)
        if number % 5 == 0:
            health.failed("m", TargetError("provider_error", "status 400: too long", status=400))
    health.check("m")

    for _ in range(FAILURES_IN_A_ROW):
        health.failed("m", down)
    with pytest.raises(OutageError, match="10 failures in a row"):
        health.check("m")
