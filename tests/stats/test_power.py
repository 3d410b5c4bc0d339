"""Planning."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import (
    PairedVariance,
    cases_for_half_width,
    cases_to_detect,
    cases_to_detect_rates,
    detectable_difference,
    pilot_variance,
    power_to_detect,
    wilson_interval,
)

Equal = Callable[[float | None, str], bool]
MILLER = PairedVariance(between=1 / 9, within_a=1 / 6, within_b=1 / 6)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param(cases_to_detect(0.03, PairedVariance(between=1 / 9)), "969.0", id="no-noise"),
        pytest.param(cases_to_detect(0.03, MILLER), "3876.0", id="one-repeat"),
        pytest.param(cases_to_detect(0.03, MILLER, repeats=10), "1259.7", id="ten-repeats"),
        pytest.param(detectable_difference(198, MILLER), ".1327", id="mde-one-repeat"),
        pytest.param(detectable_difference(198, MILLER, repeats=10), ".0757", id="mde-ten"),
        pytest.param(cases_to_detect_rates(0.05, 0.25), "782.5", id="discordance-quarter"),
        pytest.param(cases_to_detect_rates(0.05, 0.10), "311.6", id="discordance-tenth"),
        pytest.param(cases_for_half_width(0.05, 0.85), "196", id="half-width"),
    ],
)
def test_worked_plans_are_reproduced(value: float, printed: str, as_printed: Equal) -> None:
    assert as_printed(value, printed)


@given(st.floats(0.01, 0.5), st.floats(0.01, 1), st.integers(1, 20))
def test_cases_and_detectable_difference_undo_each_other(
    difference: float, between: float, repeats: int
) -> None:
    variance = PairedVariance(between=between, within_a=0.1, within_b=0.2, design_effect=1.5)
    n = cases_to_detect(difference, variance, repeats=repeats)

    assert detectable_difference(n, variance, repeats=repeats) == pytest.approx(difference)


@given(st.floats(0.02, 0.3), st.floats(0.0, 1.0))
def test_the_planned_half_width_is_the_first_that_is_narrow_enough(
    half_width: float, rate: float
) -> None:
    n = cases_for_half_width(half_width, rate)

    assert wilson_interval(rate * n, n).width <= 2 * half_width + 1e-9
    assert n == 1 or wilson_interval(rate * (n - 1), n - 1).width > 2 * half_width - 1e-9


def test_the_planned_number_of_cases_reaches_the_power() -> None:
    n = cases_to_detect(0.05, MILLER)
    error = np.sqrt(MILLER.of_case() / n)

    assert power_to_detect(0.05, float(error)) == pytest.approx(0.8, abs=1e-4)
    assert power_to_detect(0.0, 1.0) == pytest.approx(0.05)


def test_a_pilot_tells_cases_from_noise() -> None:
    rng = np.random.default_rng(1)
    gap = 0.3 * rng.normal(size=(20_000, 1))
    a, b = gap + 0.5 * rng.normal(size=(20_000, 4)), 0.7 * rng.normal(size=(20_000, 2))
    found = pilot_variance(a, b)

    assert found.between == pytest.approx(0.09, abs=0.01)
    assert found.within_a == pytest.approx(0.25, abs=0.01)
    assert found.within_b == pytest.approx(0.49, abs=0.01)


def test_different_repeats_average_their_own_noise() -> None:
    assert MILLER.of_case(1, 2) == pytest.approx(1 / 9 + 1 / 6 + 1 / 12)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: cases_to_detect(0.0, MILLER), id="no-difference"),
        pytest.param(lambda: cases_to_detect(0.1, MILLER, power=0.01), id="power-below-alpha"),
        pytest.param(lambda: cases_to_detect(0.1, MILLER, repeats=0), id="no-repeat"),
        pytest.param(lambda: detectable_difference(0, MILLER), id="no-cases"),
        pytest.param(lambda: power_to_detect(0.1, 0.0), id="no-error"),
        pytest.param(lambda: cases_to_detect_rates(0.3, 0.2), id="more-than-discordance"),
        pytest.param(lambda: cases_for_half_width(0.6, 0.5), id="too-wide"),
        pytest.param(lambda: pilot_variance([1.0], [1.0]), id="one-case"),
        pytest.param(lambda: pilot_variance([1.0, np.nan], [1.0, 1.0]), id="nan"),
    ],
)
def test_impossible_plans_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|finds"):
        call()
