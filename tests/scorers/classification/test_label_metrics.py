"""Every metric of labels against scikit-learn, on tables of all shapes."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest
import sklearn.metrics as sklearn_metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.plugin import CaseBatch, Rows
from evalkit_scorers.classification.averaging import Precision, Recall
from evalkit_scorers.classification.beyond_chance import BalancedAccuracy, CohenKappa, Mcc
from evalkit_scorers.classification.label_metric import MOST_LABELS, ConfusionMatrix

Batch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]
ORDER = ["low", "medium", "high", "extreme"]

METRICS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "balanced": (BalancedAccuracy(), "balanced_accuracy_score", {}),
    "adjusted": (BalancedAccuracy(adjusted=True), "balanced_accuracy_score", {"adjusted": True}),
    "mcc": (Mcc(), "matthews_corrcoef", {}),
    "kappa": (CohenKappa(), "cohen_kappa_score", {}),
    "linear-kappa": (CohenKappa(weights="linear"), "cohen_kappa_score", {"weights": "linear"}),
    "quadratic-kappa": (
        CohenKappa(weights="quadratic"),
        "cohen_kappa_score",
        {"weights": "quadratic"},
    ),
    "ordered-kappa": (
        CohenKappa(weights="linear", labels=ORDER),
        "cohen_kappa_score",
        {"weights": "linear", "labels": ORDER},
    ),
    "diagonal": (ConfusionMatrix(), "accuracy_score", {}),
    **{
        f"{name}-{average}": (
            metric(average=cast("Any", average), zero_division=zero),
            f"{name}_score",
            {"average": average, "zero_division": np.nan if zero is None else zero},
        )
        for name, metric in {"precision": Precision, "recall": Recall}.items()
        for average, zero in {"macro": 0.0, "micro": None, "weighted": 1.0}.items()
    },
}


def measured(
    metric: Any, targets: Sequence[Any], outputs: Sequence[Any], weights: Any = None
) -> float:
    columns = {"outputs": outputs, "expectations": [{"target": t} for t in targets]}
    column = metric.score_batch(CaseBatch(columns, length=len(outputs)))
    return float(metric.compute(column.statistics, weights))


def expected(function: str, *args: Any, **kwargs: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where a metric is undefined
        with np.errstate(all="ignore"):
            value = float(getattr(sklearn_metrics, function)(*args, **kwargs))
    return value if np.isfinite(value) else np.nan


cases = st.lists(
    st.tuples(st.sampled_from(ORDER), st.sampled_from(ORDER), st.integers(1, 5)),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=40)
@given(cases=cases, weighted=st.booleans())
def test_the_value_equals_scikit_learn(
    name: str, cases: list[tuple[str, str, int]], weighted: bool
) -> None:
    metric, function, keywords = METRICS[name]
    targets, outputs, weights = map(list, zip(*cases, strict=True))
    load = np.array(weights, dtype=np.float64) if weighted else None

    found = measured(metric, targets, outputs, load)

    wanted = expected(function, targets, outputs, sample_weight=load, **keywords)
    assert found == pytest.approx(wanted, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        pytest.param(CohenKappa(), float("nan"), id="kappa"),
        pytest.param(CohenKappa(weights="linear"), float("nan"), id="linear-kappa"),
        pytest.param(BalancedAccuracy(), 1.0, id="balanced"),
        pytest.param(BalancedAccuracy(adjusted=True), float("nan"), id="adjusted"),
        pytest.param(Mcc(), 0.0, id="mcc"),
    ],
)
def test_one_class_alone(metric: Any, value: float) -> None:
    assert measured(metric, ["猫"] * 3, ["猫"] * 3) == pytest.approx(value, nan_ok=True)


def test_kappa_leaves_out_labels_that_are_not_listed() -> None:
    targets, outputs = ["low", "high", "high", "low"], ["low", "high", "As an AI…", "high"]
    listed = ["low", "high"]

    found = measured(CohenKappa(labels=listed), targets, outputs)

    assert found == pytest.approx(
        sklearn_metrics.cohen_kappa_score(targets, outputs, labels=listed)
    )


def test_kappa_of_a_hundred_thousand_labels_needs_no_table() -> None:
    names = [f"label {i}" for i in range(100_000)]

    assert measured(CohenKappa(weights="linear"), names, names) == 1.0


@given(cases=cases)
def test_the_confusion_matrix_equals_scikit_learn(cases: list[tuple[str, str, int]]) -> None:
    targets, outputs, weights = map(list, zip(*[*cases, ("low", "high", 1)], strict=True))
    columns = {"outputs": outputs, "expectations": [{"target": t} for t in targets]}
    rows = ConfusionMatrix().score_batch(CaseBatch(columns, length=len(outputs))).statistics
    assert isinstance(rows, Rows)

    found = ConfusionMatrix().artifacts(rows, np.array(weights, dtype=float))["confusion_matrix"]

    matrix = sklearn_metrics.confusion_matrix(targets, outputs, sample_weight=weights)
    assert found["matrix"] == matrix.tolist()
    assert found["labels"] == sorted({*targets, *outputs})


def test_a_confusion_matrix_of_many_labels_puts_the_rare_ones_together(batch_of: Batch) -> None:
    outputs = ["a"] * 10 + [f"rubbish {i}" for i in range(100)]
    rows = ConfusionMatrix().score_batch(batch_of(["a"] * 110, outputs)).statistics
    assert isinstance(rows, Rows)

    found = ConfusionMatrix().artifacts(rows, None)["confusion_matrix"]

    assert len(found["labels"]) == MOST_LABELS + 1
    assert found["labels"][-1] == "(others)"
    assert np.sum(found["matrix"]) == 110


def test_each_label_has_its_own_line(batch_of: Batch) -> None:
    metric = Precision()
    rows = metric.score_batch(batch_of(["a", "a", "b"], ["a", "b", "c"])).statistics
    assert isinstance(rows, Rows)

    lines = {line["label"]: line for line in metric.artifacts(rows, None)["by_label"]}

    assert lines["a"] == {"label": "a", "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "weight": 2.0}
    assert lines["c"]["recall"] is None


def test_settings_of_kappa_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        CohenKappa(weights="cubic")  # type: ignore[arg-type]
