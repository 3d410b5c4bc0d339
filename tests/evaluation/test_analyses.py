"""What a result can be asked besides its estimates: a plan, its variance, its scorers' error."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.stats import (
    PairedVariance,
    cases_to_detect,
    cases_to_detect_rates,
    pilot_variance,
    prediction_powered_mean,
    variance_components,
)

NOTHING_KEPT = evalkit.Runtime(store=False)


@evalkit.scorer
def right(outputs: float) -> bool:
    return outputs >= 1.0


@evalkit.scorer(low=0.0, high=1.0)
def level(outputs: float) -> float:
    return outputs


def result_of(matrix: Any, **options: Any) -> evalkit.EvaluationResult:
    """Return the evaluation of stored scores, a row for each case and repeat."""
    more = options.pop("more", lambda _: {})
    rows = [
        {"id": f"c{i}", "repeat": k, "inputs": {"q": i}, "outputs": float(value), **more(i)}
        for i, row in enumerate(np.asarray(matrix))
        for k, value in enumerate(np.atleast_1d(row))
    ]
    return evalkit.evaluate(data=rows, scorers=[right, level], runtime=NOTHING_KEPT, **options)


def drawn(n: int, repeats: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    chance = np.random.default_rng(0).beta(1, 1, n)[:, None]  # the same cases for every seed
    return (rng.random((n, repeats)) < chance).astype(float)


# How many cases


def test_a_plan_for_two_systems_follows_miller() -> None:
    a, b = drawn(120, 3, 1), drawn(120, 3, 2)
    plan = result_of(a).plan(detect=0.03, metric="right", baseline=result_of(b))
    pilot = pilot_variance(a, b)

    assert [row.repeats for row in plan.rows] == [1, 2, 3, 5, 10]
    for row in plan.rows:
        assert row.cases == int(np.ceil(cases_to_detect(0.03, pilot, repeats=row.repeats)))
        assert row.calls == row.cases * row.repeats
    assert plan.repeat_variance == pytest.approx(pilot.within_a + pilot.within_b)
    assert plan.method == "normal"


def test_a_plan_for_two_rates_follows_connor() -> None:
    a, b = drawn(200, 1, 1), drawn(200, 1, 2)
    plan = result_of(a).plan(detect=0.05, metric="right", baseline=result_of(b), power=0.9)
    discordance = float((a != b).mean())

    (row,) = plan.rows
    assert plan.discordance == pytest.approx(discordance)
    assert row.cases == int(np.ceil(cases_to_detect_rates(0.05, discordance, power=0.9)))
    assert "one repeat does not tell" in plan.note


def test_a_plan_for_one_system_asks_how_far_it_is_from_a_fixed_value() -> None:
    a = drawn(150, 1, 3)
    plan = result_of(a).plan(detect=0.05, metric="right")

    (row,) = plan.rows
    variance = PairedVariance(between=float(a.var(ddof=1)))
    assert row.cases == int(np.ceil(cases_to_detect(0.05, variance)))
    assert plan.baseline is None


def test_groups_of_equal_cases_need_as_many_groups_as_cases_alone() -> None:
    a = drawn(100, 1, 4)
    alone = result_of(a).plan(detect=0.05, metric="right").best.cases
    fivefold = np.repeat(a, 5, axis=0)
    plan = result_of(fivefold, more=lambda i: {"group": f"g{i // 5}"}).plan(
        detect=0.05, metric="right"
    )

    assert plan.design_effect == pytest.approx(5.0, rel=0.02)
    assert plan.best.cases == pytest.approx(5 * alone, rel=0.03)


def test_a_plan_tells_price_and_time_from_the_pilots_calls() -> None:
    rows = [{"id": f"c{i}", "question": str(i)} for i in range(60)]

    def bot(question: str) -> evalkit.Output:
        return evalkit.Output(float(int(question) % 2), cost=0.01)

    pilot = evalkit.evaluate(bot, rows, [right], runtime=NOTHING_KEPT)
    row = pilot.plan(detect=0.05).best

    assert row.cost == pytest.approx(0.01 * row.calls)
    assert row.seconds is not None
    assert row.seconds > 0


@pytest.mark.parametrize(
    ("question", "why"),
    [
        pytest.param({"detect": 0.0}, "detect=", id="no-difference"),
        pytest.param({"detect": 0.1, "power": 1.0}, "power=", id="certainty"),
        pytest.param({"detect": 0.1, "power": 0.01}, "power=", id="less-than-chance"),
        pytest.param({"detect": 0.1, "metric": "p95(level)"}, "no mean", id="quantile"),
    ],
)
def test_questions_that_make_no_sense_are_refused(question: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        result_of(drawn(30, 1, 5)).plan(**question)


def test_a_pilot_of_a_few_cases_is_refused() -> None:
    with pytest.raises(UsageError, match="a pilot needs 10"):
        result_of(drawn(5, 1, 5)).plan(detect=0.1)


# Where variance comes from


def test_variance_is_told_apart_as_by_the_one_way_model() -> None:
    matrix = drawn(80, 4, 6)
    parts = result_of(matrix).variance("right")
    model = variance_components(matrix)

    assert parts.from_target == pytest.approx(model.repeat_share)
    assert parts.from_cases == pytest.approx(1 - model.repeat_share)
    assert parts.standard_error == pytest.approx(model.standard_error)
    assert parts.icc == pytest.approx(model.icc)
    assert parts.from_judge is None


def test_repeats_that_agree_ask_for_more_cases() -> None:
    result = result_of(np.repeat(drawn(60, 1, 7), 3, axis=1))

    assert result.variance("right").advice == "more cases, not more repeats"
    assert "more cases, not more repeats" in str(result)


def test_the_votes_of_a_judge_are_told_apart_from_the_target() -> None:
    rng = np.random.default_rng(8)

    @evalkit.scorer(low=0.0, high=1.0)
    def judged(outputs: float) -> evalkit.Score:
        yes = sum(rng.random() < outputs for _ in range(4))
        votes = {word: n for word, n in (("1", yes), ("0", 4 - yes)) if n}
        return evalkit.Score(yes / 4, metadata={"votes": votes})

    rows = [
        {"id": f"c{i}", "repeat": k, "inputs": {"q": i}, "outputs": 0.2 + 0.6 * (i % 2)}
        for i in range(200)
        for k in range(3)
    ]
    result = evalkit.evaluate(data=rows, scorers=[judged], runtime=NOTHING_KEPT)
    parts = result.variance("judged")

    expected = 0.16 / (200 * 3 * 4)  # p (1 - p) over cases, repeats and samples
    assert parts.from_judge is not None
    assert parts.from_target is not None
    assert parts.from_judge * parts.standard_error**2 == pytest.approx(expected, rel=0.15)
    assert parts.from_target < 0.1  # the target itself always says the same


def voted(votes: dict[str, int], value: float) -> Any:
    """Return a result whose judge votes alike on each of 8 cases."""

    @evalkit.scorer(low=0.0, high=1.0)
    def judged(outputs: str) -> evalkit.Score:
        return evalkit.Score(value, explanation=outputs, metadata={"votes": votes})

    rows = [{"id": f"c{i}", "inputs": {"q": i}, "outputs": "a"} for i in range(8)]
    return evalkit.evaluate(data=rows, scorers=[judged], runtime=NOTHING_KEPT)


def test_a_judge_that_wavers_alike_on_every_case_is_all_that_varies() -> None:
    parts = voted({"yes": 3, "no": 2}, 0.6).variance("judged")

    assert (parts.from_judge, parts.from_cases) == (1.0, 0.0)
    assert "samples of the judge" in parts.advice


def test_votes_that_tell_nothing_apart_are_not_called_a_single_measurement() -> None:
    with pytest.raises(UsageError, match="no samples of a judge whose votes can be told apart"):
        voted({"good": 2, "fair": 2, "bad": 1}, 0.6).variance("judged")


def test_one_repeat_tells_nothing_apart() -> None:
    with pytest.raises(UsageError, match="repeats=2"):
        result_of(drawn(30, 1, 9)).variance("right")


def test_the_json_form_has_the_parts(tmp_path: Path) -> None:
    path = result_of(drawn(40, 2, 10)).report(tmp_path / "r.json")
    found = json.loads(path.read_text(encoding="utf-8"))["variance"]

    assert set(found) == {"right", "level"}
    assert 0 <= found["right"]["from_target"] <= 1


# The scorer's own error


def labelled(i: int) -> dict[str, Any]:
    return {"labels": {"right": (i % 7) != 0}} if i % 3 == 0 else {}


def test_labels_in_the_data_correct_a_rate() -> None:
    a = drawn(300, 1, 11)
    found = result_of(a, more=labelled).corrected("right")
    rows = np.arange(300)
    known = rows % 3 == 0
    expected = prediction_powered_mean(
        (rows[known] % 7 != 0).astype(float), a[known, 0], a[~known, 0]
    )

    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    assert found.method == "ppi++"
    assert found.n_labelled == 100
    assert found.raw.value == pytest.approx(a.mean())


def test_words_that_humans_and_the_scorer_share_are_numbers() -> None:
    @evalkit.scorer(low=0.0, high=1.0)
    def graded(outputs: float) -> evalkit.Score:
        return evalkit.Score(outputs, label="good" if outputs else "bad")

    rows = [
        {
            "id": f"c{i}",
            "inputs": {"q": i},
            "outputs": float(i % 2),
            "labels": {"graded": "good" if i % 4 else "bad"} if i < 40 else {},
        }
        for i in range(120)
    ]
    found = evalkit.evaluate(data=rows, scorers=[graded], runtime=NOTHING_KEPT)

    assert found.corrected("graded").n_labelled == 40
    assert found.corrected("graded=good").value == pytest.approx(found.corrected("graded").value)


def test_labels_that_are_all_alike_promise_nothing() -> None:
    result = result_of(
        drawn(60, 1, 14), more=lambda i: {"labels": {"right": True}} if i < 10 else {}
    )

    with pytest.raises(UsageError, match="alike"):
        result.corrected("right")


def test_known_error_rates_correct_a_rate() -> None:
    a = np.array([1.0] * 600 + [0.0] * 400)
    found = result_of(a).corrected("right", sensitivity=(180, 200), specificity=(160, 200))

    assert found.method == "rogan-gladen"
    assert found.value == pytest.approx(0.571429, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.50619, 0.63722), abs=5e-6)


def test_copies_in_groups_make_a_corrected_rate_no_more_exact() -> None:
    rates = {"sensitivity": (180, 200), "specificity": (160, 200)}
    a = drawn(40, 1, 12)
    alone = result_of(a).corrected("right", **rates)
    copies = result_of(np.repeat(a, 20, axis=0), more=lambda i: {"group": f"g{i // 20}"})
    grouped = copies.corrected("right", **rates)

    assert grouped.value == pytest.approx(alone.value)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=0.005)
    assert grouped.standard_error == pytest.approx(alone.standard_error, rel=0.02)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param({}, "human label", id="no-labels"),
        pytest.param({"sensitivity": (9, 10)}, "both", id="half-of-it"),
        pytest.param({"sensitivity": (11, 10), "specificity": (9, 10)}, "counts", id="no-share"),
        pytest.param({"sensitivity": (5, 10), "specificity": (5, 10)}, "guessing", id="no-skill"),
    ],
)
def test_what_cannot_be_corrected_says_why(options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        result_of(drawn(30, 1, 12)).corrected("right", **options)


def test_a_number_is_not_corrected_by_error_rates() -> None:
    with pytest.raises(UsageError, match="not a rate"):
        result_of(drawn(30, 1, 13)).corrected("level", sensitivity=(9, 10), specificity=(9, 10))


def test_the_worst_of_several_slices_is_no_mean() -> None:
    result = result_of(
        drawn(60, 1, 14), more=lambda i: labelled(i) | {"tags": {"half": str(i % 2)}}
    )
    key = "worst(right, by=half)"

    with pytest.raises(UsageError, match="no mean"):
        result.corrected(key)
    with pytest.raises(UsageError, match="no mean"):
        result.plan(detect=0.1, metric=key)
    with pytest.raises(UsageError, match="no metric that has a verdict on each case"):
        result.calibration(key)


@pytest.mark.conformance
def test_tau_bench_repeats_take_a_quarter_of_the_variance() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("EVALKIT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no published data: EVALKIT_SHARED_DATA names no folder")
    rewards = np.full((50, 4), np.nan)
    with (folder / "tau_bench/rewards.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rewards[int(row["task_id"]), int(row["trial"])] = float(row["reward"])
    parts = result_of(rewards).variance("right")

    assert parts.from_target == pytest.approx(0.269, abs=5e-4)
    assert parts.icc == pytest.approx(0.4046, abs=5e-5)
    assert parts.standard_error == pytest.approx(0.052216, abs=5e-7)
