"""The area under the receiver operating characteristic curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evalkit.plugin import Rows
from evalkit_scorers.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from evalkit_scorers.classification.averaging import mean_of_classes
from evalkit_scorers.classification.probabilities import Forecasts
from evalkit_scorers.classification.ranked import Ranked, area_under_roc
from evalkit_scorers.classification.ranking_metric import RankingMetric

if TYPE_CHECKING:
    from evalkit.plugin import Interval


@dataclass(frozen=True, slots=True)
class RankedPair:
    """Two classes among themselves: their cases, ranked by the score of either class."""

    cases: IntArray
    first: Ranked
    second: Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class RocAuc(RankingMetric):
    """Score all cases together with the area under the ROC curve, in [0, 1]; 0.5 is chance.

    It is the chance that a positive case is scored above a negative one.  More than two classes
    are compared one against the rest, or one with one (Hand and Till).  With one class only it is
    undefined.  The interval of two classes is DeLong's.

    Examples:
        >>> RocAuc().value([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75

    References:
        Hanley and McNeil (1982), *Radiology* 143:29; Hand and Till (2001), *Machine Learning*
        45:171; scikit-learn, ``sklearn.metrics.roc_auc_score``.
    """

    name: str = "classification.roc_auc"
    multi_class: Literal["ovr", "ovo"] = "ovr"
    """With more than two classes: each against the rest, or each pair among themselves."""

    def __post_init__(self) -> None:
        RankingMetric.__post_init__(self)
        if self.multi_class not in {"ovr", "ovo"}:
            raise ValueError(f"multi_class must be ovr or ovo, got {self.multi_class!r}")
        if self.multi_class == "ovo" and self.average == "micro":
            raise ValueError("average='micro' needs multi_class='ovr'")

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        return area_under_roc(ranked, weights)

    def prepared(self, rows: Rows) -> Any:
        """Return each class, or each pair of classes, ranked."""
        forecasts = Forecasts.of(rows)
        if self.multi_class == "ovr" or forecasts is None or forecasts.scores.shape[1] == 1:
            return RankingMetric.prepared(self, rows)
        places = range(forecasts.scores.shape[1])
        return [_pair(forecasts, *pair) for pair in combinations(places, 2)]

    def of_weights(self, prepared: Any, weights: FloatArray) -> FloatArray:
        if not isinstance(prepared, list):
            return RankingMetric.of_weights(self, prepared, weights)
        parts = [weights[:, pair.cases] for pair in prepared]
        areas = [
            (self.area(pair.first, part) + self.area(pair.second, part)) / 2
            for pair, part in zip(prepared, parts, strict=True)
        ]
        each = np.stack(areas, axis=1)
        load = np.stack([part.sum(axis=1) for part in parts], axis=1)
        mean = mean_of_classes(each, load if self.average == "weighted" else None)
        return np.where(np.isnan(each).any(axis=1), np.nan, mean)

    def interval(
        self,
        rows: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> Interval | None:
        """Return DeLong's interval of two classes without weights or groups; else ``None``.

        Where DeLong's variance is 0, as of a perfect ranking, or cannot be had, it is Wilson's
        interval with as many cases as the smaller class has: the variance of the area is never
        more than ``auc * (1 - auc)`` over that number.

        References:
            DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44:837; Birnbaum and Klose
            (1957), *Annals of Mathematical Statistics* 28:933, for the bound.
        """
        del seed  # nothing is drawn
        forecasts = Forecasts.of(rows) if len(rows) else None
        if weights is not None or groups is not None or forecasts is None:
            return None
        if forecasts.scores.shape[1] > 1:
            return None
        return _interval(forecasts.scores[:, 0], forecasts.events[:, 0], level)


def _pair(forecasts: Forecasts, first: int, second: int) -> RankedPair:
    cases = np.flatnonzero(forecasts.events[:, first] | forecasts.events[:, second])
    scores, events = forecasts.scores[cases], forecasts.events[cases]
    return RankedPair(
        cases,
        Ranked.of(scores[:, first], events[:, first]),
        Ranked.of(scores[:, second], events[:, second]),
    )


def _interval(scores: FloatArray, events: BoolArray, level: float) -> Interval | None:
    # start-up: statistics
    from evalkit.plugin import Interval, delong_auc, normal_quantile

    smaller = int(min(events.sum(), (~events).sum()))
    if not smaller:
        return None
    z = normal_quantile(level)
    if smaller > 1:
        area, variance = delong_auc(scores, events)
        if variance > 0:
            error = math.sqrt(variance)
            low, high = max(0.0, area - z * error), min(1.0, area + z * error)
            return Interval(low, high, "delong", error)
    area = float(area_under_roc(Ranked.of(scores, events), np.ones((1, len(scores))))[0])
    scale = 1 + z**2 / smaller
    centre = (area + z**2 / (2 * smaller)) / scale
    reach = z * math.sqrt(area * (1 - area) / smaller + z**2 / (4 * smaller**2)) / scale
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach), "wilson-bound")
