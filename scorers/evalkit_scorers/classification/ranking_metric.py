"""Areas under the curves of a ranking: ROC and precision-recall, of one class or over classes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np

from evalkit.plugin import CaseBatch, Rows, ScoreColumn
from evalkit_scorers.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from evalkit_scorers.classification.averaging import mean_of_classes
from evalkit_scorers.classification.confusion import quotient
from evalkit_scorers.classification.labels import in_order, listed_labels, positive_label
from evalkit_scorers.classification.probabilities import Forecasts, forecast_rows
from evalkit_scorers.classification.probability_metric import ProbabilityMetric
from evalkit_scorers.metric import SHARE, RowsMetric

if TYPE_CHECKING:
    from evalkit.plugin import Interval


_DRAWS: Final = 300
"""Bootstrap draws of a standard error."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Cases from the highest score to the lowest; equal scores stand together as one tie."""

    order: IntArray | None
    """Cases, best first, shape ``(n,)``; ``None`` where they stand so already."""

    starts: IntArray
    """Where each tie begins among the ordered cases, shape ``(T,)``."""

    events: FloatArray
    """1 for the cases, as ordered, that are positive, shape ``(n,)``."""

    @classmethod
    def of(cls, scores: FloatArray, events: BoolArray) -> Ranked:
        """Rank cases by *scores*; *events* says which are positive, shape ``(n,)`` each."""
        order = None
        if (scores[1:] > scores[:-1]).any():
            order = np.argsort(-scores, kind="stable")
            scores, events = scores[order], events[order]
        starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
        return cls(order, starts, events.astype(np.float64))

    def ordered(self, weights: FloatArray) -> FloatArray:
        """Return weights of cases, shape ``(d, n)``, best case first."""
        return weights if self.order is None else weights[:, self.order]

    def ties(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return positive and negative weight of each tie: ``(d, n)`` in, two of ``(d, T)`` out."""
        load = self.ordered(weights)
        positive = load * self.events
        negative = load - positive
        if len(self.starts) == len(self.events):  # no case ties with another
            return positive, negative
        positive = np.add.reduceat(positive, self.starts, axis=1)
        return positive, np.add.reduceat(negative, self.starts, axis=1)


def area_under_roc(ranked: Ranked, weights: FloatArray) -> FloatArray:
    """Return the chance that a positive case outranks a negative one, a tie counting half.

    Shape ``(d, n)`` in, ``(d,)`` out; NaN where a class is missing.

    Examples:
        >>> import numpy as np
        >>> ranked = Ranked.of(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]) == 1)
        >>> area_under_roc(ranked, np.ones((1, 4))).tolist()
        [0.75]

    References:
        Hanley and McNeil (1982), *Radiology* 143:29.
    """
    positive, negative = ranked.ties(weights)
    below = negative.sum(axis=1, keepdims=True) - np.cumsum(negative, axis=1) + negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.clip(quotient((positive * below).sum(axis=1), pairs), 0.0, 1.0)


def average_precision(ranked: Ranked, weights: FloatArray) -> FloatArray:
    """Return the mean precision over the positive cases, going down the ranking.

    Shape ``(d, n)`` in, ``(d,)`` out; NaN where no case is positive.

    Examples:
        >>> import numpy as np
        >>> ranked = Ranked.of(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]) == 1)
        >>> average_precision(ranked, np.ones((1, 4))).round(4).tolist()
        [0.8333]

    References:
        scikit-learn, ``sklearn.metrics.average_precision_score``: no interpolation.
    """
    positive, negative = ranked.ties(weights)
    hits = np.cumsum(positive, axis=1)
    precision = quotient(hits, hits + np.cumsum(negative, axis=1), 0.0)
    return quotient((positive * precision).sum(axis=1), hits[:, -1])


@dataclass(frozen=True, slots=True)
class RankedClasses:
    """Each class against the rest, and all of them put together."""

    classes: tuple[Ranked, ...]
    together: Ranked | None
    """Every pair of case and class as one ranking, for the micro average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMetric(ProbabilityMetric, RowsMetric):
    """An area under a curve of the ranking that scores give, of two classes or averaged over more.

    Outputs are read as `class_probabilities` reads them; any finite scores will do.  With more
    than two classes a class that is never (or always) right has no area, and the average none.
    """

    average: Literal["macro", "weighted", "micro"] = "macro"
    """How classes are averaged, where there are more than two; as in scikit-learn."""

    facts = SHARE
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations", "class_scores"})
    undefined_without_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ProbabilityMetric.__post_init__(self)
        if self.average not in {"macro", "weighted", "micro"}:
            raise ValueError(f"average must be macro, weighted or micro, got {self.average!r}")

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        """Return the area of one class: ``(d, n)`` in, ``(d,)`` out, NaN where undefined."""
        raise NotImplementedError

    def note(self, rows: Rows, weights: FloatArray | None = None, /) -> str | None:
        """Return which label is the positive one, and which is missing where there is no value."""
        del weights  # a label is missing or not, however much its cases weigh
        if not len(rows):
            return None
        forecasts = Forecasts.of(rows)
        if forecasts is None:
            return "undefined: some outputs have two classes and others more"
        if len(forecasts.classes) > 1:
            return self._of_several(forecasts)
        keys: list[str] = rows.columns["target"].tolist()
        events = forecasts.events[:, 0].tolist()
        positive = in_order(key for key, event in zip(keys, events, strict=True) if event)
        note = self._of_two(positive, in_order(set(keys).difference(positive)))
        bare = set(rows.columns["score"].tolist()) <= {0.0, 1.0}
        return f"{note}; outputs are all 0 or 1, as labels are, which rank little" if bare else note

    def _of_two(self, positive: tuple[str, ...], others: tuple[str, ...]) -> str:
        label = listed_labels(positive)
        if not positive:
            wanted = "" if self.pos_label is None else f", {self.pos_label!r}"
            return f"undefined: all cases are {listed_labels(others)}, none is positive{wanted}"
        if not others and self.undefined_without_negatives:
            return f"undefined: all cases are {label}, and a ranking needs others to compare with"
        if self.pos_label is not None or positive_label([*positive, *others]) is not None:
            return f"positive label {label}"
        return f"positive label {label}, the last in order; pos_label= takes another"

    def _of_several(self, forecasts: Forecasts) -> str:
        if self.average == "micro":
            return self.average
        right = forecasts.events.sum(axis=0)
        absent = [key for key, n in zip(forecasts.classes, right, strict=True) if n == 0]
        if absent:
            return f"undefined: no case is {listed_labels(absent)}"
        return self.average

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

    def two_classes(self, rows: Rows) -> Forecasts | None:
        """Return what was forecast where there are two classes; ``None`` elsewhere."""
        forecasts = Forecasts.of(rows) if len(rows) else None
        return None if forecasts is None or forecasts.scores.shape[1] > 1 else forecasts

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
    undefined_without_negatives: ClassVar[bool] = False

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        return average_precision(ranked, weights)

    def interval(
        self,
        rows: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> Interval | None:
        """Return an interval of two classes that rests on the positive cases; ``None`` of more.

        Its variance is that of bootstrap draws that hold a positive case, shrunk to the bound that
        the number of positive cases gives.

        References:
            Boyd, Eng and Page (2013), *ECML PKDD*, for intervals from the positive cases alone;
            coverage is printed by ``benchmarks/bench_coverage.py``.
        """
        from evalkit.plugin import rate_trials, share_interval, t_quantile  # start-up: statistics

        forecasts = self.two_classes(rows)
        positive = None if forecasts is None else np.flatnonzero(forecasts.events[:, 0])
        if positive is None or len(positive) == 0:
            return None
        units = rate_trials(
            np.ones(len(positive)),
            weights=None if weights is None else weights[positive],
            groups=None if groups is None else np.asarray(groups)[positive],
        )
        draws = self.draws(rows, weights, _DRAWS, seed, groups)
        error = float(np.nanstd(draws))
        reach = t_quantile(level, max(1.0, units - 1))
        return share_interval(
            self.compute(rows, weights), error, units, prior=1.0, z=reach, method="bootstrap-wilson"
        )


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
    undefined.  The interval of two classes is made from DeLong's variance.

    Examples:
        >>> RocAuc().value([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75

    References:
        Hanley and McNeil (1982), *Radiology* 143:29; Hand and Till (2001), *Machine Learning*
        45:171; scikit-learn, ``sklearn.metrics.roc_auc_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.roc_auc:RocAuc"
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
        """Return `auc_interval` of two classes; ``None`` of more."""
        from evalkit.plugin import auc_interval  # start-up: statistics

        del seed  # nothing is drawn
        forecasts = self.two_classes(rows)
        if forecasts is None:
            return None
        scores, events = forecasts.scores[:, 0], forecasts.events[:, 0]
        return auc_interval(scores, events, level=level, weights=weights, groups=groups)

    def difference(
        self,
        first: Rows,
        second: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
    ) -> tuple[Interval, float] | None:
        """Return DeLong's interval and p-value of the difference of two areas on the same cases.

        ``None`` with weights, groups or more than two classes, and where the variance is 0 or
        cannot be had.

        References:
            DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44:837.
        """
        # start-up: statistics
        from evalkit.plugin import Interval, delong_difference

        both = [Forecasts.of(rows) if len(rows) else None for rows in (first, second)]
        if weights is not None or groups is not None:
            return None
        if any(each is None or each.scores.shape[1] > 1 for each in both):
            return None
        a, b = (each.scores[:, 0] for each in both if each is not None)
        events = first.columns["event"] > 0
        if min(events.sum(), (~events).sum()) < 2:  # noqa: PLR2004
            return None
        areas = delong_difference(a, b, events, level=level)
        if areas.standard_error == 0:
            return None
        low, high = max(-1.0, areas.low), min(1.0, areas.high)
        return Interval(low, high, "delong", areas.standard_error), areas.p_value


def _pair(forecasts: Forecasts, first: int, second: int) -> RankedPair:
    cases = np.flatnonzero(forecasts.events[:, first] | forecasts.events[:, second])
    scores, events = forecasts.scores[cases], forecasts.events[cases]
    return RankedPair(
        cases,
        Ranked.of(scores[:, first], events[:, first]),
        Ranked.of(scores[:, second], events[:, second]),
    )
