"""Losses of probabilities, areas and calibration, against scikit-learn and published values."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sklearn_metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit
from sklearn.calibration import calibration_curve

from evalkit.plugin import CaseBatch, Rows, Status
from evalkit_scorers.classification.calibration_error import CalibrationError
from evalkit_scorers.classification.probability_metric import Brier, LogLoss
from evalkit_scorers.classification.ranking_metric import AveragePrecision, RankingMetric, RocAuc

LETTERS = ["a", "b", "ç"]
FORECAST = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.1]
HAPPENED = [1, 1, 1, 0, 1, 1, 0, 0, 1, 0]

shares = st.integers(0, 64).map(lambda part: part / 64)
two = st.lists(st.tuples(st.booleans(), shares, st.integers(1, 5)), min_size=1, max_size=30)
three = st.lists(
    st.tuples(st.sampled_from(LETTERS), st.tuples(*[st.integers(1, 9)] * 3), st.integers(1, 5)),
    min_size=1,
    max_size=25,
)


def batch_of(targets: Sequence[Any], outputs: Sequence[Any]) -> CaseBatch:
    columns = {"outputs": outputs, "expectations": [{"target": t} for t in targets]}
    return CaseBatch(columns, length=len(outputs))


def rows_of(metric: Any, targets: Sequence[Any], outputs: Sequence[Any]) -> Rows:
    column = metric.score_batch(batch_of(targets, outputs))
    assert (column.status == Status.OK).all()
    assert isinstance(column.statistics, Rows)
    return column.statistics


def mean(metric: Any, targets: Sequence[Any], outputs: Sequence[Any], weights: Any) -> float:
    return float(np.average(metric.score_batch(batch_of(targets, outputs)).values, weights=weights))


def expected(function: str, *args: Any, **kwargs: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where a metric is undefined
        return float(getattr(sklearn_metrics, function)(*args, **kwargs))


def unpacked(cases: list[tuple[str, tuple[int, ...], int]]) -> tuple[list[str], Any, Any, Any]:
    """Return three-class cases as targets, outputs, matrix and weights; each class occurs."""
    cases = [*cases, *((letter, (1, 2, 3), 1) for letter in LETTERS)]
    targets = [target for target, _, _ in cases]
    matrix = np.array([parts for _, parts, _ in cases], dtype=np.float64)
    matrix /= matrix.sum(axis=1, keepdims=True)
    outputs = [dict(zip(LETTERS, row, strict=True)) for row in matrix.tolist()]
    return targets, outputs, matrix, np.array([weight for _, _, weight in cases], dtype=float)


@given(two)
def test_losses_of_two_classes_equal_scikit_learn(cases: list[tuple[bool, float, int]]) -> None:
    targets, outputs, weights = map(list, zip(*cases, strict=True))

    for metric, function in ((LogLoss(), "log_loss"), (Brier(), "brier_score_loss")):
        wanted = expected(function, targets, outputs, sample_weight=weights, labels=[0, 1])
        assert mean(metric, targets, outputs, weights) == pytest.approx(wanted, abs=1e-9)


@given(three)
@settings(max_examples=50)
def test_losses_of_three_classes_equal_scikit_learn(cases: Any) -> None:
    targets, outputs, matrix, weights = unpacked(cases)

    for metric, function in ((LogLoss(), "log_loss"), (Brier(), "brier_score_loss")):
        wanted = expected(function, targets, matrix, sample_weight=weights, labels=LETTERS)
        assert mean(metric, targets, outputs, weights) == pytest.approx(wanted, abs=1e-9)


def test_published_losses() -> None:
    assert mean(Brier(), HAPPENED, FORECAST, None) == pytest.approx(0.18875, abs=1e-9)
    assert mean(LogLoss(), HAPPENED, FORECAST, None) == pytest.approx(0.541478, abs=1e-6)


def test_a_class_that_the_output_does_not_know_was_held_impossible() -> None:
    assert mean(LogLoss(), ["c"], [{"a": 0.5, "b": 0.5}], None) == pytest.approx(36.0436533)
    assert mean(Brier(), ["c"], [{"a": 0.5, "b": 0.5}], None) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("halve", "value", "high"), [(None, 0.375, 2), (False, 0.375, 2), (True, 0.1875, 1)]
)
def test_scale_of_the_brier_score(halve: bool | None, value: float, high: float) -> None:
    metric = Brier(scale_by_half=halve)

    assert mean(metric, ["b"], [{"a": 0.25, "b": 0.5, "c": 0.25}], None) == value
    assert metric.facts.high == high


@given(two, st.booleans())
def test_areas_of_two_classes_equal_scikit_learn(
    cases: list[tuple[bool, float, int]], weighted: bool
) -> None:
    targets, outputs, weights = map(list, zip(*cases, strict=True))
    load = np.array(weights, dtype=float) if weighted else None

    for metric, function in (
        (RocAuc(), "roc_auc_score"),
        (AveragePrecision(), "average_precision_score"),
    ):
        found = metric.compute(rows_of(metric, targets, outputs), load)
        if function == "average_precision_score" and not any(targets):
            assert math.isnan(found)  # where scikit-learn says 0, with a warning
        else:
            wanted = expected(function, targets, outputs, sample_weight=load)
            assert found == pytest.approx(wanted, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "function", "keywords"),
    [
        pytest.param(
            RocAuc(average=average),
            "roc_auc_score",
            {"multi_class": "ovr", "average": average},
            id=f"ovr-{average}",
        )
        for average in ("macro", "weighted", "micro")
    ]
    + [
        pytest.param(
            AveragePrecision(average=average),
            "average_precision_score",
            {"average": average},
            id=f"precision-{average}",
        )
        for average in ("macro", "weighted", "micro")
    ],
)
@given(cases=three)
@settings(max_examples=30)
def test_areas_of_three_classes_equal_scikit_learn(
    metric: RankingMetric, function: str, keywords: Any, cases: Any
) -> None:
    targets, outputs, matrix, weights = unpacked(cases)

    found = metric.compute(rows_of(metric, targets, outputs), weights)

    wanted = expected(function, targets, matrix, sample_weight=weights, **keywords)
    assert found == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("average", ["macro", "weighted"])
@given(cases=three)
@settings(max_examples=30)
def test_areas_of_pairs_of_classes_equal_scikit_learn(average: Any, cases: Any) -> None:
    targets, outputs, matrix, _ = unpacked(cases)
    metric = RocAuc(multi_class="ovo", average=average)

    found = metric.compute(rows_of(metric, targets, outputs), None)

    wanted = expected("roc_auc_score", targets, matrix, multi_class="ovo", average=average)
    assert found == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
def test_outputs_of_two_and_of_three_classes_have_no_common_area(metric: RankingMetric) -> None:
    outputs = [{"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.25, "c": 0.25}]

    assert math.isnan(metric.compute(rows_of(metric, ["a", "b"], outputs), None))


def test_the_error_of_an_area_is_delongs() -> None:
    """Two cases of each class: the area is 3/4, and its variance 1/8 by hand."""
    targets, outputs = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    found = RocAuc().interval(rows_of(RocAuc(), targets, outputs), level=0.95)

    assert found is not None
    assert found.standard_error == pytest.approx(math.sqrt(0.125))
    assert found.low < 0.75 < found.high < 1.0


def test_a_perfect_area_of_three_cases_is_not_certain() -> None:
    found = RocAuc().interval(rows_of(RocAuc(), [0, 1, 1], [0.1, 0.8, 0.9]))

    assert found is not None
    assert found.method == "delong-wilson"
    assert found.high == 1.0
    assert found.low == pytest.approx(1 / (1 + stdtrit(4, 0.975) ** 2 / 2))


@pytest.mark.parametrize("metric", [RocAuc(), AveragePrecision()], ids=lambda m: m.name)
def test_an_area_without_positive_cases_has_no_interval(metric: Any) -> None:
    assert metric.interval(rows_of(metric, [0, 0], [0.3, 0.6])) is None


@pytest.mark.parametrize("positives", [3, 10, 40])
def test_average_precision_rests_on_its_positive_cases(positives: int) -> None:
    targets = [1] * positives + [0] * 200
    rows = rows_of(AveragePrecision(pos_label=1), targets, np.linspace(1, 0, len(targets)).tolist())
    found = AveragePrecision(pos_label=1).interval(rows)

    assert found is not None
    assert found.high == 1.0
    assert found.low <= 1 / (1 + 1.96**2 / positives) + 1e-6


def test_published_calibration_error_in_five_bins() -> None:
    metric = CalibrationError(bins=5)
    rows = rows_of(metric, HAPPENED, FORECAST)

    assert metric.compute(rows, None) == pytest.approx(0.2950, abs=1e-9)


@given(two, st.sampled_from(["uniform", "quantile"]), st.integers(1, 6))
def test_the_reliability_table_equals_scikit_learns_curve(
    cases: list[tuple[bool, float, int]], strategy: Any, bins: int
) -> None:
    targets = [target for target, _, _ in cases]
    outputs = [share * 0.96 + 1 / 128 for _, share, _ in cases]  # never on an edge
    metric = CalibrationError(bins=bins, strategy=strategy)
    rows = rows_of(metric, targets, outputs)

    table = metric.artifacts(rows, None)["reliability"]

    true, stated = calibration_curve([*targets, True, False], [*outputs, 1.0, 0.0], n_bins=bins)
    if strategy == "uniform":
        rows = rows_of(metric, [*targets, True, False], [*outputs, 1.0, 0.0])
        table = metric.artifacts(rows, None)["reliability"]
        assert [line["frequency"] for line in table] == pytest.approx(true.tolist())
        assert [line["probability"] for line in table] == pytest.approx(stated.tolist())
    gaps = [line["weight"] * abs(line["frequency"] - line["probability"]) for line in table]
    assert metric.compute(rows, None) == pytest.approx(sum(gaps) / len(rows), abs=1e-9)


def test_calibration_of_many_classes_is_about_the_most_probable() -> None:
    outputs = [{"a": 0.8, "b": 0.1, "c": 0.1}] * 4
    metric = CalibrationError()

    assert metric.compute(rows_of(metric, ["a", "a", "b", "c"], outputs), None) == pytest.approx(
        0.3
    )


@pytest.mark.parametrize(
    "metric", [RocAuc(), AveragePrecision(), RocAuc(multi_class="ovo")], ids=lambda m: m.name
)
def test_draws_are_the_metric_of_the_cases_drawn(metric: Any) -> None:
    from evalkit.plugin import bootstrap_weights

    generator = np.random.default_rng(2)
    targets = generator.integers(0, 2, 30).tolist()
    outputs = generator.random(30).round(2).tolist()
    rows = rows_of(metric, targets, outputs)

    draws = metric.draws(rows, None, 10, 4)

    order = metric.order(rows)
    order = np.arange(30) if order is None else order
    (times,) = bootstrap_weights(30, 10, seed=4)
    for draw, count in zip(draws, times.astype(int), strict=True):
        picked = np.repeat(order, count)
        assert draw == pytest.approx(metric.compute(rows.take(picked), None))


@pytest.mark.parametrize(
    "metric", [RocAuc(), AveragePrecision(), CalibrationError()], ids=lambda m: m.name
)
def test_no_case_has_no_value(metric: Any) -> None:
    assert math.isnan(metric.compute(rows_of(metric, [], []), None))


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        (RocAuc, {"multi_class": "raise"}),
        (RocAuc, {"multi_class": "ovo", "average": "micro"}),
        (AveragePrecision, {"average": "binary"}),
        (CalibrationError, {"bins": 0}),
        (CalibrationError, {"strategy": "kmeans"}),
        (LogLoss, {"labels": ["a", "a"]}),
        (RocAuc, {"labels": []}),
    ],
)
def test_settings_that_mean_nothing_are_refused(kind: Any, refused: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        kind(**refused)
