"""Intervals and differences of areas under curves: few positives, several classes, designs."""

from typing import Any

import numpy as np
import pytest
from scipy.special import stdtrit
from scipy.stats import norm

from evalkit.plugin import Interval, Rows
from evalkit.stats.roc import delong_auc
from evalkit_scorers.classification import AveragePrecision, RocAuc
from evalkit_scorers.classification.probabilities import class_probabilities, forecast_rows


def rows_of(scores: Any, labels: Any) -> Rows:
    event = np.asarray(labels) == 1
    return Rows(
        {
            "score": np.asarray(scores, dtype=float),
            "event": event.astype(float),
            "target": np.where(event, "1", "0").astype(object),
            "probabilities": np.full(event.size, "", dtype=object),
        }
    )


def interval_of(scores: Any, labels: Any, metric: Any = None, **options: Any) -> Interval:
    found: Interval | None = (metric or RocAuc()).interval(rows_of(scores, labels), **options)
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
    assert found.low == pytest.approx(1 / (1 + stdtrit(positives + 3, 0.975) ** 2 / positives / 2))


def test_equal_weights_change_nothing_and_uneven_ones_widen() -> None:
    rng = np.random.default_rng(1)
    scores, labels = ranking(rng, 100, 0.4, 0.8)
    plain = interval_of(scores, labels)

    equal = interval_of(scores, labels, weights=np.full(100, 3.0))
    assert (equal.low, equal.high) == pytest.approx((plain.low, plain.high))
    assert interval_of(scores, labels, weights=rng.lognormal(0, 1.5, 100)).width > plain.width


def test_grouped_cases_count_as_their_groups() -> None:
    scores, labels = ranking(np.random.default_rng(2), 40, 0.5, 0.8)
    copies, groups = np.repeat(np.arange(40), 5), np.repeat(np.arange(40), 5)
    grouped = interval_of(scores[copies], labels[copies], groups=groups)

    assert grouped.width == pytest.approx(interval_of(scores, labels).width, rel=0.05)


def test_one_class_has_no_interval() -> None:
    assert RocAuc().interval(rows_of([0.1, 0.2], [1, 1])) is None
    assert RocAuc().interval(rows_of([0.1, 0.2], [1, 0]), weights=np.array([0.0, 1.0])) is None


def truth_of(metric: Any, area: float, prevalence: float) -> float:
    """Return what the metric of normal scores is in the long run."""
    if isinstance(metric, RocAuc):
        return area
    at, shift = np.linspace(-8, 12, 5_001), np.sqrt(2) * norm.ppf(area)
    hits, wrong = prevalence * norm.sf(at - shift), (1 - prevalence) * norm.sf(at)
    return float(np.trapezoid(hits / (hits + wrong) * norm.pdf(at - shift), at))


def coverage(metric: Any, area: float, prevalence: float, n: int, samples: int) -> float:
    rng, truth = np.random.default_rng(n), truth_of(metric, area, prevalence)
    drawn = (ranking(rng, n, prevalence, area) for _ in range(samples))
    found = [metric.interval(rows_of(*one)) for one in drawn]
    return float(np.mean([one.low <= truth <= one.high for one in found if one is not None]))


@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
@pytest.mark.parametrize(
    ("area", "prevalence", "n"),
    [(0.7, 0.01, 1000), (0.7, 0.3, 200), (0.8, 0.1, 200), (0.97, 0.5, 50), (0.99, 0.05, 200)],
)
def test_areas_are_covered(metric: Any, area: float, prevalence: float, n: int) -> None:
    # 300 samples: two standard errors are .031.
    assert coverage(metric, area, prevalence, n, 300) >= 0.92 - 0.031


@pytest.mark.slow
@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
@pytest.mark.parametrize("area", [0.7, 0.8, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("prevalence", [0.01, 0.05, 0.1, 0.3, 0.5])
def test_areas_are_covered_everywhere(metric: Any, area: float, prevalence: float) -> None:
    for n in (20, 50, 200, 1000):
        if n * prevalence >= 2:
            assert coverage(metric, area, prevalence, n, 1000) >= 0.92 - 0.017


def test_an_area_near_1_of_ten_positives_is_no_wider_than_it_has_to_be() -> None:
    """Newcombe's method 5 has a width of .128 on average, where logit intervals miss."""
    rng = np.random.default_rng(4)
    found = [RocAuc().interval(rows_of(*ranking(rng, 200, 0.05, 0.99))) for _ in range(300)]

    assert np.mean([one.width for one in found if one is not None]) < 1.5 * 0.128


SEVERAL = [
    RocAuc(),
    RocAuc(average="weighted"),
    RocAuc(average="micro"),
    RocAuc(multi_class="ovo"),
    RocAuc(multi_class="ovo", average="weighted"),
    AveragePrecision(),
    AveragePrecision(average="weighted"),
    AveragePrecision(average="micro"),
]


def named(metric: Any) -> str:
    return f"{metric.name}-{metric.average}-{getattr(metric, 'multi_class', '')}"


def three_classes(rng: Any, n: int, *, gain: float = 1.2) -> Rows:
    right = rng.choice(3, n, p=[0.15, 0.25, 0.6])
    scores = rng.normal(size=(n, 3))
    scores[np.arange(n), right] += gain
    stated = [
        class_probabilities(dict(enumerate(s)), str(t), scores=True)
        for s, t in zip(scores.tolist(), right, strict=True)
    ]
    return forecast_rows(stated, [str(t) for t in right])


@pytest.mark.parametrize("metric", SEVERAL, ids=named)
@pytest.mark.parametrize("design", ["plain", "weighted", "grouped"])
def test_the_error_of_several_classes_is_that_of_a_bootstrap(metric: Any, design: str) -> None:
    rng = np.random.default_rng(5)
    rows = three_classes(rng, 400)
    weights = rng.integers(1, 4, 400).astype(float) if design == "weighted" else None
    groups = np.arange(400) // 4 if design == "grouped" else None
    found = metric.interval(rows, weights=weights, groups=groups)
    drawn = metric.draws(rows, weights, 300, 0, groups)

    assert found is not None
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.15)
    assert found.low < metric.compute(rows, weights) < found.high


@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
def test_areas_of_several_classes_are_covered(metric: Any) -> None:
    rng = np.random.default_rng(6)
    truth = metric.compute(three_classes(rng, 20_000), None)
    found = [metric.interval(three_classes(rng, 60)) for _ in range(200)]
    inside = [one.low <= truth <= one.high for one in found if one is not None]

    assert np.mean(inside) >= 0.92 - 0.038  # two standard errors


@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
@pytest.mark.parametrize(("n", "prevalence"), [(200, 0.05), (50, 0.3)])
@pytest.mark.parametrize("areas", [(0.9, 0.9), (0.97, 0.9)])
def test_differences_of_areas_are_covered_and_agree_with_their_test(
    metric: Any, n: int, prevalence: float, areas: tuple[float, float]
) -> None:
    rng = np.random.default_rng(n)
    truths = [truth_of(metric, area, prevalence) for area in areas]
    inside = []
    for _ in range(200):
        labels = rng.random(n) < prevalence
        if not labels.any():
            continue
        common = 0.8 * rng.normal(size=n)
        both = [
            common + 0.6 * rng.normal(size=n) + labels * np.sqrt(2) * norm.ppf(area)
            for area in areas
        ]
        interval, p_value = metric.difference(*(rows_of(scores, labels) for scores in both))
        assert (not interval.low <= 0 <= interval.high) == (p_value < 0.05)
        inside.append(interval.low <= truths[0] - truths[1] <= interval.high)

    assert np.mean(inside) >= 0.92 - 0.038


@pytest.mark.parametrize("metric", SEVERAL, ids=named)
def test_equal_rankings_of_few_may_still_differ(metric: Any) -> None:
    rows = three_classes(np.random.default_rng(7), 30)
    interval, p_value = metric.difference(rows, rows)

    assert p_value == 1.0
    assert interval.low < -0.03
    assert interval.high > 0.03
