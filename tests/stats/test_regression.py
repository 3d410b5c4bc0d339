from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.regression import partial_slope


def sample(n: int = 120) -> tuple[Any, Any, Any, Any]:
    draw = np.random.default_rng(5)
    groups = np.repeat(np.arange(n // 6), 6)
    held = draw.normal(size=(n, 2))
    x = held @ [0.5, -1.0] + draw.normal(size=n)
    y = 0.3 * x + held @ [1.0, 2.0] + draw.normal(size=n) * (1 + np.abs(x))
    return y + draw.normal(size=n // 6)[groups], x, held, groups


@pytest.mark.parametrize("clustered", [False, True], ids=["hc1", "cr1"])
def test_slope_and_robust_error_are_those_of_statsmodels(clustered: bool) -> None:
    y, x, held, groups = sample()
    design = sm.add_constant(np.column_stack([x, held]))
    how: dict[str, Any] = {"cov_type": "HC1"}
    if clustered:
        how = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    wanted = sm.OLS(y, design).fit(use_t=True, **how)

    found = partial_slope(y, x, held, groups=groups if clustered else None)

    assert found.value == pytest.approx(wanted.params[1])
    assert found.standard_error == pytest.approx(wanted.bse[1])
    assert found.p_value == pytest.approx(wanted.pvalues[1])
    assert (found.low, found.high) == pytest.approx(tuple(wanted.conf_int()[1]))


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.5, 4))
def test_what_the_controls_explain_and_the_unit_change_nothing(
    shift: float, tilt: float, unit: float
) -> None:
    y, x, held, _ = sample(60)

    plain = partial_slope(y, x, held)
    moved = partial_slope(y + shift + tilt * held[:, 0], x * unit, held)

    assert moved.value * unit == pytest.approx(plain.value, abs=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, abs=1e-9)


def test_an_outcome_that_is_explained_exactly_has_no_interval() -> None:
    found = partial_slope([1.0, 2.0, 3.0, 4.0], [1, 2, 3, 4])

    assert found.value == pytest.approx(1.0)
    assert (found.low, found.high, found.p_value) == (None, None, None)


@pytest.mark.parametrize(
    ("arguments", "groups", "problem"),
    [
        pytest.param(([1, 2, 3], [1, 1, 1]), None, "does not vary", id="constant"),
        pytest.param(([1, 2, 3], [1, 2]), None, "pair up", id="lengths"),
        pytest.param(([1, 2], [1, 2]), None, "too few", id="few"),
        pytest.param(([1, 2, 4, 3], [1, 2, 3, 4]), [0, 0, 0, 0], "two groups", id="one-group"),
        pytest.param(([1, 2, 3], [1, 2, 3], [[1], [2], [3]]), None, "vary beyond", id="collinear"),
    ],
)
def test_what_gives_no_slope_is_refused(arguments: Any, groups: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        partial_slope(*arguments, groups=groups)
