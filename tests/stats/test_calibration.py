"""Stated probabilities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from evalkit.stats import expected_calibration_error, reliability_diagram
from evalkit.stats.calibration import debiased_calibration_error

Equal = Callable[[float | None, str], bool]
P = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.1]
Y = [1, 1, 1, 0, 1, 1, 0, 0, 1, 0]


def test_the_worked_example_is_reproduced(as_printed: Equal) -> None:
    found = reliability_diagram(P, Y, bins=5)

    assert as_printed(found.calibration_error, ".2950")
    assert as_printed(found.reliability, ".125875")
    assert as_printed(found.resolution, ".165")
    assert as_printed(found.uncertainty, ".24")
    # Not the Brier score: probabilities differ within the bins.
    assert as_printed(found.reliability - found.resolution + found.uncertainty, ".200875")


stated = st.lists(st.tuples(st.floats(0.001, 0.999), st.integers(0, 1)), min_size=2, max_size=50)


@given(stated, st.integers(1, 20), st.sampled_from(["equal-width", "equal-mass"]))
def test_bins_hold_every_case_once(rows: list[tuple[float, int]], bins: int, binning: str) -> None:
    p, y = [row[0] for row in rows], [row[1] for row in rows]
    found = reliability_diagram(p, y, bins=bins, binning=binning)  # type: ignore[arg-type]

    assert found.counts.sum() == len(rows)
    assert found.counts @ found.confidence == pytest.approx(sum(p))
    assert found.counts @ found.frequency == pytest.approx(sum(y))
    assert 0 <= found.calibration_error <= found.largest_gap + 1e-12 <= 1 + 1e-9


@given(stated)
def test_murphys_terms_sum_to_the_brier_score_of_binned_probabilities(
    rows: list[tuple[float, int]],
) -> None:
    p, y = np.round([row[0] for row in rows], 1), [row[1] for row in rows]
    found = reliability_diagram(p, y, bins=400)  # each probability has a bin of its own

    total = found.reliability - found.resolution + found.uncertainty
    assert total == pytest.approx(np.mean((p - y) ** 2))


def test_bins_of_equal_mass_differ_by_one_case_at_most() -> None:
    found = reliability_diagram(
        np.linspace(0, 1, 23), [0, 1] * 11 + [0], bins=5, binning="equal-mass"
    )

    assert found.counts.max() - found.counts.min() <= 1


def test_perfect_certainty_has_no_error() -> None:
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0


@pytest.mark.parametrize(
    ("p", "y", "bins"),
    [
        pytest.param([1.5], [1], 5, id="no-probability"),
        pytest.param([0.5], [2], 5, id="no-outcome"),
        pytest.param([0.5], [1, 0], 5, id="lengths"),
        pytest.param([0.5], [1], 0, id="no-bins"),
    ],
)
def test_what_is_no_probability_is_refused(p: list[float], y: list[int], bins: int) -> None:
    with pytest.raises(ValueError, match="must"):
        reliability_diagram(p, y, bins=bins)


def forecasts(rng: Any, n: int, slope: float, shift: float = 0.0) -> tuple[Any, Any, Any]:
    """Return excess, probabilities and bins; a slope below 1 makes forecasts overconfident."""
    p = rng.random(n)
    happened = rng.random(n) < expit(slope * logit(p) + shift)
    return happened - p, p, np.minimum(p * 15, 14).astype(int)


@pytest.mark.parametrize(
    "samples", [80, pytest.param(1000, marks=pytest.mark.slow)], ids=["quick", "full"]
)
@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.6, 0.0), (1.0, -0.5)])
@pytest.mark.parametrize("n", [60, 400])
def test_the_true_calibration_error_is_covered(
    n: int, slope: float, shift: float, samples: int
) -> None:
    rng = np.random.default_rng(n)
    excess, p, bins = forecasts(rng, 2_000_000, slope, shift)
    truth = abs(np.bincount(bins, excess)).sum() / p.size if (slope, shift) != (1, 0) else 0.0
    found = [debiased_calibration_error(*forecasts(rng, n, slope, shift)) for _ in range(samples)]
    inside = [one is not None and truth in one.interval for one in found]

    assert np.mean(inside) >= 0.92
    middle = np.mean([one.value for one in found if one is not None])
    assert abs(middle - truth) < 0.05


def test_a_calibrated_forecaster_of_few_cases_may_pass_a_gate() -> None:
    rng = np.random.default_rng(0)
    found = [debiased_calibration_error(*forecasts(rng, 300, 1.0)) for _ in range(40)]

    assert np.mean([one is not None and one.interval.low == 0.0 for one in found]) > 0.9


def test_few_outcomes_have_no_debiased_error() -> None:
    p = np.full(100, 0.01)
    happened = np.arange(100) < 3

    assert debiased_calibration_error(happened - p, p, np.zeros(100, dtype=int)) is None


def test_weights_and_groups_widen_the_calibration_interval() -> None:
    rng = np.random.default_rng(4)
    excess, p, bins = forecasts(rng, 400, 0.5)
    copies = np.repeat(np.arange(400), 3)
    alone = debiased_calibration_error(excess, p, bins)
    grouped = debiased_calibration_error(excess[copies], p[copies], bins[copies], groups=copies)
    weighted = debiased_calibration_error(excess, p, bins, weights=rng.lognormal(0, 1.5, 400))

    assert alone is not None
    assert grouped is not None
    assert weighted is not None
    assert grouped.interval.width == pytest.approx(alone.interval.width, rel=0.15)
    assert weighted.interval.width > alone.interval.width
