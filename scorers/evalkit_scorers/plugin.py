"""Register the scorers of evalkit by name: each is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from evalkit.plugin import Scorer, hookimpl

_CLASSES: Final = {
    "text.exact_match": "ExactMatch",
    "text.normalized_match": "NormalizedMatch",
    "text.contains": "Contains",
    "text.regex": "Regex",
    "text.token_f1": "TokenF1",
    "text.rouge": "Rouge",
    "text.bleu": "Bleu",
    "text.chrf": "Chrf",
    "text.ter": "Ter",
    "text.edit_distance": "EditDistance",
    "text.readability": "Readability",
    "classification.accuracy": "Accuracy",
    "classification.average_precision": "AveragePrecision",
    "classification.balanced_accuracy": "BalancedAccuracy",
    "classification.brier": "Brier",
    "classification.calibration_error": "CalibrationError",
    "classification.cohen_kappa": "CohenKappa",
    "classification.confusion_matrix": "ConfusionMatrix",
    "classification.f1": "F1",
    "classification.log_loss": "LogLoss",
    "classification.mcc": "Mcc",
    "classification.precision": "Precision",
    "classification.recall": "Recall",
    "classification.roc_auc": "RocAuc",
    "regression.mae": "Mae",
    "regression.mape": "Mape",
    "regression.max_error": "MaxError",
    "regression.median_ae": "MedianAe",
    "regression.mse": "Mse",
    "regression.quantile_loss": "QuantileLoss",
    "regression.r2": "R2",
    "regression.rmse": "Rmse",
    "operations.cost": "Cost",
    "operations.latency": "Latency",
    "operations.output_length": "OutputLength",
    "operations.time_to_first_token": "TimeToFirstToken",
}
"""Name of each scorer, which is its module's too -> its class."""


@hookimpl
def evalkit_scorers() -> dict[str, Callable[[], Scorer]]:
    """Return what makes each scorer that comes with evalkit, with its defaults."""
    return {name: partial(_scorer, name) for name in _CLASSES}


def _scorer(name: str) -> Scorer:
    module = importlib.import_module(f"evalkit_scorers.{name}")
    return cast("Scorer", getattr(module, _CLASSES[name])())


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the families whose scorers are made when asked for: any metric of scikit-learn."""
    return {"sklearn.": _sklearn_scorer}


def _sklearn_scorer(name: str) -> Scorer:
    from evalkit_scorers.sklearn.metric import sklearn_scorer  # start-up: few ask for one

    return sklearn_scorer(name)
