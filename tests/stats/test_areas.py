"""Intervals of the area under a ROC curve near 1, of few positives, with weights and groups."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from evalkit.stats.interval import Interval
from evalkit.stats.roc import auc_interval, delong_auc


def interval_of(scores: Any, labels: Any, **options: Any) -> Interval:
    found = auc_interval(scores, labels, **options)
    assert found is not None
    return found


def ranking(rng: Any, n: int, prevalence: float, area: float) -> tuple[Any, Any]:
    labels = rng.random(n) < prevalence
    return rng.normal(size=n) + labels * np.sqrt(2) * norm.ppf(area), labels


def test_the_error_is_delongs() -> None:
    scores, labels = ranking(np.random.default_rng(0), 200, 0.3, 0.8)
    found, (area, variance) = interval_of(scores, labels), delong_auc(scores, labels)

    assert found.low < area < found.high
    assert found.standard_error == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize("positives", [1, 3, 10])
def test_a_perfect_ranking_is_worth_its_smaller_class(positives: int) -> None:
    labels = np.arange(200) < positives
    found = interval_of(-np.arange(200.0), labels)

    assert found.high == 1.0
    assert found.low == pytest.approx(1 / (1 + 1.96**2 / positives), abs=0.001)


def test_equal_weights_change_nothing_and_uneven_ones_widen() -> None:
    rng = np.random.default_rng(1)
    scores, labels = ranking(rng, 100, 0.4, 0.8)
    plain = interval_of(scores, labels)

    assert interval_of(scores, labels, weights=np.full(100, 3.0)) == plain
    assert interval_of(scores, labels, weights=rng.lognormal(0, 1.5, 100)).width > plain.width


def test_grouped_cases_count_as_their_groups() -> None:
    scores, labels = ranking(np.random.default_rng(2), 40, 0.5, 0.8)
    copies, groups = np.repeat(np.arange(40), 5), np.repeat(np.arange(40), 5)
    grouped = interval_of(scores[copies], labels[copies], groups=groups)

    assert grouped.width == pytest.approx(interval_of(scores, labels).width, rel=0.05)


def test_one_class_has_no_interval() -> None:
    assert auc_interval([0.1, 0.2], [1, 1]) is None
    assert auc_interval([0.1, 0.2], [1, 0], weights=[0.0, 1.0]) is None


@pytest.mark.parametrize(
    ("area", "prevalence", "n"),
    [(0.9, 0.1, 50), (0.97, 0.1, 200), (0.97, 0.5, 50), (0.99, 0.1, 200), (0.8, 0.5, 1000)],
)
def test_areas_are_covered(area: float, prevalence: float, n: int) -> None:
    rng = np.random.default_rng(n)
    found = [auc_interval(*ranking(rng, n, prevalence, area)) for _ in range(400)]
    inside = [one.low <= area <= one.high for one in found if one is not None]

    assert np.mean(inside) >= 0.92 - 0.028  # two standard errors of 400 samples
