"""What the metrics of a ranking share, and average precision; averages over classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalkit.plugin import CaseBatch, Rows, ScoreColumn
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.classification.averaging import mean_of_classes
from evalkit_scorers.classification.probabilities import Forecasts, forecast_rows
from evalkit_scorers.classification.probability_metric import ProbabilityMetric
from evalkit_scorers.classification.ranked import Ranked, average_precision
from evalkit_scorers.metric import SHARE, RowsMetric


@dataclass(frozen=True, slots=True)
class RankedClasses:
    """Each class against the rest, and all of them put together."""

    classes: tuple[Ranked, ...]
    together: Ranked | None
    """Every pair of case and class as one ranking, for the micro average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMetric(RowsMetric, ProbabilityMetric):
    """An area under a curve of the ranking that scores give, of two classes or averaged over more.

    Outputs are read as `class_probabilities` reads them; any finite scores will do.  With more
    than two classes a class that is never (or always) right has no area, and the average none.
    """

    average: Literal["macro", "weighted", "micro"] = "macro"
    """How classes are averaged, where there are more than two; as in scikit-learn."""

    facts = SHARE
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations", "probabilities"})

    def __post_init__(self) -> None:
        ProbabilityMetric.__post_init__(self)
        if self.average not in {"macro", "weighted", "micro"}:
            raise ValueError(f"average must be macro, weighted or micro, got {self.average!r}")

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        """Return the area of one class: ``(d, n)`` in, ``(d,)`` out, NaN where undefined."""
        raise NotImplementedError

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are scores and events."""
        forecasts, keys, column = self.read(batch, scores=True)
        column.statistics = forecast_rows(forecasts, keys)
        return column

    def order(self, rows: Rows) -> IntArray | None:
        """Return the order of the positive class's scores, highest first; of two classes only."""
        if any(rows.columns["probabilities"].tolist()):
            return None
        return np.argsort(-rows.columns["score"], kind="stable")

    def prepared(self, rows: Rows) -> Any:
        """Return each class ranked; ``None`` where outputs disagree on the number of classes."""
        forecasts = Forecasts.of(rows)
        if forecasts is None:
            return None
        columns = zip(forecasts.scores.T, forecasts.events.T, strict=True)
        ranked = tuple(Ranked.of(scores, events) for scores, events in columns)
        together = None
        if self.average == "micro" and len(ranked) > 1:
            together = Ranked.of(forecasts.scores.ravel(), forecasts.events.ravel())
        return RankedClasses(ranked, together)

    def of_weights(self, prepared: Any, weights: FloatArray) -> FloatArray:
        if prepared is None:
            return np.full(len(weights), np.nan)
        if len(prepared.classes) == 1:
            return self.area(prepared.classes[0], weights)
        if prepared.together is not None:
            return self.area(prepared.together, np.repeat(weights, len(prepared.classes), axis=1))
        each = np.stack([self.area(ranked, weights) for ranked in prepared.classes], axis=1)
        load = None
        if self.average == "weighted":
            load = np.stack([c.ordered(weights) @ c.events for c in prepared.classes], axis=1)
        return np.where(np.isnan(each).any(axis=1), np.nan, mean_of_classes(each, load))


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePrecision(RankingMetric):
    """Score all cases together with the average precision of the positive class, in [0, 1].

    Without a positive case it is undefined.

    Examples:
        >>> round(AveragePrecision().value([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333

    References:
        scikit-learn, ``sklearn.metrics.average_precision_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.average_precision:AveragePrecision"
    name: str = "classification.average_precision"

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        return average_precision(ranked, weights)
