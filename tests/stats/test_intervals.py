"""The choice of a mean's interval."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from evalkit.stats import Interval, mean_interval, wilson_interval
from evalkit.stats.mean import t_interval, wilson_mean_interval

Floats = npt.NDArray[np.float64]
Equal = Callable[[float | None, str], bool]
RNG = np.random.default_rng(11)
NORMAL, SKEWED, UNIT = RNG.normal(size=500), RNG.lognormal(0, 1, size=500), RNG.random(500)


@pytest.mark.conformance
def test_the_error_of_gsm8k_is_reproduced(gsm8k: dict[str, Floats], as_printed: Equal) -> None:
    right = gsm8k["175b_verification"]

    assert right.sum() == 742
    assert as_printed(right.mean(), ".56255")
    assert as_printed(wilson_interval(742, 1319).standard_error, ".013659")
    assert as_printed(t_interval(right).standard_error, ".013664")


@pytest.mark.parametrize(
    ("values", "options", "method"),
    [
        pytest.param([1, 0, 1], {"binary": True}, "wilson", id="declared-yes-no"),
        pytest.param([1, 0, 1], {"bounds": (0, 1)}, "wilson-mean", id="few-bounded"),
        pytest.param(UNIT, {"bounds": (0, 1)}, "t", id="many-bounded"),
        pytest.param([1.0] * 500, {"bounds": (0, 1)}, "wilson-mean", id="bounded-no-variance"),
        pytest.param(UNIT > 0.99, {"bounds": (0, 1)}, "wilson-mean", id="bounded-near-the-end"),
        pytest.param(NORMAL, {}, "t", id="many-unbounded"),
        pytest.param(NORMAL[:50], {}, "t", id="some-unbounded"),
        pytest.param(SKEWED[:50] ** 2, {}, "bootstrap-t", id="some-skewed"),
        pytest.param(SKEWED**3, {}, "bootstrap-t", id="many-very-skewed"),
        pytest.param(UNIT, {"groups": np.arange(500) // 5, "bounds": (0, 1)}, "cluster-t", id="g"),
        pytest.param(
            UNIT[:450],
            {"groups": np.arange(450) // 50, "bounds": (0, 1)},
            "cluster-wilson",
            id="few-g",
        ),
        pytest.param(
            UNIT > 0.5, {"groups": np.arange(500) // 5, "binary": True}, "cluster-t", id="g-binary"
        ),
        pytest.param(NORMAL, {"groups": np.arange(500) // 5}, "cluster-t", id="g-unbounded"),
    ],
)
def test_the_method_fits_the_values(
    values: npt.ArrayLike, options: dict[str, object], method: str
) -> None:
    found = mean_interval(values, **options)  # type: ignore[arg-type]

    assert found is not None
    assert found.method == method
    assert float(np.mean(np.asarray(values, dtype=float))) in found


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        pytest.param([], None, id="no-values"),
        pytest.param(NORMAL[:9], None, id="nine-values"),
        pytest.param([3.0] * 50, None, id="no-variance"),
        pytest.param(NORMAL[:90], np.arange(90) // 10, id="nine-groups"),
        pytest.param([3.0] * 90, np.arange(90) // 5, id="no-variance-between-groups"),
    ],
)
def test_too_little_is_known_of_an_unbounded_mean(
    values: npt.ArrayLike, groups: npt.ArrayLike | None
) -> None:
    assert mean_interval(values, groups=groups) is None


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("options", [{"binary": True}, {"bounds": (0, 1)}], ids=["binary", "unit"])
def test_three_equal_judgements_prove_little(value: float, options: dict[str, object]) -> None:
    found = mean_interval([value] * 3, **options)  # type: ignore[arg-type]

    assert found is not None
    assert found.width > 0.5
    plain = wilson_interval(3 * value, 3)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


unit = st.lists(st.floats(0, 1), min_size=1, max_size=250)


@given(unit)
def test_a_bounded_interval_stays_in_its_bounds_and_holds_the_mean(values: list[float]) -> None:
    found = mean_interval(values, bounds=(0.0, 1.0))

    assert found is not None
    assert 0.0 <= found.low <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= found.high <= 1.0
    assert found.width > 0


@given(unit)
def test_evidence_of_less_spread_never_widens_wilsons_interval(values: list[float]) -> None:
    found = wilson_mean_interval(values)
    plain = wilson_interval(min(len(values), sum(values)), len(values))

    assert found.low >= plain.low - 1e-9
    assert found.high <= plain.high + 1e-9


@given(unit, st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_a_higher_level_is_wider(values: list[float], level: float) -> None:
    narrow = mean_interval(values, bounds=(0, 1), level=level - 0.1)
    wide = mean_interval(values, bounds=(0, 1), level=level)

    assert narrow is not None
    assert wide is not None
    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


@given(unit, st.floats(-5, 5), st.floats(0.1, 20))
def test_a_range_scales_the_interval(values: list[float], start: float, width: float) -> None:
    found = wilson_mean_interval(values)
    moved = wilson_mean_interval(start + width * np.array(values), bounds=(start, start + width))

    assert moved.low == pytest.approx(start + width * found.low, abs=1e-6)
    assert moved.high == pytest.approx(start + width * found.high, abs=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_students_interval_equals_scipy(values: list[float]) -> None:
    sample = np.array(values)
    if np.ptp(sample) < 1e-6:
        return
    found = t_interval(sample)
    expected = ttest_1samp(sample, 0.0).confidence_interval(0.95)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        pytest.param(NORMAL[:40], {}, id="bca"),
        pytest.param(SKEWED[:40] ** 2, {}, id="bootstrap-t"),
        pytest.param(UNIT[:40], {"bounds": (0, 1)}, id="wilson-mean"),
        pytest.param(UNIT, {"bounds": (0, 1)}, id="t"),
        pytest.param(UNIT[:40] > 0.5, {"binary": True}, id="wilson"),
        pytest.param(UNIT, {"bounds": (0, 1), "groups": np.arange(500) // 5}, id="cluster"),
    ],
)
def test_equal_weights_change_nothing_and_seeds_repeat(
    values: npt.ArrayLike, options: dict[str, object]
) -> None:
    n = len(np.asarray(values))
    plain = mean_interval(values, **options)  # type: ignore[arg-type]
    weighted = mean_interval(values, weights=np.full(n, 2.5), **options)  # type: ignore[arg-type]

    assert plain == weighted


@pytest.mark.parametrize(
    ("values", "options"),
    [
        pytest.param(NORMAL[:60], {}, id="t"),
        pytest.param(UNIT[:60], {"bounds": (0, 1)}, id="wilson-mean"),
        pytest.param(UNIT[:60] > 0.5, {"binary": True}, id="wilson"),
        pytest.param(UNIT[:60], {"bounds": (0, 1), "groups": np.arange(60) // 3}, id="cluster"),
    ],
)
def test_uneven_weights_move_the_mean_and_widen_the_interval(
    values: npt.ArrayLike, options: dict[str, object]
) -> None:
    weights = np.where(np.arange(60) % 6 < 3, 8.0, 0.5)
    mean = float(np.average(np.asarray(values, dtype=float), weights=weights))
    plain = mean_interval(values, **options)  # type: ignore[arg-type]
    found = mean_interval(values, weights=weights, **options)  # type: ignore[arg-type]

    assert plain is not None
    assert found is not None
    assert mean in found
    assert found.width > plain.width


def test_the_weighted_error_is_near_that_of_survey_software() -> None:
    weights = RNG.random(400) + 0.5
    found = t_interval(NORMAL[:400], weights=weights)
    assert found.standard_error is not None
    # statsmodels treats weights as counts; scaled to sum to n the two errors differ only by how
    # weights and squares happen to be related.
    expected: Any = DescrStatsW(NORMAL[:400], weights=weights / weights.mean(), ddof=1)
    assert found.standard_error == pytest.approx(float(expected.std_mean), rel=0.1)


def test_a_weight_of_zero_leaves_a_value_out_of_the_mean() -> None:
    found = t_interval([1.0, 2.0, 3.0, 900.0], weights=[1.0, 1.0, 1.0, 0.0])

    assert 2.0 in found
    assert (found.low + found.high) / 2 == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        pytest.param([1.0, np.nan], {}, "must be finite", id="nan"),
        pytest.param([[1.0]], {}, "shape", id="two-dimensional"),
        pytest.param([2.0], {"bounds": (0, 1)}, "outside its bounds", id="out-of-bounds"),
        pytest.param([2.0], {"binary": True}, "outside its bounds", id="not-yes-no"),
        pytest.param([0.5], {"bounds": (1, 0)}, "low < high", id="bounds-reversed"),
        pytest.param([0.5], {"weights": [1, 2]}, "one entry a value", id="weights-too-long"),
        pytest.param([0.5], {"weights": [-1]}, "negative", id="negative-weight"),
        pytest.param([0.5], {"groups": [1, 2]}, "groups must have shape", id="groups-too-long"),
        pytest.param([0.5], {"level": 95}, "Did you mean 0.95", id="level-in-percent"),
    ],
)
def test_what_makes_no_sense_is_refused(
    values: npt.ArrayLike, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mean_interval(values, **options)  # type: ignore[arg-type]


def test_an_interval_knows_its_width_and_members() -> None:
    found = Interval(0.25, 0.75, "wilson")

    assert found.width == 0.5
    assert 0.25 in found
    assert 0.76 not in found
