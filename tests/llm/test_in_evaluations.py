"""Evaluations that ask models: nothing is paid twice, nothing is lost, no key is written."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import NotRecordedError, UsageError
from evalkit.gates.verdict import Verdict
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatRequest
from evalkit.llm.session import current_session
from evalkit.targets.callable import CallableTarget
from evalkit.testing import ScriptedEndpoint
from evalkit.testing.replies import Fault, SeenRequest
from evalkit.tracking import set_tracking_uri

KEY = "sk-planted-9f2c4d7a8b1e"
PRICE = {"openai/m": (1000.0, 0.0)}
"""A tenth of a cent a token that is asked."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("EVALKIT_TRACKING_URI", "EVALKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    set_tracking_uri(None)
    return tmp_path


def judge_of(base_url: str) -> Any:
    """Return a scorer that asks a model about each answer, as a judge does."""

    @evalkit.scorer
    async def judge(outputs: str) -> bool:
        request = ChatRequest(messages=[{"role": "user", "content": f"judge {outputs}"}])
        model = open_chat_model("openai/judge", base_url=base_url, retries=3)
        try:
            reply = await current_session().complete(model, request, role="judge")
        finally:
            await model.aclose()
        return reply.text == "yes"

    return judge


def rows(count: int) -> list[dict[str, str]]:
    """Return *count* questions."""
    return [{"question": f"q{number}", "expected": f"a{number}"} for number in range(count)]


def answer(request: SeenRequest) -> str:
    """Answer a question, or judge an answer."""
    return "yes" if request.prompt.startswith("judge") else f"a{request.prompt[1:]}"


def evaluate(base_url: str, count: int, *scorers: Any, **runtime: Any) -> evalkit.EvaluationResult:
    """Evaluate a chat model that answers as scripted."""
    return evalkit.evaluate(
        evalkit.chat("openai/m", base_url=base_url),
        rows(count),
        ["text.exact_match", *scorers],
        runtime=evalkit.Runtime(**runtime),
    )


def test_a_second_run_of_the_same_evaluation_makes_no_call(folder: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        judge = judge_of(endpoint.base_url)
        first = evaluate(endpoint.base_url, 30, judge, prices=PRICE)
        made = endpoint.calls
        second = evaluate(endpoint.base_url, 30, judge, prices=PRICE)

        assert endpoint.calls == made
    assert first["judge"].value == second["judge"].value == 1.0
    assert first.usage["target"].calls == second.usage["target"].cached == 30
    assert first.usage["judge"].cost is None
    assert first.usage["target"].cost == pytest.approx(0.03)
    assert second.usage["target"].cost == 0.0
    assert (folder / "evalkit-cache" / "calls.db").is_file()
    assert list(second.table()["cost"]) == pytest.approx([0.001] * 30)


def test_equal_answers_are_judged_once_and_repeats_are_asked_each() -> None:
    with ScriptedEndpoint(lambda request: "yes" if "judge" in request.prompt else "a") as endpoint:
        evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            rows(4),
            [judge_of(endpoint.base_url)],
            repeats=3,
        )

        asked = Counter(request.prompt for request in endpoint.requests)
    assert asked == {"q0": 3, "q1": 3, "q2": 3, "q3": 3, "judge a": 1}


def test_no_store_keeps_nothing(folder: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        for _ in range(2):
            evaluate(endpoint.base_url, 3, store=False)

        assert endpoint.calls == 6
    assert list(folder.iterdir()) == []


def test_recordings_replay_without_server_and_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cassettes = str(folder / "cassettes")
    with ScriptedEndpoint(answer) as endpoint:
        base_url = endpoint.base_url
        recorded = evaluate(base_url, 5, judge_of(base_url), recordings=cassettes)
    monkeypatch.delenv("OPENAI_API_KEY")

    again = evaluate(
        base_url, 5, judge_of(base_url), recordings=cassettes, mode="replay", store=False
    )

    assert again["text.exact_match"].value == recorded["text.exact_match"].value == 1.0
    with pytest.raises(NotRecordedError, match=r"Case \w+: .*has these messages"):
        evaluate(base_url, 6, recordings=cassettes, mode="replay", store=False)


def test_a_versioned_target_is_called_once_in_all() -> None:
    calls: list[str] = []

    def bot(question: str) -> str:
        calls.append(question)
        return f"a{question[1:]}"

    def run(version: str | None, mode: str = "auto", count: int = 4) -> evalkit.EvaluationResult:
        target = CallableTarget(bot, version=version)
        runtime = evalkit.Runtime(mode=mode)
        return evalkit.evaluate(target, rows(count), "text.exact_match", runtime=runtime)

    run("1")
    second = run("1", "replay")
    assert len(calls) == 4
    assert second.usage["target"].cached == 4
    assert second["text.exact_match"].value == 1.0
    with pytest.raises(NotRecordedError, match=r"Case \w+: "):
        run("1", "replay", 5)
    with pytest.raises(NotRecordedError, match="another version"):
        run("2", "replay")
    with pytest.raises(UsageError, match="no version"):
        run(None, "replay")
    run(None)
    run(None)
    assert len(calls) == 12


def test_a_dollar_at_a_tenth_of_a_cent_stops_within_the_calls_in_flight() -> None:
    with ScriptedEndpoint(answer, latency_seconds=0.002) as endpoint:
        base_url = endpoint.base_url
        stopped = evaluate(base_url, 1200, prices=PRICE, budget=1.0, concurrency=50)

        assert 1000 <= endpoint.calls <= 1050
        assert stopped.verdict.status is Verdict.BUDGET
        assert stopped["text.exact_match"].n_scored == stopped.usage["target"].calls
        finished = evaluate(base_url, 1200, prices=PRICE, budget=2.0, resume=stopped.run_id)

        assert endpoint.calls == 1200
    assert finished["text.exact_match"].n_scored == 1200
    assert finished.usage["target"].cost == pytest.approx(1.2)


def test_a_spent_judge_budget_leaves_cells_that_a_resume_judges() -> None:
    with ScriptedEndpoint(answer) as endpoint:
        base_url, judge = endpoint.base_url, judge_of(endpoint.base_url)
        stopped = evaluate(base_url, 40, judge, budget={"judge": {"calls": 15}}, concurrency=4)
        estimate = stopped["judge"]

        assert stopped.verdict.status is Verdict.BUDGET
        assert 15 <= estimate.n_scored <= 19
        assert estimate.n_not_run == 40 - estimate.n_scored
        assert estimate.n_failed == 0
        finished = evaluate(base_url, 40, judge, resume=stopped.run_id)

        asked = Counter(request.prompt for request in endpoint.requests)
    assert finished["judge"].n_scored == 40
    assert set(asked.values()) == {1}
    assert finished.usage["judge"].calls == 40


FAULTS = [
    Fault.RESET,
    Fault.CUT_OFF,
    Fault.TRUNCATED,
    Fault.PROSE,
    Fault.RATE_LIMITED,
    Fault.SERVER_ERROR,
    Fault.UNAVAILABLE,
    Fault.NULL,
    Fault.WRONG_SCHEMA,
]
FINAL = {
    Fault.TRUNCATED: "invalid_response",
    Fault.PROSE: "invalid_response",
    Fault.WRONG_SCHEMA: "invalid_response",
    Fault.NULL: "empty",
}


def test_of_two_thousand_calls_among_faults_none_is_lost_or_doubled() -> None:
    drawn = random.Random(7)  # noqa: S311  no secret
    faults = {f"q{n}": drawn.choice(FAULTS) for n in range(2000) if drawn.random() < 0.1}
    seen: Counter[str] = Counter()

    def script(request: SeenRequest) -> Any:
        seen[request.prompt] += 1
        fault = faults.get(request.prompt)
        if fault is not None and (fault in FINAL or seen[request.prompt] == 1):
            return fault
        return answer(request)

    with ScriptedEndpoint(script) as endpoint:
        result = evaluate(endpoint.base_url, 2000, concurrency=64)

    expected = {prompt: FINAL[fault] for prompt, fault in faults.items() if fault in FINAL}
    failures = result.failures()
    questions = [inputs["question"] for inputs in result.table()["inputs"]]
    ids = dict(zip(result.table()["id"], questions, strict=True))
    found = {
        ids[case]: reason for case, reason in zip(failures["id"], failures["reason"], strict=True)
    }
    assert len(set(questions)) == 2000
    assert found == expected
    assert result["text.exact_match"].n_scored == 2000 - len(expected)
    assert result["text.exact_match"].value == 1.0
    assert seen.total() <= 1.2 * 2000
    retried = {prompt for prompt, times in seen.items() if times > 1}
    assert retried == {prompt for prompt, fault in faults.items() if fault not in FINAL}


def test_a_planted_key_is_in_nothing_that_is_written(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedEndpoint(answer, key=KEY) as endpoint:
        url = endpoint.base_url.replace("http://", f"http://me:{KEY}@")
        good = evaluate(endpoint.base_url, 5, recordings=str(folder / "cassettes"))
    with ScriptedEndpoint(answer, key="another") as endpoint:
        bad = evaluate(endpoint.base_url, 5)
    good.report(folder / "good.html")
    bad.report(folder / "bad.json")
    told = f"{good} {bad} {bad.failures().to_string()} {good.signatures} {good.environment}"
    captured = capfd.readouterr()
    written = [path for path in folder.rglob("*") if path.is_file()]

    assert good["text.exact_match"].value == 1.0
    assert bad.facts.status == "outage"
    assert len(written) > 10
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in told + captured.out + captured.err + caplog.text
    with pytest.raises(Exception, match=r"key") as caught:
        evalkit.chat("openai/m", base_url=url, api_key=KEY)
    assert KEY not in str(caught.value)


PROGRAM = """
import sys
import evalkit

base_url, resume = sys.argv[1], sys.argv[2] or None
result = evalkit.evaluate(
    evalkit.chat("openai/m", base_url=base_url),
    [{"question": f"q{n}", "expected": f"a{n}"} for n in range(150)],
    ["text.exact_match"],
    runtime=evalkit.Runtime(concurrency=4, resume=resume, progress=False),
)
print(result["text.exact_match"].value, result.usage["target"].calls)
"""


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 7))]
)
def test_killed_at_any_moment_only_calls_in_flight_are_made_again(
    seed: int, kill_and_resume: Callable[[ScriptedEndpoint, str, int, int], str]
) -> None:
    kills = 3
    with ScriptedEndpoint(answer, latency_seconds=0.01) as endpoint:
        told = kill_and_resume(endpoint, PROGRAM, seed, kills)
        asked = Counter(request.prompt for request in endpoint.requests)

    assert told.split()[0] == "1.0"
    assert len(asked) == 150
    assert sum(asked.values()) - 150 <= kills * 4
