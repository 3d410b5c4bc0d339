"""Log loss: the surprise at the right label."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn
from evalkit_scorers.classification.probability_metric import ProbabilityMetric


def log_loss(probability: float) -> float:
    """Return minus the natural logarithm of the right label's probability, at least 0.

    Probabilities are kept 2.2e-16 away from 0 and 1, so that the loss is at most 36.04.

    Examples:
        >>> round(log_loss(0.5), 6), round(log_loss(0.0), 6)
        (0.693147, 36.043653)

    References:
        Good (1952), *Journal of the Royal Statistical Society B* 14:107; scikit-learn,
        ``sklearn.metrics.log_loss``, with the same limits.
    """
    step = sys.float_info.epsilon
    return -math.log(min(max(probability, step), 1 - step))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLoss(ProbabilityMetric):
    """Score each case with `log_loss`: how surprised the model is by the right label.

    A target that the output does not name has probability 0.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs={"a": 0.5, "b": 0.5}, expectations={"target": "a"})]
        >>> LogLoss().score_batch(CaseBatch.of(cases)).values.round(6).tolist()
        [0.693147]
    """

    name: str = "classification.log_loss"

    facts = MetricFacts(direction="lower", low=0.0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        forecasts, _, column = self.read(batch)
        losses = [
            math.nan if stated is None else log_loss(stated.of_target) for stated in forecasts
        ]
        column.values = np.array(losses, dtype=np.float64)
        return column
