"""Bootstrap intervals."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from evalkit.stats import bootstrap_interval
from evalkit.stats.bootstrap import bca_from_draws, bca_interval, percentile_interval
from evalkit.stats.mean import studentised_interval
from evalkit.stats.resampling import bootstrap_weights

SPATIAL = np.array(
    "48 36 20 29 42 42 20 42 22 41 45 14 6 0 33 28 34 4 32 24 47 41 24 26 30 41".split(),
    dtype=np.float64,
)
"""Spatial test data A of Efron and Tibshirani (1993), table 14.1."""


@pytest.fixture(scope="module")
def variances() -> npt.NDArray[np.float64]:
    weights = np.concatenate(list(bootstrap_weights(26, 100_000, seed=1)))
    return np.asarray(weights @ SPATIAL**2 / 26 - (weights @ SPATIAL / 26) ** 2)


def test_efron_and_tibshiranis_spatial_data_is_reproduced(
    variances: npt.NDArray[np.float64],
) -> None:
    jackknife = np.array([np.delete(SPATIAL, row).var() for row in range(26)])
    spread = jackknife.mean() - jackknife
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    bca = bca_from_draws(variances, float(SPATIAL.var()), jackknife, level=0.90)
    percentile = percentile_interval(variances, level=0.90)

    assert SPATIAL.var() == pytest.approx(171.53, abs=0.005)
    assert acceleration == pytest.approx(0.0612, abs=0.00005)
    assert (bca.low, bca.high) == pytest.approx((115.3, 260.1), abs=2)
    assert (percentile.low, percentile.high) == pytest.approx((99.4, 234.7), abs=2)


def test_a_statistic_given_as_function_takes_the_same_interval(
    variances: npt.NDArray[np.float64],
) -> None:
    jackknife = [np.delete(SPATIAL, row).var() for row in range(26)]
    expected = bca_from_draws(variances, float(SPATIAL.var()), jackknife, level=0.90)
    found = bca_interval(SPATIAL, lambda x: float(x.var()), level=0.90, resamples=4000, seed=3)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.03)


def test_the_bca_interval_of_a_mean_agrees_with_scipy() -> None:
    sample = np.random.default_rng(8).gamma(2.0, size=40)
    found = bca_interval(sample, resamples=20_000, seed=1)
    expected = bootstrap(
        (sample,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.02)


samples = st.lists(st.floats(-100, 100), min_size=3, max_size=30).map(np.array)


@given(samples)
def test_limits_of_a_mean_lie_within_the_values(sample: npt.NDArray[np.float64]) -> None:
    found = bca_interval(sample, resamples=200, seed=0)
    slack = 1e-9 * (1 + np.abs(sample).max())

    assert sample.min() - slack <= found.low <= found.high <= sample.max() + slack


@given(samples, st.floats(0.1, 10))
def test_only_the_proportion_of_weights_matters(
    sample: npt.NDArray[np.float64], factor: float
) -> None:
    weights = np.arange(sample.size) % 3 + 1.0
    first = bca_interval(sample, resamples=100, seed=0, weights=weights)
    second = bca_interval(sample, resamples=100, seed=0, weights=factor * weights)

    np.testing.assert_allclose(
        (first.low, first.high), (second.low, second.high), atol=1e-6 * (1 + np.abs(sample).max())
    )


def test_a_percentile_interval_is_widened_to_hold_the_estimate() -> None:
    assert percentile_interval([1.0, 2.0, 3.0], 9.0).high == 9.0


def test_undefined_draws_are_left_out() -> None:
    assert percentile_interval([1.0, np.nan, 3.0], level=0.5).low == 1.5


def test_groups_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=20), 10)
    alone = bootstrap_interval(values, seed=0)
    grouped = bootstrap_interval(values, seed=0, groups=np.repeat(np.arange(20), 10))

    assert grouped.width > 2 * alone.width


def test_a_grouped_statistic_is_resampled_by_group() -> None:
    values, groups = np.arange(12.0), np.repeat(np.arange(4), 3)
    found = bootstrap_interval(values, lambda x: float(np.median(x)), seed=0, groups=groups)

    assert found.low < 5.5 < found.high


def test_the_studentised_interval_leans_towards_the_long_tail() -> None:
    sample = np.random.default_rng(2).lognormal(0, 1, size=60)
    found = studentised_interval(sample, seed=0)

    assert found is not None
    assert found.high - sample.mean() > 1.3 * (sample.mean() - found.low)


def test_the_studentised_interval_of_normal_values_is_near_students() -> None:
    sample = np.random.default_rng(3).normal(size=100)
    found = studentised_interval(sample, resamples=20_000, seed=0)

    assert found is not None
    assert found.width == pytest.approx(2 * 1.984 * sample.std(ddof=1) / 10, rel=0.05)


def test_a_sample_that_hardly_varies_has_no_studentised_interval() -> None:
    assert studentised_interval([0.0] * 19 + [1.0], seed=0) is None
    assert studentised_interval([2.0] * 20, seed=0) is None


def test_draws_on_one_side_fall_back_to_the_percentile_interval() -> None:
    assert bca_from_draws([1.0, 2.0, 3.0], 0.0, [1.0, 2.0]).method == "percentile"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: bca_interval([1.0], seed=0), "at least two", id="one-value"),
        pytest.param(lambda: bootstrap_interval([], seed=0), "at least one", id="no-value"),
        pytest.param(lambda: bootstrap_interval([[1.0]], seed=0), "shape", id="two-dimensional"),
        pytest.param(
            lambda: bca_interval([1.0, 2.0], np.median, seed=0, weights=[1, 2]),
            "weights apply to the mean",
            id="weights-with-a-statistic",
        ),
        pytest.param(lambda: percentile_interval([np.nan, 1.0]), "two finite", id="no-draws"),
    ],
)
def test_what_cannot_be_resampled_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
