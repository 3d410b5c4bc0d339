"""Metrics that scikit-learn and evalkit share have one interval and one test."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

import evalkit
from evalkit_scorers.sklearn.twins import twin

RUNTIME = evalkit.Runtime(store=False, progress=False)
OF_LABELS = {
    "sklearn.accuracy_score": "classification.accuracy",
    "sklearn.balanced_accuracy_score": "classification.balanced_accuracy",
    "sklearn.cohen_kappa_score": "classification.cohen_kappa",
    "sklearn.f1_score": "classification.f1",
    "sklearn.matthews_corrcoef": "classification.mcc",
    "sklearn.precision_score": "classification.precision",
    "sklearn.recall_score": "classification.recall",
}
OF_SCORES = {
    "sklearn.average_precision_score": "classification.average_precision",
    "sklearn.brier_score_loss": "classification.brier",
    "sklearn.log_loss": "classification.log_loss",
    "sklearn.roc_auc_score": "classification.roc_auc",
}
OF_NUMBERS = {
    "sklearn.mean_absolute_error": "regression.mae",
    "sklearn.mean_squared_error": "regression.mse",
    "sklearn.root_mean_squared_error": "regression.rmse",
}
SHARED = [*OF_LABELS.items(), *OF_SCORES.items(), *OF_NUMBERS.items()]


def results(name: str, scorers: list[str], seeds: tuple[int, ...]) -> list[Any]:
    truth = np.random.default_rng(1).random(120) < 0.15
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        score = 1 / (1 + np.exp(-(2 * truth - 1 + rng.normal(size=120))))
        said = score if name in OF_SCORES or name in OF_NUMBERS else (score > 0.5) * 1
        rows = [
            {"inputs": {"x": i}, "expectations": int(t), "outputs": o}
            for i, (t, o) in enumerate(zip(truth, said.tolist(), strict=True))
        ]
        made.append(evalkit.evaluate(data=rows, scorers=scorers, runtime=RUNTIME))
    return made


@pytest.mark.parametrize(("name", "own"), SHARED)
def test_one_number_has_one_interval(name: str, own: str) -> None:
    (result,) = results(name, [name, own], (2,))
    found = [result[key] for key in (name, own)]

    assert found[0].value == pytest.approx(found[1].value)
    assert found[0].low is not None
    # A declared upper end, such as Brier's 2, is evalkit's own.
    rel = 0.02 if name == "sklearn.brier_score_loss" else 1e-9
    for end in ("low", "high"):
        assert getattr(found[0], end) == pytest.approx(getattr(found[1], end), rel=rel)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        pair
        for pair in SHARED
        if pair[0] not in {"sklearn.f1_score", "sklearn.root_mean_squared_error"}
    ],
)
def test_one_difference_has_one_interval(name: str, own: str) -> None:
    a, b = results(name, [name, own], (2, 3))
    found, expected = (a.difference(b, key) for key in (name, own))

    assert (found.method, found.test) == (expected.method, expected.test)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_value == pytest.approx(expected.p_value)


def test_a_zero_that_is_about_no_case_has_no_interval() -> None:
    rows = [{"inputs": {"x": i}, "expectations": 0, "outputs": 0} for i in range(40)]
    found = evalkit.evaluate(data=rows, scorers="sklearn.recall_score", runtime=RUNTIME)

    estimate = found["sklearn.recall_score"]
    assert (estimate.value, estimate.low) == (0.0, None)
    assert "no target and no output is the positive label" in (estimate.note or "")


@pytest.mark.parametrize("name", list(OF_SCORES)[::3])
def test_the_note_tells_which_label_was_taken(name: str) -> None:
    rows = [
        {"inputs": {"x": i}, "expectations": t, "outputs": {"churn": 0.3, "stay": 0.7}}
        for i, t in enumerate(["churn", "stay"] * 10)
    ]
    found = evalkit.evaluate(data=rows, scorers=name, runtime=RUNTIME)[name]

    assert found.note == "positive label 'stay', the last in order; pos_label= takes another"


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("roc_auc_score", {"max_fpr": 0.5}),
        ("accuracy_score", {"normalize": False}),
        ("f1_score", {"average": None}),
        ("fbeta_score", {"beta": 2}),
        ("r2_score", {}),
    ],
)
def test_other_metrics_have_no_twin(name: str, keywords: dict[str, Any]) -> None:
    assert twin(getattr(metrics, name), keywords) is None


def test_keywords_are_those_of_the_twin() -> None:
    scorer = twin(metrics.precision_score, {"average": "macro", "zero_division": 1})

    assert (scorer.average, scorer.zero_division) == ("macro", 1)
