"""Means whose variance rests on few values, huge values, small spreads, and half-open ranges."""

from typing import Any

import numpy as np
import pytest

from evalkit.stats import mean_interval
from evalkit.stats.interval import Interval
from evalkit.stats.intervals import group_means, note_on_mean
from evalkit.stats.mean import mean_and_error, values_behind

RNG = np.random.default_rng(0)


def interval_of(values: Any, **options: Any) -> Interval:
    found = mean_interval(values, **options)
    assert found is not None
    return found


@pytest.mark.parametrize("n", [10, 20, 30, 200])
def test_one_outlier_gives_no_interval_and_a_note(n: int) -> None:
    seconds = np.array([0.1] * (n - 1) + [30.0])

    assert mean_interval(seconds, bounds=(0.0, None)) is None
    assert "the median or p95 says more" in (note_on_mean(seconds) or "")


def test_rare_timeouts_are_noted_beside_their_interval() -> None:
    seconds = np.r_[RNG.lognormal(-0.5, 0.3, 95), [30.0, 31.0, 29.0, 30.0, 28.0]]
    found = interval_of(seconds, bounds=(0.0, None))

    assert 0.0 <= found.low < found.high <= seconds.max()
    assert note_on_mean(seconds) is not None
    assert note_on_mean(RNG.lognormal(-0.5, 0.3, 100)) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_skewed_mean_stays_below_the_largest_value_seen(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(0, 2, 10)
    found = mean_interval(values, bounds=(0.0, None))

    assert found is None or values.min() <= found.low <= found.high <= values.max()


def test_no_end_lies_outside_a_half_open_range() -> None:
    few_losses = np.r_[np.zeros(45), np.ones(15)] * 1e-3
    found = mean_interval(few_losses[::4], bounds=(0.0, None))

    assert found is None or found.low >= 0.0
    above = interval_of(-np.abs(RNG.normal(size=60)), bounds=(None, 0.0))
    assert above.high <= 0.0


@pytest.mark.parametrize("scale", [1e150, 1e200, 1e300, 1e-200, 1e-300])
def test_huge_and_tiny_values_have_the_interval_of_moderate_ones(scale: float) -> None:
    values = RNG.lognormal(0, 0.8, 40)
    plain, scaled = interval_of(values), interval_of(values * scale)

    assert scaled.low / scale == pytest.approx(plain.low)
    assert scaled.high / scale == pytest.approx(plain.high)


def test_the_largest_floats_raise_nothing() -> None:
    values = np.full(20, 1.7e308)

    assert mean_and_error(values)[0] == pytest.approx(1.7e308)
    assert mean_interval(values) is None
    assert mean_interval([1e308, 80.0, 75.0] * 5, groups=list("abcde") * 3) is None


@pytest.mark.parametrize("n", [20, 50, 199, 200, 1000])
def test_scores_of_small_spread_are_not_widened_to_a_rate(n: int) -> None:
    scores = RNG.normal(0.7, 0.005, n)
    found = interval_of(scores, bounds=(0, 1))

    assert found is not None
    assert found.width < 1.5 * 2 * 2.1 * scores.std() / np.sqrt(n)


def test_scores_near_an_end_are_as_narrow_as_without_a_range() -> None:
    scores = RNG.normal(0.02, 0.004, 20)
    found, free = interval_of(scores, bounds=(0, 1)), interval_of(scores)

    assert found.width <= 1.01 * free.width


@pytest.mark.parametrize(("n_groups", "mean"), [(40, 0.5), (40, 0.3), (200, 0.3), (600, 0.02)])
def test_grouped_scores_are_not_widened_to_a_rate(n_groups: int, mean: float) -> None:
    groups = np.repeat(np.arange(n_groups), 10)
    scores = np.clip(RNG.normal(mean, mean / 10, groups.size), 0, 1)
    found = interval_of(scores, groups=groups, bounds=(0, 1))

    assert found.width < 2 * 2.1 * (found.standard_error or 0.0)
    assert found.method == "cluster-t"


def test_grouped_skew_takes_the_studentised_bootstrap_of_groups() -> None:
    groups = np.repeat(np.arange(40), 5)
    effect = np.random.default_rng(1).lognormal(0, 0.9, 40)[groups]
    found = interval_of(effect * RNG.lognormal(0, 0.2, 200), groups=groups)

    assert found.method == "cluster-bootstrap-t"
    assert found.high - effect.mean() > effect.mean() - found.low


def test_group_means_have_the_robust_error_of_grouped_values() -> None:
    values, groups = RNG.random(50), RNG.integers(0, 12, 50)
    weights = RNG.random(50)
    mean, error = mean_and_error(*group_means(values, groups, weights))
    sums = [(weights[groups == g] * (values[groups == g] - mean)).sum() for g in np.unique(groups)]
    robust = np.sqrt(np.square(sums).sum() * len(sums) / (len(sums) - 1)) / weights.sum()

    assert mean == pytest.approx(np.average(values, weights=weights))
    assert error == pytest.approx(robust)


def test_what_lies_behind_a_variance() -> None:
    assert values_behind(np.array([0.0] * 99 + [1.0])) == pytest.approx(1.0, abs=0.05)
    assert values_behind(RNG.normal(size=400)) > 100
    assert values_behind(np.ones(5)) == 0.0


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        pytest.param(RNG.beta(27, 3, 30), "one in 10 may be unseen", id="few-near-the-end"),
        pytest.param(RNG.beta(27, 3, 200), None, id="many"),
        pytest.param(np.r_[RNG.beta(27, 3, 29), 0.0], None, id="one-is-seen"),
        pytest.param(np.full(30, 0.9), None, id="all-equal"),
        pytest.param(RNG.beta(27, 3, 9), None, id="too-few-for-more-than-the-range"),
    ],
)
def test_a_note_says_what_so_few_cases_cannot_show(scores: Any, note: str | None) -> None:
    found = note_on_mean(scores, bounds=(0.0, 1.0))

    assert found is None if note is None else note in (found or "")
