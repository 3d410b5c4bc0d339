"""Metrics of scikit-learn that are metrics of evalkit, whose intervals and tests they have."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from evalkit.plugin import Means, MetricFacts, Rows
from evalkit_scorers import classification, regression
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.probabilities import Forecasts

_TWINS: Final = {
    "accuracy_score": "ConfusionMatrix",
    "average_precision_score": "AveragePrecision",
    "balanced_accuracy_score": "BalancedAccuracy",
    "cohen_kappa_score": "CohenKappa",
    "f1_score": "F1",
    "matthews_corrcoef": "Mcc",
    "precision_score": "Precision",
    "recall_score": "Recall",
    "roc_auc_score": "RocAuc",
}
"""Function of scikit-learn -> class of the scorer, whose fields have the keywords' names."""

_ERRORS: Final = {
    "mean_absolute_error": "Mae",
    "mean_absolute_percentage_error": "Mape",
    "mean_pinball_loss": "QuantileLoss",
    "mean_squared_error": "Mse",
    "root_mean_squared_error": "Mse",
}
"""Function of scikit-learn -> class of the scorer that gives the loss of each case."""


@dataclasses.dataclass(frozen=True, slots=True)
class MeanLoss:
    """A mean of the cases' losses, or its root."""

    loss: Callable[[Rows], FloatArray]
    """Loss of each case, shape ``(n,)``; at least 0."""

    root: Callable[[float], float] = float
    facts = MetricFacts(direction="lower", low=0.0)

    def means(self, rows: Rows, /) -> Means:
        values = self.loss(rows)
        return Means([np.arange(len(values))], [values], binary=False, metric=self.root)

    def compute(self, rows: Rows, weights: None, /) -> float:
        del weights
        return self.root(float(np.mean(self.loss(rows))))


def twin(function: Callable[..., Any], keywords: Mapping[str, Any]) -> Any:
    """Return what is the same metric under these keywords; ``None`` where nothing is.

    Examples:
        >>> from sklearn.metrics import recall_score
        >>> twin(recall_score, {"average": "macro"}).average
        'macro'
        >>> twin(recall_score, {"average": "samples"}) is None
        True
    """
    name, parameters = function.__name__, inspect.signature(function).parameters
    if name in {"brier_score_loss", "log_loss"}:
        return MeanLoss(_squares if name[0] == "b" else _surprises)
    kind = _TWINS.get(name) or _ERRORS.get(name)
    if kind is None:
        return None
    made = getattr(classification if name in _TWINS else regression, kind)
    settings = {key: given.default for key, given in parameters.items()} | dict(keywords)
    fields = {field.name for field in dataclasses.fields(made)} & set(list(parameters)[2:])
    chosen = {key: settings[key] for key in fields}
    each = chosen.get("average", "") is None  # one value a class
    if each or any(settings[key] != parameters[key].default for key in set(keywords) - fields):
        return None
    zero = chosen.get("zero_division")
    if zero is not None:
        chosen["zero_division"] = 0.0 if zero == "warn" else None if math.isnan(zero) else zero
    if name == "average_precision_score" and "pos_label" not in keywords:
        del chosen["pos_label"]  # the reader of the scores chooses
    if chosen.get("multi_class") == "raise":
        del chosen["multi_class"]  # more than two classes have no value then
    try:
        scorer = made(**chosen)
    except ValueError:  # an average over samples, say
        return None
    if name in _TWINS:
        return scorer

    def loss(rows: Rows) -> FloatArray:
        values: FloatArray = scorer.loss(rows.columns["target"], rows.columns["output"])
        return values

    return MeanLoss(loss, math.sqrt if name.startswith("root") else float)


def _squares(rows: Rows) -> FloatArray:
    forecasts = Forecasts.of(rows)
    if forecasts is None:
        return np.full(len(rows), np.nan)
    return np.asarray(((forecasts.scores - forecasts.events) ** 2).sum(axis=1))


def _surprises(rows: Rows) -> FloatArray:
    forecasts = Forecasts.of(rows)
    if forecasts is None:
        return np.full(len(rows), np.nan)
    right = np.where(forecasts.events, forecasts.scores, 0.0).sum(axis=1)
    if forecasts.scores.shape[1] == 1:
        right = np.where(forecasts.events, forecasts.scores, 1 - forecasts.scores)[:, 0]
    step = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(right, step, 1 - step)))
