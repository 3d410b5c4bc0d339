"""Evaluations that end as soon as their gates are decided."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit.errors import EvalkitError, UnknownMetricError, UsageError
from evalkit.gates.verdict import Verdict

NOTHING_KEPT = evalkit.Runtime(store=False)
N = 600
ROWS = [
    {"question": f"q{i}", "expected": "y" if i % 10 else "n", "tags": {"part": f"p{i % 2}"}}
    for i in range(N)
]


@evalkit.scorer
def right(outputs: str, expectations: dict[str, Any]) -> bool:
    return bool(outputs == next(iter(expectations.values())))


@evalkit.scorer
def length(outputs: str) -> float:
    return float(len(outputs))


class Bot:
    """Says yes, and counts how often it was asked."""

    def __init__(self, answer: Callable[[str], str] = lambda _: "y") -> None:
        self.asked: list[str] = []
        self._answer = answer

    async def __call__(self, question: str) -> str:
        self.asked.append(question)
        await asyncio.sleep(0)
        return self._answer(question)


def stopped(target: Any = None, **options: Any) -> evalkit.EvaluationResult:
    settings: dict[str, Any] = {
        "data": ROWS,
        "scorers": [right],
        "gates": "right >= 0.7",
        "stop": "when decided",
        "runtime": NOTHING_KEPT,
    }
    return evalkit.evaluate(target or Bot(), **(settings | options))


def test_a_clear_gate_ends_the_evaluation_early_and_says_so() -> None:
    bot = Bot()
    result = stopped(bot)

    assert result.verdict.status is Verdict.PASS
    assert result.facts.status == "decided"
    assert len(bot.asked) < N / 2
    assert f"{N - len(bot.asked)} of {N} calls were saved" in result.facts.notes[0]
    (condition,) = result.verdict.conditions
    assert "decided sequentially after" in condition.why
    assert f"of {N} cases, betting confidence sequence at 95 %" in condition.why
    assert result["right"].method == "betting"
    assert result["right"].n_not_run > N / 2
    assert "were saved" in str(result)


def test_a_hopeless_gate_ends_it_too() -> None:
    result = stopped(gates="right >= 0.99")

    assert result.verdict.status is Verdict.FAIL
    assert result.facts.status == "decided"


def test_the_verdict_does_not_depend_on_concurrency() -> None:
    found = [
        stopped(runtime=evalkit.Runtime(store=False, concurrency=many)).verdict.conditions[0].why
        for many in (1, 3, 32)
    ]

    after = {why[why.index("decided") :] for why in found}
    assert len(after) == 1


def test_cases_are_drawn_by_the_seed_and_stay_in_the_order_of_the_data() -> None:
    first, second, other = Bot(), Bot(), Bot()
    result = stopped(first, runtime=evalkit.Runtime(store=False, concurrency=1))
    stopped(second, runtime=evalkit.Runtime(store=False, concurrency=1))
    stopped(other, seed=1, runtime=evalkit.Runtime(store=False, concurrency=1))

    assert first.asked[:40] == second.asked[:40]
    assert first.asked[:40] != other.asked[:40]
    assert first.asked[:40] != [row["question"] for row in ROWS[:40]]
    table = result.table()
    assert [inputs["question"] for inputs in table["inputs"]] == [f"q{i}" for i in range(N)]
    scored = {i: bool(value) for i, value in enumerate(table["right"]) if value == value}  # noqa: PLR0124
    assert {f"q{i}" for i in scored} <= set(first.asked)
    assert scored == {i: i % 10 != 0 for i in scored}


def test_what_is_never_decided_runs_to_the_end_and_passes_nothing() -> None:
    bot = Bot()
    result = stopped(bot, gates="right >= 0.9")

    assert len(bot.asked) == N
    assert result.facts.status == "complete"
    assert result.verdict.status is Verdict.INCONCLUSIVE
    assert f"not decided sequentially by {N} of {N} cases" in result.verdict.conditions[0].why


def test_every_gate_must_be_decided() -> None:
    result = stopped(gates=["right >= 0.7", "right[part=p1] >= 0.9", "coverage >= 0.9"])

    assert [c.status for c in result.verdict.conditions] == [Verdict.PASS] * 3
    assert result.facts.status == "decided"


def test_stored_answers_are_scored_only_as_far_as_needed() -> None:
    rows = [{**row, "output": "y"} for row in ROWS]
    result = evalkit.evaluate(
        data=rows, scorers=[right], gates="right >= 0.7", stop="when decided", runtime=NOTHING_KEPT
    )

    assert result.verdict.status is Verdict.PASS
    assert "cases were not scored" in result.facts.notes[0]
    assert result["right"].n_scored < N / 2


def test_a_stopped_run_keeps_its_verdict_and_can_be_finished() -> None:
    result = stopped(runtime=None)
    loaded = evalkit.EvaluationResult.load(result.run_id or "")
    bot = Bot()
    whole = evalkit.evaluate(
        bot, ROWS, [right], runtime=evalkit.Runtime(resume=result.run_id, concurrency=4)
    )

    assert loaded.verdict == result.verdict
    assert loaded["right"] == result["right"]
    assert whole.facts.status == "complete"
    assert whole["right"].value == pytest.approx(0.9)
    assert len(bot.asked) <= N - result["right"].n_scored
    assert whole.verdict.conditions[0].why.endswith(
        result.verdict.conditions[0].why.partition("decided")[2]
    )


def test_a_stopped_run_that_is_watched_again_asks_nothing_more() -> None:
    result = stopped(runtime=None)
    bot = Bot()
    again = stopped(bot, runtime=evalkit.Runtime(resume=result.run_id))

    assert bot.asked == []
    assert again.verdict == result.verdict


def test_a_run_in_the_order_of_the_data_cannot_be_stopped_later() -> None:
    rows = ROWS[:20]
    result = evalkit.evaluate(
        Bot(),
        rows,
        [right],
        runtime=evalkit.Runtime(budget={"target": {"calls": 5}}, concurrency=1),
    )

    with pytest.raises(UsageError, match="started without stop="):
        stopped(data=rows, runtime=evalkit.Runtime(resume=result.run_id))


def test_wins_over_a_baseline_are_counted_until_they_suffice() -> None:
    old = evalkit.evaluate(Bot(lambda _: "n"), ROWS, [right], runtime=NOTHING_KEPT)
    result = stopped(gates="improves(right)", baseline=old)

    assert result.verdict.status is Verdict.PASS
    assert "e-process of paired wins at 95 %" in result.verdict.conditions[0].why
    assert result["right"].n_scored < N / 2


def test_a_loss_against_the_baseline_is_found_early() -> None:
    old = evalkit.evaluate(Bot(), ROWS, [right], runtime=NOTHING_KEPT)
    new = Bot(lambda question: "y" if int(question[1:]) % 2 else "n")
    result = stopped(new, gates="no_regression(right, margin=0.05)", baseline=old)

    assert result.verdict.status is Verdict.FAIL
    assert "betting confidence sequence at 90 %" in result.verdict.conditions[0].why
    assert len(new.asked) < N


def test_turns_of_a_session_are_asked_in_order_and_count_as_one_draw() -> None:
    rows = [{**row, "session": f"s{i // 3}", "turn": i % 3} for i, row in enumerate(ROWS)]
    bot = Bot()
    result = stopped(bot, data=rows, runtime=evalkit.Runtime(store=False, concurrency=1))
    numbers = [int(question[1:]) for question in bot.asked]

    assert result.verdict.status is Verdict.PASS
    whole = [numbers[i : i + 3] for i in range(0, len(numbers) // 3 * 3, 3)]
    assert all(turns == [turns[0], turns[0] + 1, turns[0] + 2] for turns in whole)
    assert not [turns for turns in whole if turns[0] % 3]


def test_repeats_are_reduced_before_they_are_tested() -> None:
    result = stopped(repeats=2, reducer="pass_at_k(2)")

    assert result.verdict.status is Verdict.PASS
    assert result.facts.status == "decided"
    assert f"of {2 * N:,} calls were saved" in result.facts.notes[0]


def test_targets_that_fail_keep_a_pass_from_being_final() -> None:
    def answer(question: str) -> str:
        if int(question[1:]) % 4 == 0:
            raise RuntimeError("down")
        return "y"

    bot = Bot(answer)
    result = stopped(bot, gates="right >= 0.5")

    assert len(bot.asked) == N
    assert result.verdict.status is Verdict.FAIL
    assert "coverage" in result.verdict.conditions[0].why


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param({"gates": ()}, "needs a gate", id="no-gate"),
        pytest.param({"gates": "coverage >= 0.9"}, "needs a gate", id="coverage-alone"),
        pytest.param({"gates": "right >= 0.7 @ point"}, "right >= 0.7 @ point", id="point"),
        pytest.param({"gates": "p95(right) <= 1"}, r"p95\(right\) <= 1", id="quantile"),
        pytest.param({"gates": "right == 1"}, "right == 1", id="equality"),
        pytest.param({"gates": "must_pass[part=p1]"}, r"must_pass\[part=p1\]", id="must-pass"),
        pytest.param({"gates": "worst(right, by=part) >= 0.5"}, "worst", id="worst-slice"),
        pytest.param({"gates": "length <= 3", "scorers": [length]}, "no fixed range", id="range"),
        pytest.param({"gates": "text.bleu >= 3", "scorers": ["text.bleu"]}, "no mean", id="corpus"),
        pytest.param({"gates": "improves(right)"}, "no baseline", id="no-baseline"),
        pytest.param({"stop": "soon"}, "when decided", id="other-word"),
    ],
)
def test_what_cannot_be_decided_early_is_refused_before_anything_is_asked(
    options: dict[str, Any], why: str
) -> None:
    bot = Bot()

    with pytest.raises(UsageError, match=why):
        stopped(bot, **options)
    assert bot.asked == []


def test_a_gate_on_no_metric_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UnknownMetricError) as caught:
        stopped(gates="rihgt >= 0.5")
    assert isinstance(caught.value, EvalkitError)


@evalkit.scorer
def liar(outputs: str) -> bool:
    return 1.0 + float(outputs == "y")  # type: ignore[return-value]


def test_a_value_beyond_the_declared_range_decides_nothing() -> None:
    result = stopped(scorers=[liar], gates="liar >= 0.5")

    assert result.verdict.status is Verdict.INCONCLUSIVE
    assert "outside the range" in result.verdict.conditions[0].why
