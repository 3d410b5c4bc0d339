"""Two systems on the same cases."""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel
from statsmodels.stats.power import NormalIndPower

from evalkit.stats import mcnemar, paired_difference, sign_flip_test, tango_interval

Floats = npt.NDArray[np.float64]
Equal = Callable[[float | None, str], bool]
RNG = np.random.default_rng(12)


@pytest.mark.conformance
def test_the_paired_means_of_gsm8k_are_reproduced(
    gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    a, b = gsm8k["6b_verification"], gsm8k["175b_finetuning"]
    found = paired_difference(a, b, bounds=(0, 1))

    assert as_printed(a.mean(), ".39045")
    assert as_printed(b.mean(), ".34723")
    assert as_printed(found.difference, ".043215")
    assert as_printed(found.correlation, ".4151")
    assert as_printed(found.standard_error, ".014361")
    assert found.standard_error is not None
    assert as_printed(found.difference / found.standard_error, "3.01")
    assert as_printed(found.p_value, ".00267")
    assert found.method == "t"
    unpaired = np.sqrt(a.var(ddof=1) / 1319 + b.var(ddof=1) / 1319)
    assert as_printed(unpaired, ".018776")


@pytest.mark.conformance
def test_the_paired_rates_of_gsm8k_are_reproduced(
    gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    found = paired_difference(gsm8k["6b_verification"], gsm8k["175b_finetuning"], binary=True)

    assert as_printed(found.low, ".01505")
    assert as_printed(found.high, ".07146")
    assert as_printed(found.p_value, ".0026874")


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("new", "old", "low", "passes"),
    [
        pytest.param("6b_verification", "175b_finetuning", ".0196", True, id="better"),
        pytest.param("175b_finetuning", "6b_verification", "-.0668", False, id="worse"),
    ],
)
def test_the_non_inferiority_of_gsm8k_is_reproduced(  # noqa: PLR0917
    new: str, old: str, low: str, passes: bool, gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    """The lower limit of a 90 % interval is the one-sided limit at 5 %; printed with normal z."""
    found = paired_difference(gsm8k[new], gsm8k[old], bounds=(0, 1), level=0.90)

    assert found.standard_error is not None
    assert as_printed(found.difference - 1.644854 * found.standard_error, low)
    assert found.low == pytest.approx(float(low), abs=1e-4)
    assert found.low is not None
    assert (found.low > -0.02) is passes


def test_yes_no_scores_take_tango_and_mcnemar() -> None:
    a, b = RNG.random(80) < 0.7, RNG.random(80) < 0.5
    gains, losses = int((a & ~b).sum()), int((b & ~a).sum())
    found = paired_difference(a, b, binary=True)
    interval = tango_interval(gains, losses, 80)

    assert (found.low, found.high) == (interval.low, interval.high)
    assert found.p_value == mcnemar(gains, losses).mid_p
    assert (found.method, found.test) == ("tango", "mcnemar-mid-p")


def test_a_paired_mean_equals_scipys_t_test() -> None:
    a, b = RNG.normal(size=60), RNG.normal(size=60)
    found, expected = paired_difference(a, b), ttest_rel(a, b)
    limits = expected.confidence_interval()

    assert found.method == "t"
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high))
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("difference", "options", "method", "test"),
    [
        pytest.param(RNG.normal(size=50), {}, "t", "t", id="unbounded"),
        pytest.param(RNG.normal(size=20), {}, "t", "t", id="few-unbounded"),
        pytest.param(RNG.normal(size=9), {}, None, "sign-flip", id="too-few-unbounded"),
        pytest.param(RNG.standard_t(3, size=40), {}, "t", "t", id="heavy-tails"),
        pytest.param(RNG.lognormal(size=40), {}, "bootstrap-t", "t", id="all-one-way"),
        pytest.param(
            RNG.lognormal(size=60),
            {"groups": np.arange(60) // 3},
            "cluster-bootstrap-t",
            "cluster-t",
            id="grouped-one-way",
        ),
        pytest.param(np.zeros(40), {}, None, "sign-flip", id="unbounded-no-variance"),
        pytest.param(RNG.random(150), {"bounds": (0, 1)}, "t", "t", id="bounded"),
        pytest.param(RNG.random(19), {"bounds": (0, 1)}, "tango-mean", "sign-flip", id="few"),
        pytest.param(np.zeros(300), {"bounds": (0, 1)}, "tango-mean", "score", id="no-gain"),
        pytest.param(
            RNG.random(450),
            {"bounds": (0, 1), "groups": np.arange(450) // 3},
            "cluster-t",
            "cluster-t",
            id="grouped",
        ),
        pytest.param(
            RNG.random(57),
            {"bounds": (0, 1), "groups": np.arange(57) // 3},
            "cluster-tango",
            "sign-flip",
            id="few-groups",
        ),
        pytest.param(
            RNG.normal(size=60),
            {"groups": np.arange(60) // 3},
            "cluster-t",
            "cluster-t",
            id="grouped-unbounded",
        ),
        pytest.param(
            RNG.normal(size=60),
            {"groups": np.arange(60) // 10},
            None,
            "sign-flip",
            id="few-groups-unbounded",
        ),
    ],
)
def test_method_and_test_fit_the_scores(
    difference: Floats, options: dict[str, object], method: str | None, test: str
) -> None:
    found = paired_difference(difference, np.zeros(difference.size), **options)  # type: ignore[arg-type]

    assert (found.method, found.test) == (method, test)
    assert (found.low is None) is (method is None)


def test_identical_systems_differ_by_little_and_never_by_nothing() -> None:
    same = RNG.random(400)
    found = paired_difference(same, same, bounds=(0, 1))

    assert found.p_value == 1.0
    assert found.low is not None
    assert found.high is not None
    assert -0.02 < found.low < 0 < found.high < 0.02
    assert found.effect_size is None
    assert found.smallest_detectable is not None
    assert found.smallest_detectable > 0


def test_the_smallest_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(5)
    pilot = paired_difference(rng.normal(size=400), np.zeros(400))
    assert pilot.smallest_detectable is not None
    hits = [
        paired_difference(rng.normal(size=400) + pilot.smallest_detectable, np.zeros(400)).p_value
        for _ in range(400)
    ]

    assert np.mean(np.array(hits) < 0.05) == pytest.approx(0.8, abs=0.08)


scores = st.integers(2, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.floats(0, 1), min_size=n, max_size=n)] * 2)
)


@given(scores)
def test_swapping_systems_mirrors_everything(pair: tuple[list[float], list[float]]) -> None:
    found = paired_difference(*pair, bounds=(0, 1))
    swapped = paired_difference(*pair[::-1], bounds=(0, 1))

    assert found.difference == -swapped.difference
    assert found.p_value == swapped.p_value
    assert found.low is not None
    assert swapped.high is not None
    assert found.low == pytest.approx(-swapped.high, abs=1e-9)


@given(scores)
def test_limits_hold_the_difference_within_the_range(pair: tuple[list[float], list[float]]) -> None:
    found = paired_difference(*pair, bounds=(0, 1))

    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.difference + 1e-12
    assert found.difference - 1e-12 <= found.high <= 1
    assert found.high > found.low


def test_pairing_pays_when_systems_agree() -> None:
    hard = RNG.normal(size=200)
    a, b = hard + 0.1 * RNG.normal(size=200), hard + 0.1 * RNG.normal(size=200)
    found = paired_difference(a, b)

    assert found.correlation == pytest.approx(0.99, abs=0.01)
    assert found.standard_error is not None
    assert found.standard_error < np.sqrt(a.var() / 200 + b.var() / 200) / 5


def test_grouped_sign_flips_flip_groups() -> None:
    d, groups = RNG.random(12) - 0.4, np.repeat(np.arange(4), 3)
    found = paired_difference(d, np.zeros(12), groups=groups)

    assert found.p_value == sign_flip_test(d, groups=groups)
    assert found.n_groups == 4


def test_weights_shift_the_difference() -> None:
    a, b = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 0.0])
    found = paired_difference(a, b, binary=True, weights=[5.0, 1.0, 1.0, 1.0])

    assert found.difference == pytest.approx(6 / 8)
    assert found.method == "tango-mean"


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        pytest.param([1.0], [1.0, 2.0], {}, "must pair up", id="lengths"),
        pytest.param([], [], {}, "at least one", id="empty"),
        pytest.param([2.0], [1.0], {"bounds": (0, 1)}, "outside its bounds", id="bounds"),
        pytest.param([0.5], [1.0], {"binary": True}, "must be 0 or 1", id="not-yes-no"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    a: list[float], b: list[float], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        paired_difference(a, b, **options)  # type: ignore[arg-type]


def test_a_single_pair_says_almost_nothing() -> None:
    found = paired_difference([1.0], [0.0], bounds=(0, 1))

    assert found.standard_error is None
    assert found.correlation is None
    assert found.p_value == 1.0


def test_the_power_reached_is_that_of_a_z_test_at_the_measured_difference() -> None:
    a, b = RNG.normal(0.1, size=300), RNG.normal(size=300)
    found = paired_difference(a, b)
    expected = NormalIndPower().power(
        found.difference / (a - b).std(ddof=1), nobs1=300, alpha=0.05, ratio=0
    )

    assert found.power == pytest.approx(float(expected), abs=1e-6)
    assert paired_difference([1.0], [0.0], bounds=(0, 1)).power is None


def test_a_difference_as_large_as_the_smallest_detectable_has_eighty_percent_power() -> None:
    found = paired_difference(RNG.normal(size=200), np.zeros(200))
    assert found.smallest_detectable is not None
    as_large = dataclasses.replace(found, difference=found.smallest_detectable)

    assert as_large.power == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("mine", "other"), [(1e200, -1e300), (1e300, 1e300), (1e-300, -1e-200)])
def test_huge_and_tiny_scores_are_compared_without_a_warning(
    mine: float, other: float, *, grouped: bool
) -> None:
    rest = np.arange(1.0, 20.0) * min(1.0, abs(mine))
    found = paired_difference(
        np.r_[mine, rest], np.r_[other, rest[::-1]], groups=np.arange(20) if grouped else None
    )

    assert found.difference == pytest.approx((mine - other) / 20)
    assert found.correlation is None or abs(found.correlation) <= 1
    assert found.effect_size is None or np.isfinite(found.effect_size)
