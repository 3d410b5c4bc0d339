"""Sign flips, paired bootstrap and approximate randomisation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_1samp, wilcoxon

from evalkit.stats import approximate_randomization, paired_bootstrap, sign_flip_test
from evalkit.stats.resampling import bootstrap_totals

Floats = npt.NDArray[np.float64]
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's maize, in eighths of an inch; Fisher (1935)."""


def mean(totals: Floats) -> Floats:
    return np.asarray(totals[:, 0] / totals[:, 1])


def rows(values: Floats) -> Floats:
    return np.stack([values, np.ones(values.size)], axis=1)


def test_fishers_exact_p_value_of_darwins_maize_is_reproduced() -> None:
    assert sign_flip_test(MAIZE) * 32768 == pytest.approx(1726)
    assert sign_flip_test(MAIZE) == pytest.approx(0.052673, abs=5e-7)
    assert ttest_1samp(MAIZE, 0).pvalue == pytest.approx(0.049703, abs=5e-7)
    ranks: Any = wilcoxon(MAIZE)
    assert (ranks.statistic, ranks.pvalue) == pytest.approx((24, 0.0412598), abs=5e-8)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
def test_exact_flips_equal_scipy(differences: list[int]) -> None:
    d = np.array(differences, dtype=np.float64)
    expected: Any = 1.0
    if d.size > 1 and d.any():
        expected = permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=2**9 + 1
        ).pvalue

    assert sign_flip_test(d) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("size", "n"), [pytest.param(60, 21, id="distinct-sizes"), pytest.param(2, 21, id="few-sizes")]
)
def test_random_flips_are_near_the_exact_value(size: int, n: int) -> None:
    d = np.random.default_rng(1).integers(1, size + 1, size=n) * np.where(np.arange(n) % 3, 1, -1)
    sums = np.zeros(1)
    for one in d:
        sums = np.concatenate([sums + one, sums - one])
    exact = (np.abs(sums) >= abs(d.sum())).mean()

    assert sign_flip_test(d, draws=40_000, seed=2) == pytest.approx(exact, abs=0.01)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.integers(0, 3))
def test_a_p_value_is_a_probability_and_ignores_direction(values: list[float], seed: int) -> None:
    d = np.array(values)
    p_value = sign_flip_test(d, draws=99, seed=seed)

    assert 0 < p_value <= 1
    assert p_value == sign_flip_test(-d, draws=99, seed=seed)


def test_groups_flip_together() -> None:
    d, groups = np.repeat([1.0, 2.0, -0.5], 7), np.repeat([1, 2, 3], 7)

    assert sign_flip_test(d, groups=groups) == sign_flip_test([7.0, 14.0, -3.5])


def test_no_difference_is_no_evidence() -> None:
    assert sign_flip_test(np.zeros(50)) == 1.0


Compare = Callable[..., object]
SYSTEM = np.random.default_rng(3).random(300)


@pytest.mark.parametrize("compare", [paired_bootstrap, approximate_randomization])
def test_equal_systems_are_not_told_apart(compare: Compare) -> None:
    found = compare(rows(SYSTEM), rows(SYSTEM), mean)

    assert found.difference == 0  # type: ignore[attr-defined]
    assert found.p_value == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("shift", [0.005, 0.02, 0.05])
def test_p_values_of_a_mean_are_near_students(shift: float) -> None:
    noise = np.random.default_rng(4).normal(size=300) * 0.2
    other = SYSTEM + noise - noise.mean() + shift
    expected = ttest_1samp(other - SYSTEM, 0.0)
    bootstrap = paired_bootstrap(rows(other), rows(SYSTEM), mean, draws=8_000, seed=5)
    swaps = approximate_randomization(rows(other), rows(SYSTEM), mean, draws=8_000, seed=5)

    assert bootstrap.p_value == pytest.approx(expected.pvalue, abs=0.015)
    assert swaps.p_value == pytest.approx(expected.pvalue, abs=0.015)
    assert bootstrap.low is not None
    limits = expected.confidence_interval()
    assert (bootstrap.low, bootstrap.high) == pytest.approx((limits.low, limits.high), abs=0.002)


def test_groups_are_resampled_and_swapped_as_a_whole() -> None:
    """A gain that comes from one group of ten is no news, however many cases it has."""
    gain = np.repeat([2.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 30)
    groups = np.repeat(np.arange(10), 30)
    ungrouped = paired_bootstrap(rows(SYSTEM + gain), rows(SYSTEM), mean)
    bootstrap = paired_bootstrap(rows(SYSTEM + gain), rows(SYSTEM), mean, groups=groups)
    swaps = approximate_randomization(rows(SYSTEM + gain), rows(SYSTEM), mean, groups=groups)

    assert ungrouped.p_value < 0.001
    assert bootstrap.p_value > 0.2
    assert swaps.p_value == 1.0


def test_corpus_metrics_take_any_compute() -> None:
    """Precision differs from a mean of cells: it weighs cases by what they predict."""

    def precision(totals: Floats) -> Floats:
        return np.asarray(totals[:, 0] / np.maximum(1.0, totals[:, 1]))

    rng = np.random.default_rng(6)
    said = rng.integers(0, 5, size=(400, 1)).astype(float)
    good = np.hstack([rng.binomial(said.astype(int), 0.8), said])
    poor = np.hstack([rng.binomial(said.astype(int), 0.6), said])
    found = paired_bootstrap(good, poor, precision)

    assert found.difference == pytest.approx(0.2, abs=0.05)
    assert found.p_value < 0.01
    assert approximate_randomization(good, poor, precision).p_value < 0.01


@pytest.mark.parametrize("compare", [paired_bootstrap, approximate_randomization])
def test_statistics_that_do_not_pair_up_are_refused(compare: Compare) -> None:
    with pytest.raises(ValueError, match="share a shape"):
        compare(np.ones((2, 1)), np.ones((3, 1)), mean)
    with pytest.raises(ValueError, match="compute must turn"):
        compare(np.ones((2, 1)), np.ones((2, 1)), lambda totals: totals)


def test_the_p_value_of_moses_and_sacrebleu_is_had_by_name() -> None:
    """They shift absolute differences to a mean of 0, and count those above the one seen."""
    rng = np.random.default_rng(7)
    first, second = rng.random((60, 1)), rng.random((60, 1)) - 0.1
    found = paired_bootstrap(first, second, lambda t: t[:, 0] / 60, draws=2_000, null="moses")
    totals = bootstrap_totals(np.hstack([first, second]), 2_000, seed=0) / 60
    sizes = np.abs(totals[:, 0] - totals[:, 1])
    seen = abs(float((first - second).mean()))

    assert found.p_value == (1 + int((sizes - sizes.mean() > seen).sum())) / 2_001
    shifted = paired_bootstrap(first, second, lambda t: t[:, 0] / 60)
    assert found.p_value < shifted.p_value
    assert (found.low, found.high) == (shifted.low, shifted.high)


def test_another_null_hypothesis_is_refused() -> None:
    with pytest.raises(ValueError, match="shifted, moses"):
        paired_bootstrap([[1.0]], [[0.0]], lambda t: t[:, 0], null="koehn")  # type: ignore[arg-type]
