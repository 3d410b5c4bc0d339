"""Intervals for a rate."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalkit.stats import (
    Interval,
    clopper_pearson_interval,
    unpaired_difference_interval,
    wilson_interval,
)

Make = Callable[..., Interval]
METHODS = [
    pytest.param(wilson_interval, id="wilson"),
    pytest.param(clopper_pearson_interval, id="clopper-pearson"),
]
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("make", "successes", "n", "low", "high"),
    [
        pytest.param(wilson_interval, 81, 263, ".2553", ".3662", id="wilson-81-of-263"),
        pytest.param(wilson_interval, 15, 148, ".0624", ".1605", id="wilson-15-of-148"),
        pytest.param(wilson_interval, 0, 20, "0", ".1611", id="wilson-0-of-20"),
        pytest.param(wilson_interval, 1, 29, ".0061", ".1718", id="wilson-1-of-29"),
        pytest.param(clopper_pearson_interval, 81, 263, ".2527", ".3676", id="exact-81-of-263"),
        pytest.param(clopper_pearson_interval, 15, 148, ".0578", ".1617", id="exact-15-of-148"),
        pytest.param(clopper_pearson_interval, 0, 20, "0", ".1684", id="exact-0-of-20"),
        pytest.param(clopper_pearson_interval, 1, 29, ".0009", ".1776", id="exact-1-of-29"),
    ],
)
def test_newcombes_table_is_reproduced(  # noqa: PLR0917
    make: Make,
    successes: int,
    n: int,
    low: str,
    high: str,
    as_printed: Callable[[float, str], bool],
) -> None:
    found = make(successes, n)

    assert as_printed(found.low, low)
    assert as_printed(found.high, high)


def test_none_of_a_hundred_has_the_rule_of_three_as_its_upper_limit(
    as_printed: Callable[[float, str], bool],
) -> None:
    assert as_printed(clopper_pearson_interval(0, 100, level=0.90).high, ".02951")


def test_newcombes_unpaired_difference_is_reproduced(
    as_printed: Callable[[float, str], bool],
) -> None:
    found = unpaired_difference_interval(56, 70, 48, 80)

    assert as_printed(found.low, ".0524")
    assert as_printed(found.high, ".3339")


@given(counts, counts)
def test_an_unpaired_difference_lies_in_its_interval_and_mirrors(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    found = unpaired_difference_interval(*first, *second)
    swapped = unpaired_difference_interval(*second, *first)

    assert -1 - 1e-12 <= found.low <= first[0] / first[1] - second[0] / second[1] <= found.high
    assert found.low == pytest.approx(-swapped.high, abs=1e-12)


def test_seventy_three_passes_in_a_row_are_needed_to_claim_95_percent() -> None:
    fewest = next(n for n in range(1, 200) if wilson_interval(n, n).low >= 0.95)

    assert fewest == 73


@given(counts)
def test_wilson_and_clopper_pearson_equal_scipy(pair: tuple[int, int]) -> None:
    test = binomtest(*pair)
    for found, expected in (
        (wilson_interval(*pair), test.proportion_ci(method="wilson")),
        (clopper_pearson_interval(*pair), test.proportion_ci(method="exact")),
    ):
        assert found.low == pytest.approx(expected.low, abs=1e-9)
        assert found.high == pytest.approx(expected.high, abs=1e-9)


@pytest.mark.parametrize("make", METHODS)
@given(pair=counts)
def test_an_interval_lies_in_the_unit_and_holds_the_rate(make: Make, pair: tuple[int, int]) -> None:
    found = make(*pair)

    assert 0.0 <= found.low <= found.high <= 1.0
    assert pair[0] / pair[1] in found


@pytest.mark.parametrize("make", METHODS)
@given(pair=counts)
def test_failures_mirror_successes(make: Make, pair: tuple[int, int]) -> None:
    successes, n = pair
    found, mirrored = make(successes, n), make(n - successes, n)

    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-9)


@pytest.mark.parametrize("make", METHODS)
@given(pair=counts)
def test_a_higher_level_is_never_narrower(make: Make, pair: tuple[int, int]) -> None:
    narrow, wide = make(*pair, level=0.8), make(*pair, level=0.99)

    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


@given(st.integers(1, 100), st.floats(0, 1))
def test_wilson_takes_fractional_successes(n: int, share: float) -> None:
    found = wilson_interval(share * n, n)

    assert 0.0 <= found.low <= share + 1e-12
    assert share - 1e-12 <= found.high <= 1.0
    assert found.width > 0


@pytest.mark.parametrize("make", METHODS)
@pytest.mark.parametrize(
    ("successes", "n", "level", "message"),
    [
        pytest.param(1, 0, 0.95, "n must be positive", id="no-trials"),
        pytest.param(3, 2, 0.95, "successes must lie in", id="more-successes-than-trials"),
        pytest.param(-1, 2, 0.95, "successes must lie in", id="negative-successes"),
        pytest.param(1, 2, 95, "Did you mean 0.95", id="level-in-percent"),
        pytest.param(1, 2, 1.0, "level must lie in", id="level-one"),
    ],
)
def test_impossible_counts_and_levels_are_refused(
    make: Make, successes: int, n: int, level: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(successes, n, level=level)
