"""Judges in evaluations in which everything goes wrong: faults, kills, a second run."""

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.judging import Judge
from evalkit.testing import ScriptedEndpoint
from evalkit.testing.replies import Fault, Reply, SeenRequest
from evalkit.tracking import set_tracking_uri

YES = {"rationale": "It says so.", "verdict": "yes"}

PASSING = {
    "reset": Fault.RESET,
    "cut off": Fault.CUT_OFF,
    "429": Fault.RATE_LIMITED,
    "500": Fault.SERVER_ERROR,
    "503": Fault.UNAVAILABLE,
    "prose once": Reply(value="The answer is well supported."),
    "off the menu once": Reply(value={"rationale": "Hm.", "verdict": "perhaps"}),
    "empty once": Reply(value=""),
}
"""What goes wrong at first, and is mended by one more call."""

LASTING = {
    "body cut": (Fault.TRUNCATED, "invalid_response", 1),
    "web page": (Fault.PROSE, "invalid_response", 1),
    "no completion": (Fault.WRONG_SCHEMA, "invalid_response", 1),
    "prose": (Reply(value="I would say yes."), "invalid_response", 2),
    "another shape": (Reply(value={"score": 1}), "invalid_response", 2),
    "off the menu": (Reply(value={"rationale": "Hm.", "verdict": "maybe"}), "off_menu", 2),
    "empty": (Reply(value=""), "empty", 2),
    "null": (Fault.NULL, "empty", 2),
    "refusal": (Fault.REFUSAL, "refusal", 1),
    "too long": (Reply(value='{"rationale": "It', finish_reason="length"), "truncated", 1),
    "hang": (Fault.HANG, "timeout", 1),
}
"""What stays wrong, with the reason that the score gets and the calls that it takes."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("EVALKIT_TRACKING_URI", "EVALKIT_HOME", "EVALKIT_JUDGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    set_tracking_uri(None)
    return tmp_path


def judge_of(base_url: str) -> Judge:
    """Return a judge of answers."""
    return evalkit.make_judge(
        "right", "Is {{ outputs }} right?", model="openai/m", base_url=base_url, timeout_seconds=8.0
    )


def rows(count: int) -> list[dict[str, str]]:
    """Return *count* answers, each with its number."""
    return [{"question": f"q{n}", "outputs": f"answer number {n} of all"} for n in range(count)]


def number_of(request: SeenRequest) -> int:
    """Return the number of the answer that a request is about, a repair's too."""
    told = "".join(str(message.get("content")) for message in request.messages)
    found = re.search(r"answer number (\d+) of all", told)
    assert found is not None
    return int(found[1])


def test_of_two_thousand_judgements_among_faults_each_ends_with_its_score_or_reason() -> None:
    count, drawn = 2000, random.Random(3)  # noqa: S311  no secret
    kinds = [*PASSING, *LASTING]
    faulty = drawn.sample(range(count), count // 10)
    faults = {number: kinds[place % len(kinds)] for place, number in enumerate(faulty)}
    seen: Counter[int] = Counter()

    def script(request: SeenRequest) -> Any:
        number = number_of(request)
        seen[number] += 1
        kind = faults.get(number)
        if kind in LASTING:
            return LASTING[kind][0]
        return PASSING[kind] if kind is not None and seen[number] == 1 else YES

    with ScriptedEndpoint(script) as endpoint:
        result = evalkit.evaluate(
            data=rows(count),
            scorers=[judge_of(endpoint.base_url)],
            runtime=evalkit.Runtime(concurrency=64),
        )

    table = result.table()
    numbers = [int(inputs["question"][1:]) for inputs in table["inputs"]]
    reasons = dict(zip(numbers, table["right.reason"], strict=True))
    statuses = dict(zip(numbers, table["right.status"], strict=True))
    lasting = {number: kind for number, kind in faults.items() if kind in LASTING}
    assert sorted(numbers) == list(range(count))
    assert {n for n, status in statuses.items() if status != "ok"} == set(lasting)
    assert {n: reasons[n] for n in lasting} == {n: LASTING[kind][1] for n, kind in lasting.items()}
    assert result["right"].n_scored == count - len(lasting)
    assert result["right"].value == 1.0
    needed = {n: LASTING[kind][2] if kind in LASTING else 2 for n, kind in faults.items()}
    assert seen == Counter({number: needed.get(number, 1) for number in range(count)})


def test_recorded_judgements_make_no_call() -> None:
    count = 300
    with ScriptedEndpoint(lambda _: YES) as endpoint:
        judge = judge_of(endpoint.base_url)
        first = evalkit.evaluate(data=rows(count), scorers=[judge])
        second = evalkit.evaluate(data=rows(count), scorers=[judge])

        assert endpoint.calls == count
    assert second.usage["judge"].calls == 0
    assert second.usage["judge"].cached == count
    assert list(first.table()["right"]) == list(second.table()["right"])


PROGRAM = """
import sys
import evalkit

base_url, resume = sys.argv[1], sys.argv[2] or None
judge = evalkit.make_judge("right", "Is {{ outputs }} right?", model="openai/m", base_url=base_url)
result = evalkit.evaluate(
    data=[{"question": f"q{n}", "outputs": f"answer number {n} of all"} for n in range(120)],
    scorers=[judge],
    runtime=evalkit.Runtime(concurrency=4, resume=resume, progress=False),
)
print(list(result.table()["right"]), result.usage["judge"].calls)
"""


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 7))]
)
def test_killed_at_any_moment_no_verdict_is_paid_twice_and_scores_are_equal(
    seed: int, kill_and_resume: Callable[[ScriptedEndpoint, str, int, int], str]
) -> None:
    kills, count = 3, 120

    def script(request: SeenRequest) -> Any:
        return {"rationale": "So.", "verdict": "yes" if number_of(request) % 3 else "no"}

    with ScriptedEndpoint(script, latency_seconds=0.01) as endpoint:
        told = kill_and_resume(endpoint, PROGRAM, seed, kills)
        asked = Counter(number_of(request) for request in endpoint.requests)

    values = told.rpartition("]")[0].removeprefix("[").split(", ")
    assert sorted(asked) == list(range(count))
    assert sum(asked.values()) - count <= kills * 4  # those in flight at the kills
    assert [float(value) for value in values] == [float(n % 3 > 0) for n in range(count)]
