"""Quantile (pinball) loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileLoss(ErrorMetric):
    """Score each case with the pinball loss, which a forecast of that quantile makes smallest.

    Too low a forecast costs `alpha` a unit, too high a one ``1 - alpha``.  In the target's unit.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 10}) for o in (8, 12)]
        >>> QuantileLoss(alpha=0.75).score_batch(CaseBatch.of(cases)).values.tolist()
        [1.5, 0.5]

    References:
        Koenker and Bassett (1978), *Econometrica* 46:33; scikit-learn,
        ``sklearn.metrics.mean_pinball_loss``.
    """

    name: str = "regression.quantile_loss"
    alpha: float = 0.5
    """Quantile that the outputs forecast, in [0, 1]; 0.5 is the median."""

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], got {self.alpha}")

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        above = target - output
        return np.maximum(self.alpha * above, (self.alpha - 1) * above)
