"""Many tests at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from evalkit.stats import benjamini_hochberg, benjamini_yekutieli, holm

Adjust = Callable[[npt.ArrayLike], npt.NDArray[np.float64]]
Equal = Callable[[float | None, str], bool]
PUBLISHED = [
    float(p)
    for p in (
        ".0001 .0004 .0019 .0095 .0201 .0278 .0298 .0344 .0459 .3240 .4262 .5719 .6528 .7590 1"
    ).split()
]
"""Benjamini and Hochberg (1995), section 4."""


@pytest.mark.parametrize(
    ("adjust", "rejected", "first"),
    [
        pytest.param(holm, 3, [".0015", ".0056", ".0247", ".1140", ".2211"], id="holm"),
        pytest.param(benjamini_hochberg, 4, [".0015", ".0030", ".0095", ".0356", ".0603"], id="bh"),
        pytest.param(benjamini_yekutieli, 3, [], id="by"),
    ],
)
def test_the_published_example_is_reproduced(
    adjust: Adjust, rejected: int, first: list[str], as_printed: Equal
) -> None:
    adjusted = adjust(PUBLISHED)

    assert (adjusted <= 0.05).sum() == rejected
    assert (np.array(PUBLISHED) * 15 <= 0.05).sum() == 3
    for value, printed in zip(adjusted.tolist(), first, strict=False):
        assert as_printed(value, printed)


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(p_values)
def test_adjusted_p_values_equal_scipy(p: list[float]) -> None:
    hochberg = false_discovery_control(p, method="bh")
    yekutieli = false_discovery_control(p, method="by")

    np.testing.assert_allclose(benjamini_hochberg(p), hochberg, atol=1e-12)
    np.testing.assert_allclose(benjamini_yekutieli(p), yekutieli, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_holm_equals_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).random(n) ** 3

    expected: Any = multipletests(p, method="holm")[1]
    np.testing.assert_allclose(holm(p), expected, atol=1e-12)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg, benjamini_yekutieli])
@given(p=p_values)
def test_adjustment_raises_keeps_order_and_follows_its_value(
    adjust: Adjust, p: list[float]
) -> None:
    adjusted = adjust(p)
    order = np.argsort(p, kind="stable")

    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[order]) >= -1e-12).all()
    np.testing.assert_allclose(adjust(np.array(p)[::-1]), adjusted[::-1])


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan]])
def test_what_is_no_p_value_is_refused(p: list[float]) -> None:
    with pytest.raises(ValueError, match=r"p-values|p_values"):
        holm(p)
