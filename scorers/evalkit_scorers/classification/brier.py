"""Brier score: the squared error of probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn
from evalkit_scorers.classification.probabilities import ClassProbabilities
from evalkit_scorers.classification.probability_metric import ProbabilityMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Brier(ProbabilityMetric):
    """Score each case with the squared distance of the stated probabilities from what was right.

    In [0, 1] for two classes and in [0, 2] for more, unless `scale_by_half` says otherwise.

    Examples:
        >>> from evalkit.plugin import Case
        >>> outputs = [0.75, {"0": 0.25, "1": 0.75}, {"0": 0.25, "1": 0.5, "2": 0.25}]
        >>> cases = [Case(outputs=output, expectations={"target": 1}) for output in outputs]
        >>> Brier().score_batch(CaseBatch.of(cases)).values.tolist()
        [0.0625, 0.0625, 0.375]

    References:
        Brier (1950), *Monthly Weather Review* 78:1; scikit-learn,
        ``sklearn.metrics.brier_score_loss``.
    """

    name: str = "classification.brier"
    scale_by_half: bool | None = None
    """Halve the sum over classes; if ``None`` with two classes only, which gives (p - y)²."""

    @property
    def facts(self) -> MetricFacts:
        """Lower is better; at most 2, or 1 where halved."""
        return MetricFacts(direction="lower", low=0.0, high=1.0 if self.scale_by_half else 2.0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        forecasts, _, column = self.read(batch)
        column.values = np.array(
            [math.nan if stated is None else self._distance(stated) for stated in forecasts],
            dtype=np.float64,
        )
        return column

    def _distance(self, stated: ClassProbabilities) -> float:
        unknown = float(stated.right < 0)  # the right class is none of the stated ones
        squares = sum(
            (share - (place == stated.right)) ** 2 for place, share in enumerate(stated.shares)
        )
        halve = len(stated.shares) < 3 if self.scale_by_half is None else self.scale_by_half  # noqa: PLR2004
        return (squares + unknown) / (2 if halve else 1)
