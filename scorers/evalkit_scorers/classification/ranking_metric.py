"""Areas under the curves of a ranking: ROC and precision-recall, of one class or over classes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

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

_PRIOR: Final = 0.4
"""Pseudo-information that a case of the smaller class answers as two trials; by simulation."""

_SPARE: Final = 3.0
"""Degrees of freedom of the variance beyond the cases of the smaller class; by simulation."""


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

    def spread(self, of_ties: FloatArray) -> FloatArray:
        """Return the number of its tie for each case as ordered: ``(T,)`` in, ``(n,)`` out."""
        return np.repeat(of_ties, np.diff(np.append(self.starts, len(self.events))))

    def given(self, ordered: FloatArray) -> FloatArray:
        """Return numbers of ordered cases in the order that these were given in."""
        if self.order is None:
            return ordered
        numbers = np.empty_like(ordered)
        numbers[self.order] = ordered
        return numbers


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


def average_precision(ranked: Ranked, weights: FloatArray, own: float = 0.0) -> FloatArray:
    """Return the mean precision over the positive cases, going down the ranking.

    Shape ``(d, n)`` in, ``(d,)`` out; NaN where no case is positive.  Each positive case counts
    itself among the hits, which makes few of them look better than they are: *own*, its share of
    all their weight, leaves it out, and counts the others for as much more.

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
    total = hits[:, -1:]
    others = np.maximum(hits - own * total, 0.0) / (1 - own) if own < 1 else hits
    precision = quotient(others, others + np.cumsum(negative, axis=1), 1.0)
    return quotient((positive * precision).sum(axis=1), total[:, 0])


def placements(ranked: Ranked, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the share of the other class that each case is on the right side of; ties half.

    Args:
        ranked: The cases.
        weights: Weight of each, shape ``(n,)``; of either class some.

    Returns:
        These shares, whose mean over either class is the area under the ROC curve, and the
        influence of each case on it: their sum of squares is DeLong's variance; shape ``(n,)``.

    References:
        DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44:837.
    """
    positive, negative = (part[0] for part in ranked.ties(weights[None]))
    below = negative.sum() - np.cumsum(negative) + negative / 2
    above = np.cumsum(positive) - positive / 2
    event, load = ranked.events == 1, ranked.ordered(weights[None])[0]
    shares = np.where(
        event, ranked.spread(below) / negative.sum(), ranked.spread(above) / positive.sum()
    )
    area = float(positive @ below) / float(positive.sum() * negative.sum())
    influence = load * (shares - area)
    for part in (event, ~event):
        worth = load[part].sum() ** 2 / (load[part] ** 2).sum()
        influence[part] *= np.sqrt(worth / max(1.0, worth - 1)) / load[part].sum()
    return ranked.given(shares), ranked.given(influence)


def precisions(ranked: Ranked, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the precision down to each case, and its influence on their mean over positive ones.

    Arguments and shapes are those of `placements`; the influence is what the mean changes by, to
    first order, as a case is weighted more.

    References:
        Jaeckel (1972), *The Infinitesimal Jackknife*, for the variance that it makes.
    """
    positive, negative = (part[0] for part in ranked.ties(weights[None]))
    hits = np.cumsum(positive)
    reached = hits + np.cumsum(negative)
    precision, share = quotient(hits, reached, 0.0), quotient(positive, reached, 0.0)
    later, lost = (np.cumsum(each[::-1])[::-1] for each in (share, share * precision))
    down, load = ranked.spread(precision), ranked.ordered(weights[None])[0]
    mean = float(positive @ precision) / hits[-1]
    influence = ranked.events * (down - mean + ranked.spread(later)) - ranked.spread(lost)
    worth = load.sum() ** 2 / (load**2).sum()
    influence *= load / hits[-1] * np.sqrt(worth / max(1.0, worth - 1))
    return ranked.given(down), ranked.given(influence)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the rankings that a metric averages: of a class against others."""

    ranked: Ranked
    cases: IntArray | None = None
    """Case of each that is ranked, shape ``(m,)``; all as they come if ``None``."""

    def weights(self, weights: FloatArray) -> FloatArray:
        """Return the weights of what is ranked: ``(d, n)`` in, ``(d, m)`` out."""
        return weights if self.cases is None else weights[:, self.cases]

    def counted(self, weights: FloatArray) -> FloatArray:
        """Return what makes the part weighty: its positive cases, or of two classes all."""
        ordered = self.ranked.ordered(self.weights(weights))
        return ordered * self.ranked.events if self.cases is None else ordered


class Terms(NamedTuple):
    """What each case adds to a metric."""

    value: float
    unbiased: float
    """The same, without what few cases add to it."""

    influence: FloatArray
    """What each case adds to the error, shape ``(n,)``; the root of the sum of squares is it."""

    values: list[FloatArray]
    """Of each part the mean's terms: share of the right order in front of, or behind, a case."""

    loads: list[FloatArray]
    """What each of these terms counts for; 1 together."""

    units: float
    """Cases, or groups, that the metric rests on."""


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
    variance: ClassVar[str] = "delong"
    """Name of the variance that `terms` gives."""

    def __post_init__(self) -> None:
        ProbabilityMetric.__post_init__(self)
        if self.average not in {"macro", "weighted", "micro"}:
            raise ValueError(f"average must be macro, weighted or micro, got {self.average!r}")

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        """Return the area of one class: ``(d, n)`` in, ``(d,)`` out, NaN where undefined."""
        raise NotImplementedError

    def terms(self, ranked: Ranked, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what the area of one class is the mean of over positive cases, and influences."""
        raise NotImplementedError

    def unbiased(self, ranked: Ranked, weights: FloatArray, worth: float) -> float:
        """Return the area without what *worth* positive cases, which are few, add to it."""
        del worth
        return float(self.area(ranked, weights[None])[0])

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

    def prepared(self, rows: Rows) -> list[Part] | None:
        """Return each class ranked; ``None`` where outputs disagree on the number of classes."""
        forecasts = Forecasts.of(rows)
        return None if forecasts is None else self.parts(forecasts)

    def parts(self, forecasts: Forecasts) -> list[Part]:
        """Return the rankings of each class against the rest, or all of these as one."""
        n, k = forecasts.scores.shape
        if self.average == "micro" and k > 1:
            together = Ranked.of(forecasts.scores.ravel(), forecasts.events.ravel())
            return [Part(together, np.repeat(np.arange(n), k))]
        columns = zip(forecasts.scores.T, forecasts.events.T, strict=True)
        return [Part(Ranked.of(scores, events)) for scores, events in columns]

    def of_weights(self, prepared: list[Part] | None, weights: FloatArray) -> FloatArray:
        if prepared is None:
            return np.full(len(weights), np.nan)
        each = np.stack([self.area(part.ranked, part.weights(weights)) for part in prepared], 1)
        load = None
        if self.average == "weighted":
            load = np.stack([part.counted(weights).sum(axis=1) for part in prepared], axis=1)
        return np.where(np.isnan(each).any(axis=1), np.nan, mean_of_classes(each, load))

    def all_terms(
        self, rows: Rows, weights: FloatArray | None, groups: ArrayLike | None
    ) -> Terms | None:
        """Return the terms of all classes together; ``None`` where the metric is undefined."""
        from evalkit.plugin import rate_trials  # start-up: statistics

        parts = self.prepared(rows) if len(rows) else None
        load = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        value = float("nan") if parts is None else float(self.of_weights(parts, load[None])[0])
        if parts is None or not np.isfinite(value):
            return None
        counted = [part.ranked.given(part.counted(load[None])[0]) for part in parts]
        totals = np.array([each.sum() if self.average == "weighted" else 1.0 for each in counted])
        codes = None if groups is None else np.unique(groups, return_inverse=True)[1]
        found = Terms(value, 0.0, np.zeros(len(rows)), [], [], 0.0)
        unbiased = inverse = 0.0
        for part, members, share in zip(parts, counted, totals / totals.sum(), strict=True):
            cases = np.arange(len(rows)) if part.cases is None else part.cases
            own, event = load[cases], part.ranked.given(part.ranked.events) == 1
            values, influence = self.terms(part.ranked, own)
            worth = np.inf
            for rest in (event, ~event) if self.undefined_without_negatives else (event,):
                some = np.unique(cases[rest & (own > 0)])
                within = None if codes is None else codes[some]
                trials = rate_trials(np.ones(len(some)), weights=load[some], groups=within)
                worth = min(worth, trials)
            mean = own[event] / own[event].sum()
            if self.average == "weighted":
                influence = influence + members / members.sum() * (values[event] @ mean - value)
            found.influence[:] += share * np.bincount(cases, influence, len(rows))
            found.values.append(values[event])
            found.loads.append(share * mean)
            unbiased += share * self.unbiased(part.ranked, own, worth)
            inverse += share**2 / worth
        influence = found.influence
        if codes is not None:
            sums = np.bincount(codes, influence)
            influence = sums * np.sqrt(len(sums) / max(1, len(sums) - 1))
        units = min(rate_trials(np.ones(len(rows)), weights=weights, groups=codes), 1 / inverse)
        return found._replace(unbiased=float(unbiased), influence=influence, units=float(units))

    def interval(
        self,
        rows: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> Interval | None:
        """Return an interval that rests on the cases of the smaller class, or of the positive one.

        Of several classes these add up.  ``None`` where the metric is undefined.
        """
        del seed  # nothing is drawn
        terms = self.all_terms(rows, weights, groups)
        return None if terms is None else self.limits(terms, level)

    def limits(self, terms: Terms, level: float) -> Interval:
        """Return the interval that is made of the terms."""
        raise NotImplementedError

    def difference(
        self,
        first: Rows,
        second: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
    ) -> tuple[Interval, float] | None:
        """Return interval and p-value of the difference of two areas on the same cases.

        ``None`` where one is undefined, or where the two know different classes.
        """
        from evalkit.plugin import share_difference  # start-up: statistics

        a, b = (self.all_terms(rows, weights, groups) for rows in (first, second))
        if a is None or b is None or list(map(len, a.values)) != list(map(len, b.values)):
            return None
        change = np.concatenate(a.values) - np.concatenate(b.values)
        load = np.concatenate(a.loads)
        return share_difference(
            float(load @ np.maximum(change, 0.0)),
            float(load @ np.maximum(-change, 0.0)),
            a.influence - b.influence,
            min(a.units, b.units),
            level=level,
            method=self.variance,
        )


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
    variance: ClassVar[str] = "jackknife"

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        return average_precision(ranked, weights)

    def terms(self, ranked: Ranked, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        return precisions(ranked, weights)

    def unbiased(self, ranked: Ranked, weights: FloatArray, worth: float) -> float:
        return float(average_precision(ranked, weights[None], own=1 / worth)[0])

    def limits(self, terms: Terms, level: float) -> Interval:
        """Return Wilson's limits of the value, widened to those without what it has of itself.

        References:
            Boyd, Eng and Page (2013), *ECML PKDD*, for intervals from the positive cases alone;
            coverage is printed by ``benchmarks/bench_coverage.py``.
        """
        from evalkit.plugin import Interval, share_interval, t_quantile  # start-up: statistics

        error = float(np.linalg.norm(terms.influence))
        z, method = t_quantile(level, max(1.0, terms.units - 1)), f"{self.variance}-wilson"
        plain, other = (
            share_interval(value, error, terms.units, prior=1.0, z=z, method=method)
            for value in (terms.value, terms.unbiased)
        )
        return Interval(min(plain.low, other.low), max(plain.high, other.high), method, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class RocAuc(RankingMetric):
    """Score all cases together with the area under the ROC curve, in [0, 1]; 0.5 is chance.

    It is the chance that a positive case is scored above a negative one.  More than two classes
    are compared one against the rest, or one with one (Hand and Till).  With one class only it is
    undefined.  The interval is made from DeLong's variance.

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

    def terms(self, ranked: Ranked, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        return placements(ranked, weights)

    def parts(self, forecasts: Forecasts) -> list[Part]:
        """Return the rankings of each class, or of each pair of classes by the score of either."""
        k = forecasts.scores.shape[1]
        if self.multi_class == "ovr" or k == 1:
            return RankingMetric.parts(self, forecasts)
        made = []
        for pair in combinations(range(k), 2):
            cases = np.flatnonzero(forecasts.events[:, pair].any(axis=1))
            for place in pair:
                scores, events = forecasts.scores[cases, place], forecasts.events[cases, place]
                made.append(Part(Ranked.of(scores, events), cases))
        return made

    def limits(self, terms: Terms, level: float) -> Interval:
        """Return Wilson's limits for as many trials as DeLong's variance is worth.

        That is shrunk to two trials a case of the smaller class, since a perfect ranking of few
        shows no variance: as many as scores that are exponential have near 1.

        References:
            Hanley and McNeil (1982), *Radiology* 143:29; Birnbaum and Klose (1957), *Annals of
            Mathematical Statistics* 28:933, for the bound of one trial a case; Obuchowski (1997),
            *Biometrics* 53:567, for grouped cases; coverage is printed by
            ``benchmarks/bench_coverage.py``.
        """
        from evalkit.plugin import share_interval, t_quantile  # start-up: statistics

        error = float(np.linalg.norm(terms.influence))
        z, method = t_quantile(level, terms.units + _SPARE), f"{self.variance}-wilson"
        return share_interval(
            terms.value, error, terms.units, prior=_PRIOR, worth=2.0, z=z, method=method
        )
