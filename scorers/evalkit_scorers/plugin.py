"""Register the scorers of evalkit."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from evalkit.plugin import Scorer, hookimpl
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
from evalkit_scorers.operations.cost import Cost
from evalkit_scorers.operations.latency import Latency
from evalkit_scorers.operations.output_length import OutputLength
from evalkit_scorers.operations.time_to_first_token import TimeToFirstToken
from evalkit_scorers.regression.mae import Mae
from evalkit_scorers.regression.mape import Mape
from evalkit_scorers.regression.max_error import MaxError
from evalkit_scorers.regression.median_ae import MedianAe
from evalkit_scorers.regression.mse import Mse
from evalkit_scorers.regression.quantile_loss import QuantileLoss
from evalkit_scorers.regression.r2 import R2
from evalkit_scorers.regression.rmse import Rmse
from evalkit_scorers.sklearn.metric import PREFIX, sklearn_scorer
from evalkit_scorers.text.bleu import Bleu
from evalkit_scorers.text.chrf import Chrf
from evalkit_scorers.text.contains import Contains
from evalkit_scorers.text.edit_distance import EditDistance
from evalkit_scorers.text.exact_match import ExactMatch
from evalkit_scorers.text.normalized_match import NormalizedMatch
from evalkit_scorers.text.readability import Readability
from evalkit_scorers.text.regex import Regex
from evalkit_scorers.text.rouge import Rouge
from evalkit_scorers.text.ter import Ter
from evalkit_scorers.text.token_f1 import TokenF1


@hookimpl
def evalkit_scorers() -> tuple[Scorer, ...]:
    """Return every scorer that comes with evalkit, with its defaults."""
    scorers = (
        ExactMatch(),
        NormalizedMatch(),
        Contains(),
        Regex(),
        TokenF1(),
        Rouge(),
        Bleu(),
        Chrf(),
        Ter(),
        EditDistance(),
        Readability(),
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
        Mae(),
        Mape(),
        MaxError(),
        MedianAe(),
        Mse(),
        QuantileLoss(),
        R2(),
        Rmse(),
        Cost(),
        Latency(),
        OutputLength(),
        TimeToFirstToken(),
    )
    # One type checker takes no class variable for a property of a protocol; the others do.
    return cast("tuple[Scorer, ...]", scorers)


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the families whose scorers are made when asked for: any metric of scikit-learn."""
    return {PREFIX: sklearn_scorer}
