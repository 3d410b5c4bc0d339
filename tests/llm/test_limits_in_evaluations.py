"""Limits and budgets as an evaluation keeps them: user code is neither retried nor throttled."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit._internal.clock import monotonic
from evalkit.gates.verdict import Verdict
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest
from evalkit.tracking import set_tracking_uri


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("EVALKIT_TRACKING_URI", "EVALKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-limits")
    set_tracking_uri(None)
    return tmp_path


def rows(count: int) -> list[dict[str, str]]:
    """Return *count* questions with their answers."""
    return [{"question": f"q{n}", "expected": f"a{n}", "output": f"a{n}"} for n in range(count)]


def questions(count: int) -> list[dict[str, str]]:
    """Return *count* questions."""
    return [{"question": f"q{n}", "expected": f"a{n}"} for n in range(count)]


class RateLimitError(Exception):
    """A bug that sounds as if trying again would help."""


@pytest.mark.parametrize("error", [ValueError, TimeoutError, ConnectionError, RateLimitError])
def test_a_bug_in_user_code_is_never_tried_again(error: type[Exception]) -> None:
    called: Counter[str] = Counter()

    def bot(question: str) -> str:
        called[question] += 1
        raise error(question)

    async def fine(outputs: str) -> bool:
        called[outputs] += 1
        raise error(outputs)

    failed = evalkit.evaluate(bot, questions(5), "text.exact_match")
    broken = evalkit.evaluate(data=rows(5), scorers=[evalkit.scorer(fine)])

    assert failed["text.exact_match"].n_failed == broken["fine"].n_failed == 5
    assert len(called) == 10
    assert set(called.values()) == {1}


def test_scorers_of_pure_code_are_never_throttled() -> None:
    async def later(outputs: str) -> float:
        return float(len(outputs))

    began = monotonic()
    result = evalkit.evaluate(
        data=rows(300),
        scorers=["text.exact_match", "text.token_f1", evalkit.scorer(later)],
        runtime=evalkit.Runtime(requests_per_minute=1, tokens_per_minute=1, concurrency=1),
    )

    assert result["later"].n_scored == 300
    assert monotonic() - began < 20.0  # one a minute would take five hours


def test_nothing_starts_after_the_server_has_said_that_nothing_remains() -> None:
    """The 429 that would follow is never provoked."""
    pause = 0.4
    seen: list[float] = []

    def script(request: SeenRequest) -> Any:
        seen.append(monotonic())
        left = "0" if len(seen) == 4 else "9"
        headers = {
            "x-ratelimit-remaining-requests": left,
            "x-ratelimit-limit-requests": "10",
            "x-ratelimit-reset-requests": f"{pause}s",
        }
        return Reply(value=f"a{request.prompt[1:]}", headers=headers)

    with ScriptedEndpoint(script) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            questions(8),
            "text.exact_match",
            runtime=evalkit.Runtime(concurrency=1),
        )

    gaps = [after - before for before, after in itertools.pairwise(seen)]
    assert result["text.exact_match"].n_scored == 8
    assert gaps[3] >= pause * 0.9
    assert [gap for gap in gaps if gap >= pause * 0.9] == [gaps[3]]


def _answer(request: SeenRequest) -> Any:
    text = '{"rationale": "so", "verdict": "yes"}' if "fine?" in request.prompt else request.prompt
    return Reply(value=text, usage={"prompt_tokens": 8, "completion_tokens": 2})


@pytest.mark.parametrize(
    ("budget", "most"),
    [
        pytest.param({"tokens": 100}, {"target": 14, "judge": 14}, id="tokens"),
        pytest.param({"judge": {"tokens": 50}}, {"target": 40, "judge": 9}, id="tokens-of-judge"),
        pytest.param({"judge": {"calls": 6}}, {"target": 40, "judge": 6}, id="calls-of-judge"),
        pytest.param({"target": {"calls": 6}}, {"target": 6, "judge": 6}, id="calls-of-target"),
        pytest.param({"judge": {"usd": 0.04}}, {"target": 40, "judge": 9}, id="dollars-of-judge"),
        pytest.param({"seconds": 0.0}, {"target": 0, "judge": 0}, id="seconds"),
        pytest.param({"judge": {"seconds": 0.0}}, {"target": 40, "judge": 0}, id="judge-seconds"),
    ],
)
def test_each_unit_stops_its_role_within_the_calls_in_flight_and_resumes(
    budget: dict[str, Any], most: dict[str, int]
) -> None:
    with ScriptedEndpoint(_answer, latency_seconds=0.002) as endpoint:
        judge = evalkit.make_judge(
            name="fine",
            instructions="Is {{ outputs }} fine?",
            choices={"yes": 1.0, "no": 0.0},
            model="openai/j",
            base_url=endpoint.base_url,
        )
        target = evalkit.chat("openai/m", base_url=endpoint.base_url)
        settings: dict[str, Any] = {"concurrency": 4, "prices": {"openai/j": (1000.0, 0.0)}}
        stopped = evalkit.evaluate(
            target, questions(40), [judge], runtime=evalkit.Runtime(budget=budget, **settings)
        )
        resumed = evalkit.evaluate(
            target,
            questions(40),
            [judge],
            runtime=evalkit.Runtime(resume=stopped.run_id, **settings),
        )

        asked = Counter(request.body for request in endpoint.requests)
    assert stopped.verdict.status is Verdict.BUDGET
    for role, calls in most.items():
        assert (stopped.usage[role].calls if role in stopped.usage else 0) <= calls
    assert resumed["fine"].n_scored == 40
    assert set(asked.values()) == {1}
