"""Which functions of scikit-learn can be scorers, and what they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, Literal

Kind = Literal["labels", "numbers", "probabilities", "scores"]
"""What a metric compares with the targets."""

_SECOND_PARAMETER: Final[dict[str, Kind]] = {
    "y_pred": "labels",
    "labels_pred": "labels",
    "y2": "labels",
    "y_proba": "probabilities",
    "y_prob": "probabilities",
    "y_score": "scores",
    "pred_decision": "scores",
}
_OF_PROBABILITIES: Final = {"brier_score_loss", "d2_log_loss_score", "log_loss"}
"""Their parameter was called ``y_pred`` before scikit-learn 1.9."""

_OF_SEVERAL_TARGETS: Final = {
    "coverage_error",
    "dcg_score",
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "ndcg_score",
}
"""They want an array of targets for each case."""

_UP: Final = ("_score", "_corrcoef")
DOWN: Final = ("_error", "_loss", "_deviance")
"""Ends of the names of metrics whose lower value is better."""


def metric_names() -> list[str]:
    """Return the names in ``sklearn.metrics`` that can be scorers, in order.

    Examples:
        >>> {"f1_score", "mean_squared_error", "matthews_corrcoef"} <= set(metric_names())
        True
        >>> "confusion_matrix" in metric_names()
        False
    """
    from sklearn import metrics

    return sorted(name for name in metrics.__all__ if kind_of(name) is not None)


def metric_function(name: str) -> Callable[..., Any]:
    """Return the function of ``sklearn.metrics`` called *name*."""
    from sklearn import metrics

    function: Callable[..., Any] = getattr(metrics, name)
    return function


def kind_of(name: str) -> Kind | None:
    """Return what the function compares; ``None`` if it is no metric of targets and outputs.

    Examples:
        >>> kind_of("f1_score"), kind_of("r2_score"), kind_of("roc_auc_score"), kind_of("auc")
        ('labels', 'numbers', 'scores', None)
    """
    from sklearn import metrics

    if name not in metrics.__all__ or not name.endswith(_UP + DOWN):
        return None
    if name in _OF_SEVERAL_TARGETS:
        return None
    if name in _OF_PROBABILITIES:
        return "probabilities"
    function = metric_function(name)
    taken = list(inspect.signature(function).parameters)
    if len(taken) < 2 or taken[0] not in {"y_true", "labels_true", "y1"}:  # noqa: PLR2004
        return None
    kind = _SECOND_PARAMETER.get(taken[1])
    if kind == "labels" and function.__module__.endswith("_regression"):
        return "numbers"
    return kind


def keywords_of(name: str) -> list[str]:
    """Return the keywords of the function that a user may set.

    Examples:
        >>> keywords_of("fbeta_score")
        ['beta', 'labels', 'pos_label', 'average', 'zero_division']
    """
    parameters = inspect.signature(metric_function(name)).parameters
    return [
        keyword for keyword in list(parameters)[2:] if keyword not in {"sample_weight", "y_pred"}
    ]


def takes_weights(name: str) -> bool:
    """Say whether the function weighs cases.

    Examples:
        >>> takes_weights("f1_score"), takes_weights("max_error")
        (True, False)
    """
    return "sample_weight" in inspect.signature(metric_function(name)).parameters
