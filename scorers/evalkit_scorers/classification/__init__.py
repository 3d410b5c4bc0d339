"""Metrics of classifiers: of labels, and of probabilities."""

from evalkit_scorers.classification.averaging import F1, Precision, Recall
from evalkit_scorers.classification.beyond_chance import BalancedAccuracy, CohenKappa, Mcc
from evalkit_scorers.classification.calibration_error import CalibrationError
from evalkit_scorers.classification.label_metric import Accuracy, ConfusionMatrix
from evalkit_scorers.classification.probability_metric import Brier, LogLoss
from evalkit_scorers.classification.ranking_metric import AveragePrecision, RocAuc

__all__ = [
    "F1",
    "Accuracy",
    "AveragePrecision",
    "BalancedAccuracy",
    "Brier",
    "CalibrationError",
    "CohenKappa",
    "ConfusionMatrix",
    "LogLoss",
    "Mcc",
    "Precision",
    "Recall",
    "RocAuc",
]
