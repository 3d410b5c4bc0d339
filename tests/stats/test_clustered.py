"""Cluster-robust errors and intervals."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import bootstrap_interval, clustered_mean, mean_interval
from evalkit.stats.clustered import clustered_interval, rate_trials

Floats = npt.NDArray[np.float64]
Equal = Callable[[float | None, str], bool]


def uncorrected(error: float, groups: int) -> float:
    """Return CR0 from CR1."""
    return error * float(np.sqrt((groups - 1) / groups))


@pytest.mark.conformance
def test_the_error_of_tau_bench_is_reproduced(tau_bench: Floats, as_printed: Equal) -> None:
    tasks = np.repeat(np.arange(50), 4)
    found = clustered_mean(tau_bench.ravel(), tasks)
    drawn = bootstrap_interval(tau_bench.ravel(), groups=tasks, resamples=20_000, seed=1)

    assert as_printed(found.mean, ".420")
    assert as_printed(tau_bench.std() / np.sqrt(200), ".034900")
    assert as_printed(uncorrected(found.standard_error, 50), ".051691")
    assert as_printed(found.standard_error, ".052216")
    assert as_printed(found.design_effect, "2.19")
    assert drawn.standard_error == pytest.approx(0.0516, abs=0.0006)
    assert (drawn.low, drawn.high) == pytest.approx((0.32, 0.52), abs=0.006)


def verdict(vote: dict[str, Any]) -> tuple[str, str]:
    """Return what was compared and who won, independent of the order shown."""
    first, second = sorted((vote["model_a"], vote["model_b"]))
    winner = vote.get(vote["winner"], "tie")
    return json.dumps([vote["question_id"], first, second, vote["turn"]]), winner


@pytest.mark.conformance
def test_the_error_of_mt_bench_agreement_is_reproduced(
    mtbench: dict[str, list[dict[str, Any]]], as_printed: Equal
) -> None:
    judged = dict(verdict(vote) for vote in mtbench["gpt4_pair"])
    pairs = [
        (vote["question_id"], winner == judged[key])
        for vote in mtbench["human"]
        if vote["judge"].startswith("expert") and vote["turn"] == 1
        for key, winner in [verdict(vote)]
        if judged.get(key, "tie") != "tie" and winner != "tie"
    ]
    questions, agreed = zip(*pairs, strict=True)
    found = clustered_mean(agreed, questions)
    drawn = bootstrap_interval(agreed, groups=questions, resamples=20_000, seed=0)

    assert len(agreed) == 859
    assert found.n_groups == 79
    assert as_printed(found.mean, ".8463")
    assert as_printed(np.std(agreed) / np.sqrt(859), ".01230")
    assert as_printed(uncorrected(found.standard_error, 79), ".01709")
    assert (drawn.low, drawn.high) == pytest.approx((0.812, 0.879), abs=0.001)


grouped = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=4, max_size=60).filter(
    lambda rows: len({group for _, group in rows}) > 1
)


@given(grouped)
def test_the_error_equals_that_of_statsmodels(rows: list[tuple[float, int]]) -> None:
    values, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    fit = sm.OLS(values, np.ones(values.size)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )

    assert clustered_mean(values, groups).standard_error == pytest.approx(
        float(fit.bse[0]), rel=1e-6, abs=1e-9
    )


@given(grouped)
def test_an_interval_of_bounded_values_stays_in_bounds_and_never_collapses(
    rows: list[tuple[float, int]],
) -> None:
    values, groups = [row[0] for row in rows], [row[1] for row in rows]
    found = clustered_interval(values, groups, bounded=(0.0, 1.0))

    assert 0.0 <= found.low <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= found.high <= 1.0
    assert found.width > 0


@given(grouped, st.randoms(use_true_random=False))
def test_order_does_not_matter(rows: list[tuple[float, int]], random: Any) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    first, second = (
        clustered_interval([r[0] for r in part], [r[1] for r in part], bounded=(0, 1))
        for part in (rows, mixed)
    )

    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=1e-9)


def test_groups_of_one_are_independent_values() -> None:
    values = np.random.default_rng(1).normal(size=40)
    found = clustered_mean(values, np.arange(40))

    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(40))
    assert found.design_effect == pytest.approx(1.0)


def test_perfect_groups_count_as_one_value_each() -> None:
    found = clustered_interval([1.0] * 40, np.repeat(np.arange(4), 10), bounded=(0, 1))
    alone = mean_interval([1.0] * 4, bounds=(0, 1))

    assert alone is not None
    assert found.method == "cluster-wilson"
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_a_range_scales_the_interval() -> None:
    values, groups = np.random.default_rng(2).random(60), np.repeat(np.arange(12), 5)
    unit = clustered_interval(values, groups, bounded=(0, 1))
    stars = clustered_interval(1 + 4 * values, groups, bounded=(1, 5))

    assert (stars.low, stars.high) == pytest.approx((1 + 4 * unit.low, 1 + 4 * unit.high))


def test_many_groups_take_the_t_interval() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(100), 5)
    values = (rng.random(500) < 0.5).astype(float)
    found = clustered_interval(values, groups, bounded=(0, 1))

    assert found.method == "cluster-t"
    assert found.width == pytest.approx(2 * 1.984 * found.standard_error, rel=1e-3)  # type: ignore[operator]


def test_weights_scale_freely() -> None:
    values, groups, weights = [1.0, 0.0, 1.0, 0.5], [1, 1, 2, 2], np.array([1.0, 2.0, 3.0, 1.0])
    first = clustered_mean(values, groups, weights=weights)
    second = clustered_mean(values, groups, weights=10 * weights)

    assert first.standard_error == pytest.approx(second.standard_error)


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.integers(1, 10))
def test_copies_of_a_case_are_worth_about_one_case(answers: list[bool], copies: int) -> None:
    values = np.repeat(np.array(answers, dtype=float), copies)
    groups = np.repeat(np.arange(len(answers)), copies)

    found = rate_trials(values, groups=groups)

    assert found <= len(answers) + 1e-9
    assert found >= len(answers) - 1 - 1e-9
    assert rate_trials(values) == values.size


def test_groups_that_answer_as_independent_cases_do_cost_little() -> None:
    rng = np.random.default_rng(5)
    found = [
        rate_trials((rng.random(1000) < 0.3).astype(float), groups=np.arange(1000) // 10)
        for _ in range(50)
    ]

    assert max(found) <= 1000
    assert np.mean(found) > 850
