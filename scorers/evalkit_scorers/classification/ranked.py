"""Cases ranked by a score, and areas under the curves of their ranking, for many weightings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit_scorers.arrays import BoolArray, FloatArray, IntArray
from evalkit_scorers.classification.confusion import quotient


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
