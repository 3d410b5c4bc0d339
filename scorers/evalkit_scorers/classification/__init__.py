"""Metrics of classifiers: of labels, and of probabilities."""

from typing import Final

from evalkit_scorers.family import lazily

HOMES: Final = {
    "Accuracy": "label_metric",
    "AveragePrecision": "ranking_metric",
    "BalancedAccuracy": "beyond_chance",
    "Brier": "probability_metric",
    "CalibrationError": "calibration_error",
    "CohenKappa": "beyond_chance",
    "ConfusionMatrix": "label_metric",
    "F1": "averaging",
    "LogLoss": "probability_metric",
    "Mcc": "beyond_chance",
    "Precision": "averaging",
    "Recall": "averaging",
    "RocAuc": "ranking_metric",
}
"""Class of each scorer -> its module."""

__getattr__ = lazily(__name__, HOMES)
