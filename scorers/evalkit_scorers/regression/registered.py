"""The scorers of this family."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.regression.mae import Mae
from evalkit_scorers.regression.mape import Mape
from evalkit_scorers.regression.max_error import MaxError
from evalkit_scorers.regression.median_ae import MedianAe
from evalkit_scorers.regression.mse import Mse
from evalkit_scorers.regression.quantile_loss import QuantileLoss
from evalkit_scorers.regression.r2 import R2
from evalkit_scorers.regression.rmse import Rmse


def scorers() -> tuple[Scorer, ...]:
    """Return one of each, with its defaults."""
    return (
        Mae(),
        Mape(),
        MaxError(),
        MedianAe(),
        Mse(),
        QuantileLoss(),
        R2(),
        Rmse(),
    )
