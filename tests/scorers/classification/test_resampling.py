"""Bootstrap draws of a confusion table: as of the cases themselves, and quick."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit_scorers.classification.confusion import ConfusionCells, count_draws

FEW = np.array([0] * 60 + [1] * 30 + [2] * 10)
MANY = np.arange(40)


def cells_of(cell: Any) -> ConfusionCells:
    cell = np.asarray(cell)
    place = np.arange(cell.max() + 1)
    return ConfusionCells(tuple(map(str, place)), place, place[::-1].copy(), cell)


def drawn(cell: Any, weights: Any = None, groups: Any = None, resamples: int = 4000) -> Any:
    parts = count_draws(cells_of(cell), weights, resamples=resamples, seed=11, groups=groups)
    return np.concatenate(list(parts))


@pytest.mark.parametrize("cell", [FEW, MANY], ids=["few-cells", "many-cells"])
def test_draws_have_the_moments_of_a_multinomial(cell: Any) -> None:
    counts = drawn(cell)
    shares = np.bincount(cell) / len(cell)

    assert (counts.sum(axis=1) == len(cell)).all()
    assert counts.mean(axis=0) == pytest.approx(len(cell) * shares, abs=0.6)
    assert counts.var(axis=0) == pytest.approx(len(cell) * shares * (1 - shares), rel=0.1)


@pytest.mark.parametrize("cell", [FEW, MANY], ids=["few-cells", "many-cells"])
def test_cases_are_drawn_whatever_they_weigh(cell: Any) -> None:
    """The weight of a cell has the mean and variance of a bootstrap over its weighted cases."""
    weights = np.where(np.arange(len(cell)) % 2, 3.0, 0.5)
    counts = drawn(cell, weights)
    per_case = np.zeros((len(cell), cell.max() + 1))
    per_case[np.arange(len(cell)), cell] = weights

    assert counts.mean(axis=0) == pytest.approx(per_case.sum(axis=0), rel=0.1)
    assert counts.var(axis=0) == pytest.approx(len(cell) * per_case.var(axis=0), rel=0.15)


def test_groups_are_drawn_whole() -> None:
    counts = drawn([0, 1, 0, 1, 0, 1], groups=["a", "a", "b", "b", "c", "c"])

    assert (counts == 3).all()


def test_weights_of_groups_add_up() -> None:
    counts = drawn([0, 0, 1], weights=np.array([1.0, 2.0, 5.0]), groups=["a", "a", "b"])

    assert {tuple(row) for row in counts.tolist()} == {(6.0, 0.0), (3.0, 5.0), (0.0, 10.0)}


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 5))
def test_equal_seeds_give_equal_draws(cell: list[int], resamples: int) -> None:
    first = drawn(cell, resamples=resamples)

    assert first.shape == (resamples, max(cell) + 1)
    assert np.array_equal(first, drawn(cell, resamples=resamples))
