"""Quantiles of weighted values, and intervals that hold whatever the distribution is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from evalkit.stats import quantile_interval, weighted_quantile


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_coverage_is_at_least_the_level(share: float) -> None:
    generator = np.random.default_rng(7)
    truth = np.quantile(generator.lognormal(size=1_000_000), share)
    found = [quantile_interval(generator.lognormal(size=150), share) for _ in range(400)]
    hits = [truth in interval for interval in found if interval is not None]

    assert len(hits) == 400
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)


@given(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=60), st.floats(0.2, 0.8))
def test_limits_are_values_around_the_quantile(values: list[float], share: float) -> None:
    found = quantile_interval(values, share)
    if found is not None:
        assert found.low in values
        assert found.high in values
        assert found.low <= np.quantile(values, share, method="inverted_cdf") <= found.high


def test_too_few_values_have_no_interval() -> None:
    assert quantile_interval([1.0, 2.0, 3.0], 0.95) is None


@pytest.mark.parametrize(("share", "level"), [(0.0, 0.95), (1.0, 0.95), (0.5, 1.0)])
def test_shares_and_levels_outside_of_their_range_are_refused(share: float, level: float) -> None:
    with pytest.raises(ValueError, match=r"must (be|lie) in"):
        quantile_interval([1.0, 2.0], share, level=level)


WEIGHTED = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.integers(0, 5)), min_size=2, max_size=40
).filter(lambda pairs: len({weight for _, weight in pairs}) > 1)


@given(WEIGHTED, st.floats(0.01, 0.99))
def test_a_weight_counts_as_so_many_equal_cases(
    pairs: list[tuple[float, int]], share: float
) -> None:
    values, weights = (np.array(part) for part in zip(*pairs, strict=True))
    repeated = np.repeat(values, weights)
    # Exactly at a step either neighbour may be told, as the share is rounded.
    around = np.quantile(repeated, [share - 1e-9, share, share + 1e-9], method="inverted_cdf")

    assert weighted_quantile(values, share, weights) in around


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_weighted_quantiles_are_those_of_numpy(share: float) -> None:
    generator = np.random.default_rng(3)
    values, weights = generator.normal(size=99), generator.exponential(size=99)
    expected = np.quantile(values, share, weights=weights, method="inverted_cdf")

    assert weighted_quantile(values, share, weights) == expected
    assert weighted_quantile(values, share, np.full(99, 2.0)) == np.quantile(values, share)


def test_cases_in_groups_have_the_interval_of_their_groups() -> None:
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(150):
        groups = np.repeat(np.arange(40), 10)
        values = generator.normal(size=40)[groups] + generator.normal(0, 0.1, size=400)
        found = quantile_interval(values, 0.5, groups=groups)
        assert found is not None
        assert found.method == "woodruff"
        hits += 0.0 in found

    assert hits / 150 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 150)


def test_weights_move_the_interval_with_the_value() -> None:
    values, weights = np.arange(100.0), np.where(np.arange(100) >= 90, 100.0, 1.0)
    found = quantile_interval(values, 0.5, weights=weights)

    assert found is not None
    assert weighted_quantile(values, 0.5, weights) in found
    assert found.low >= 85


def test_cases_of_weight_zero_do_not_count() -> None:
    values, weights = [*range(40), 999.0, 999.0], [*([1.0] * 39), 2.0, 0.0, 0.0]

    found = quantile_interval(values, 0.5, weights=weights)
    assert found == quantile_interval(values[:40], 0.5, weights=weights[:40])


def test_few_groups_have_no_interval_however_many_cases() -> None:
    groups = np.repeat(np.arange(5), 100)
    assert quantile_interval(np.arange(500.0), 0.5, groups=groups) is None


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("n", [150, 400])
def test_weighted_quantiles_are_covered(n: int, share: float) -> None:
    generator = np.random.default_rng(n)
    truth, hits = np.quantile(np.random.default_rng(0).lognormal(size=1_000_000), share), []
    for _ in range(300):
        weights = generator.integers(1, 6, n)
        found = quantile_interval(generator.lognormal(size=n), share, weights=weights)
        if found is not None:
            hits.append(truth in found)

    assert len(hits) > 200
    assert np.mean(hits) >= 0.92


@pytest.mark.parametrize(("n_groups", "share"), [(10, 0.5), (50, 0.5), (100, 0.95)])
def test_quantiles_of_groups_are_covered(n_groups: int, share: float) -> None:
    generator, hits = np.random.default_rng(n_groups), []
    for _ in range(300):
        groups = np.repeat(np.arange(n_groups), generator.integers(1, 10, n_groups))
        values = generator.normal(size=n_groups)[groups] + generator.normal(size=groups.size)
        found = quantile_interval(values, share, groups=groups)
        if found is not None:
            hits.append(norm.ppf(share) * np.sqrt(2) in found)

    assert len(hits) > 200
    assert np.mean(hits) >= 0.92


def test_weights_of_whole_cases_have_the_interval_of_fewer_values() -> None:
    values = np.random.default_rng(5).normal(size=200)
    plain = quantile_interval(values, 0.5)
    uneven = quantile_interval(values, 0.5, weights=np.where(np.arange(200) % 2, 9.0, 1.0))

    assert plain is not None
    assert uneven is not None
    assert uneven.width > plain.width
