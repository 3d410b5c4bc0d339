"""The scorers of this family."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.classification.accuracy import Accuracy
from evalkit_scorers.classification.average_precision import AveragePrecision
from evalkit_scorers.classification.balanced_accuracy import BalancedAccuracy
from evalkit_scorers.classification.brier import Brier
from evalkit_scorers.classification.calibration_error import CalibrationError
from evalkit_scorers.classification.cohen_kappa import CohenKappa
from evalkit_scorers.classification.confusion_matrix import ConfusionMatrix
from evalkit_scorers.classification.f1 import F1
from evalkit_scorers.classification.log_loss import LogLoss
from evalkit_scorers.classification.mcc import Mcc
from evalkit_scorers.classification.precision import Precision
from evalkit_scorers.classification.recall import Recall
from evalkit_scorers.classification.roc_auc import RocAuc


def scorers() -> tuple[Scorer, ...]:
    """Return one of each, with its defaults."""
    return (
        Accuracy(),
        AveragePrecision(),
        BalancedAccuracy(),
        Brier(),
        CalibrationError(),
        CohenKappa(),
        ConfusionMatrix(),
        F1(),
        LogLoss(),
        Mcc(),
        Precision(),
        Recall(),
        RocAuc(),
    )
