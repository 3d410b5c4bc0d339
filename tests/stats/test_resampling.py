"""Bootstrap weights and totals."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.resampling import bootstrap_totals, bootstrap_weights

RNG = np.random.default_rng(20)


@given(st.integers(1, 30), st.integers(1, 20), st.integers(1, 25), st.integers(0, 9))
def test_weights_do_not_depend_on_the_chunk(n: int, draws: int, chunk: int, seed: int) -> None:
    whole = np.concatenate(list(bootstrap_weights(n, draws, seed=seed)))
    parts = np.concatenate(list(bootstrap_weights(n, draws, seed=seed, chunk=chunk)))

    np.testing.assert_array_equal(whole, parts)
    assert whole.shape == (draws, n)
    assert (whole.sum(axis=1) == n).all()


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    first, again, other = (next(iter(bootstrap_weights(50, 4, seed=seed))) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_cases_of_one_group_are_drawn_together() -> None:
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    weights = next(iter(bootstrap_weights(6, 200, seed=3, groups=groups)))

    for name in "abc":
        assert (np.ptp(weights[:, groups == name], axis=1) == 0).all()
    firsts = weights[:, [0, 1, 3]]
    assert (firsts.sum(axis=1) == 3).all()


def test_renaming_groups_changes_nothing() -> None:
    statistics = RNG.normal(size=(8, 2))
    first = bootstrap_totals(statistics, 5, seed=1, groups=[1, 1, 2, 2, 3, 3, 4, 4])
    second = bootstrap_totals(statistics, 5, seed=1, groups=list("zzyyxxww"))

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "statistics",
    [
        pytest.param(RNG.normal(size=(400, 3)), id="every-row-distinct"),
        pytest.param(RNG.integers(0, 2, size=(400, 2)).astype(float), id="few-distinct-rows"),
    ],
)
def test_totals_have_the_moments_of_the_multinomial(
    statistics: np.typing.NDArray[np.float64],
) -> None:
    n = len(statistics)
    totals = bootstrap_totals(statistics, 20_000, seed=4)

    error = statistics.std(axis=0) * np.sqrt(n)
    assert np.abs(totals.mean(axis=0) - statistics.sum(axis=0)).max() < 5 * error.max() / 141
    np.testing.assert_allclose(totals.std(axis=0), error, rtol=0.03)
    expected = np.cov(statistics.T, ddof=0) * n
    np.testing.assert_allclose(np.cov(totals.T), expected, atol=0.04 * np.abs(expected).max())


def test_totals_of_distinct_rows_are_weights_times_rows() -> None:
    statistics = RNG.normal(size=(37, 4))
    weights = np.concatenate(list(bootstrap_weights(37, 11, seed=5)))

    np.testing.assert_allclose(bootstrap_totals(statistics, 11, seed=5), weights @ statistics)


def test_totals_of_groups_are_totals_of_their_sums() -> None:
    statistics, groups = RNG.normal(size=(60, 2)), np.repeat(np.arange(12), 5)
    sums = statistics.reshape(12, 5, 2).sum(axis=1)

    np.testing.assert_allclose(
        bootstrap_totals(statistics, 9, seed=6, groups=groups), bootstrap_totals(sums, 9, seed=6)
    )


def test_every_resample_of_three_cases_occurs_as_often_as_it_should() -> None:
    weights = np.concatenate(list(bootstrap_weights(3, 27_000, seed=7)))
    seen = {tuple(row) for row in weights.astype(int).tolist()}
    ways = {
        tuple(np.bincount(draw, minlength=3).tolist())
        for draw in itertools.product(range(3), repeat=3)
    }

    assert seen == ways
    assert (weights == [1, 1, 1]).all(axis=1).mean() == pytest.approx(6 / 27, abs=0.01)


@pytest.mark.parametrize(
    ("n", "draws", "chunk"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)], ids=["n", "draws", "chunk"]
)
def test_nothing_to_draw_is_refused(n: int, draws: int, chunk: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        bootstrap_weights(n, draws, seed=0, chunk=chunk)


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="groups must have shape"):
        bootstrap_weights(3, 1, seed=0, groups=[1, 2])


def test_statistics_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap_totals([[np.nan]], 2, seed=0)
