"""The interval of a difference and its p-value say the same, whatever is compared."""

from typing import Any

import numpy as np
import pytest

from evalkit.stats import delong_difference, paired_difference
from evalkit.stats.difference import agreeing

Pair = tuple[Any, Any, dict[str, Any]]


def _scores(rng: np.random.Generator) -> Pair:
    """Draw the scores of two systems: bounded, yes/no, unbounded, few, tied, repeated, weighted."""
    n = int(rng.choice([2, 5, 9, 10, 19, 20, 30, 68, 200]))
    shift = float(rng.choice([0.0, 0.02, 0.1, 0.3]))
    hard = rng.beta(2, 1, n)
    options: dict[str, Any] = {"level": float(rng.choice([0.8, 0.9, 0.95, 0.99]))}
    kind = int(rng.integers(6))
    a: Any
    b: Any
    if kind == 0:
        a, b = (rng.random(n) < np.clip(hard + s, 0, 1) for s in (shift, 0.0))
        options["binary"] = True
    elif kind == 1:
        a, b = (rng.binomial(4, np.clip(hard + s, 0, 1)) / 4 for s in (shift, 0.0))
        options["bounds"] = (0.0, 1.0)
    elif kind == 2:  # small spread
        b = rng.beta(30, 2, n)
        a = np.clip(b + shift / 10 + rng.normal(0, 0.003, n), 0, 1)
        options["bounds"] = (0.0, 1.0)
    elif kind == 3:  # mostly ties
        b = rng.choice([0.0, 0.5, 1.0], n)
        a = np.where(rng.random(n) < 0.1 + shift, rng.choice([0.0, 0.5, 1.0], n), b)
        options["bounds"] = (0.0, 1.0)
    elif kind == 4:
        b = rng.lognormal(0, 1, n)
        a = b * (1 + shift) * rng.lognormal(0, 0.1, n)
    else:
        a, b = rng.standard_t(2, n) * 10 + shift, rng.standard_t(2, n) * 10
    if rng.random() < 0.25:
        options["groups"] = rng.integers(0, max(2, n // 3), n)
    if rng.random() < 0.25:
        options["weights"] = rng.exponential(size=n)
    return a, b, options


@pytest.mark.parametrize("seed", range(10))
def test_interval_and_p_value_never_contradict_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_clear = 0
    for _ in range(1_000):
        a, b, options = _scores(rng)
        found = paired_difference(a, b, **options)
        if found.low is None or found.high is None or found.p_value is None:
            assert not found.is_clear
            continue
        excludes = not found.low <= 0.0 <= found.high
        assert excludes == (found.p_value < 1 - options["level"]), (found, options)
        assert found.is_clear == excludes
        assert found.low <= found.difference + 1e-9
        assert found.difference <= found.high + 1e-9
        n_clear += found.is_clear
    assert 100 < n_clear < 900


def test_four_better_and_none_worse_of_68_is_no_difference_yet() -> None:
    gains = np.repeat([1.0, 0.0], [4, 64])
    declared = paired_difference(gains, np.zeros(68), binary=True)
    bounded = paired_difference(gains, np.zeros(68), bounds=(0, 1))

    assert declared.low == 0.0
    assert declared.p_value == 0.0625
    for found in (declared, bounded):
        assert found.p_value is not None
        assert found.is_clear == (found.p_value < 0.05)


@pytest.mark.parametrize(
    ("limits", "p_value", "otherwise", "expected"),
    [
        pytest.param((0.1, 0.2), 0.01, 0.02, (0.1, 0.2, 0.01), id="both-see-it"),
        pytest.param((-0.1, 0.2), 0.3, 0.4, (-0.1, 0.2, 0.3), id="neither"),
        pytest.param((0.1, 0.2), 0.07, 0.02, (0.0, 0.2, 0.07), id="test-does-not"),
        pytest.param((-0.2, -0.1), 0.07, 0.02, (-0.2, 0.0, 0.07), id="test-does-not-below"),
        pytest.param((-0.1, 0.2), 0.01, 0.2, (-0.1, 0.2, 0.2), id="interval-does-not"),
        pytest.param((-0.1, 0.2), 0.01, 0.02, (-0.1, 0.2, 0.05), id="only-the-level-is-left"),
    ],
)
def test_the_one_that_sees_no_difference_counts(
    limits: tuple[float, float],
    p_value: float,
    otherwise: float,
    expected: tuple[float, float, float],
) -> None:
    assert agreeing(*limits, p_value, otherwise=otherwise) == pytest.approx(expected)


@pytest.mark.parametrize("n", [20, 50, 200, 1_000])
def test_bounded_differences_of_small_spread_are_no_wider_than_t_makes_them(n: int) -> None:
    rng = np.random.default_rng(n)
    b = rng.beta(30, 2, n)
    a = b - 0.02 + rng.normal(0, 0.002, n)
    a, b = np.clip(a, 0, 1), np.clip(b, 0, 1)
    bounded, free = paired_difference(a, b, bounds=(0, 1)), paired_difference(a, b)

    assert (bounded.low, bounded.high) == pytest.approx((free.low, free.high))


def test_rare_differences_of_bounded_scores_stay_wide() -> None:
    """One pair in 50 says little of how often there are such pairs; t would say [-0.06, 0.02]."""
    b = np.repeat([1.0, 0.0], [1, 49])
    found = paired_difference(np.zeros(50), b, bounds=(0, 1))

    assert found.method == "tango-mean"
    assert found.low is not None
    assert found.low < -0.08


def test_delongs_interval_and_p_value_agree() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        labels = np.arange(40) % 2
        first = labels + rng.normal(size=40)
        found = delong_difference(first, 0.3 * labels + rng.normal(size=40), labels)
        assert (not found.low <= 0 <= found.high) == (found.p_value < 0.05)
