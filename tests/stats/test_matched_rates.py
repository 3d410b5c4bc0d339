"""Two rates on the same cases."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as reference

from evalkit.stats import mcnemar, tango_interval

Equal = Callable[[float | None, str], bool]


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid_p"),
    [
        pytest.param(152, 209, ".0031507", ".0026874", id="gsm8k"),
        pytest.param(12, 2, ".012939", ".0073853", id="few"),
    ],
)
def test_mcnemars_worked_examples_are_reproduced(
    b: int, c: int, exact: str, mid_p: str, as_printed: Equal
) -> None:
    found = mcnemar(b, c)

    assert as_printed(found.exact, exact)
    assert as_printed(found.mid_p, mid_p)


def test_mcnemars_chi_squared_is_reproduced(as_printed: Equal) -> None:
    found = mcnemar(152, 209)

    assert as_printed(found.chi_squared, "9.000")
    assert as_printed(found.asymptotic, ".0026998")


def test_tangos_published_limits_are_reproduced(as_printed: Equal) -> None:
    airway = tango_interval(1, 7, 21)  # Fagerland et al. (2013), table 2
    gsm8k = tango_interval(209, 152, 1319)

    assert as_printed(airway.low, "-.517")
    assert as_printed(airway.high, "-.026")
    assert as_printed(gsm8k.low, ".01505")
    assert as_printed(gsm8k.high, ".07146")


pairs = st.tuples(st.integers(0, 60), st.integers(0, 60))


@given(pairs)
def test_the_exact_test_equals_statsmodels(pair: tuple[int, int]) -> None:
    b, c = pair
    if b + c == 0:
        return
    expected: Any = reference([[0, b], [c, 0]], exact=True)

    assert mcnemar(b, c).exact == pytest.approx(float(expected.pvalue), abs=1e-12)


@given(pairs)
def test_swapping_systems_changes_no_p_value(pair: tuple[int, int]) -> None:
    found, swapped = mcnemar(*pair), mcnemar(*pair[::-1])

    assert found == swapped
    assert 0 <= found.mid_p <= found.exact <= 1


@given(pairs, st.integers(0, 200))
def test_tangos_interval_holds_the_difference_and_mirrors(
    pair: tuple[int, int], concordant: int
) -> None:
    b, c = pair
    n = max(1, b + c + concordant)
    found, swapped = tango_interval(b, c, n), tango_interval(c, b, n)

    assert -1 <= found.low <= (b - c) / n <= found.high <= 1
    assert found.width > 0
    assert found.low == pytest.approx(-swapped.high, abs=1e-9)


@given(pairs, st.integers(1, 200))
def test_tangos_limits_are_where_the_score_test_turns(
    pair: tuple[int, int], concordant: int
) -> None:
    """At a limit inside (-1, 1) the score statistic is the normal quantile."""
    b, c = pair
    n = b + c + concordant
    found = tango_interval(b, c, n)
    for theta in (found.low, found.high):
        if abs(theta) > 1 - 1e-9:
            continue
        linear = -b - c + (2 * n - b + c) * theta
        q = ((linear**2 + 8 * n * c * theta * (1 - theta)) ** 0.5 - linear) / (4 * n)
        score = (b - c - n * theta) / (n * (2 * q + theta * (1 - theta))) ** 0.5
        assert abs(score) == pytest.approx(1.959964, abs=1e-4)


def test_no_discordance_still_leaves_doubt() -> None:
    z2 = 1.959964**2
    found = tango_interval(0, 0, 100)

    assert found.high == pytest.approx(z2 / (100 + z2), abs=1e-6)
    assert found.low == -found.high


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 3), (2, 2, 3), (0, 0, 0)])
def test_impossible_counts_are_refused(b: int, c: int, n: int) -> None:
    with pytest.raises(ValueError, match="counts within n"):
        tango_interval(b, c, n)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)
