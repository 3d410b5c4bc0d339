"""Give the variance of the area under ROC curves, alone and in pairs, after DeLong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, check_level
from evalkit.stats.binomial import score_limits
from evalkit.stats.interval import Interval, normal_quantile
from evalkit.stats.mean import effective_trials

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Compare two areas under the ROC curve on the same cases."""

    difference: float
    """First area minus second."""

    low: float
    """Lower limit of the difference."""

    high: float
    """Upper limit of the difference."""

    standard_error: float
    """Standard error of the difference, its correlation taken into account."""

    p_value: float
    """Two-sided p-value of equal areas; 1 where the two agree exactly."""


def delong_auc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[float, float]:
    """Return the area under the ROC curve and DeLong's variance of it.

    Args:
        scores: Scores, shape ``(n,)``; higher means more likely positive.  Ties count half.
        labels: True or 1 for positive cases, shape ``(n,)``; both classes must occur.

    Returns:
        ``(auc, variance)``.  The variance is 0 where the classes are separated perfectly: use a
        bootstrap or a score interval there.

    Raises:
        ValueError: If the shapes differ, or a class has fewer than two cases.

    Examples:
        >>> auc, variance = delong_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        >>> auc, round(variance, 4)
        (0.75, 0.125)

    References:
        DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44:837; Sun and Xu (2014), *IEEE
        Signal Processing Letters* 21:1389, for the midranks that make it O(n log n).
    """
    areas, covariance = _components([as_sample(scores, "scores")], labels)
    return float(areas[0]), float(covariance[0, 0])


def share_interval(
    value: float,
    error: float,
    units: float,
    *,
    prior: float,
    z: float,
    method: str,
    worth: float = 1.0,
) -> Interval:
    """Return Wilson's interval of a number in [0, 1] that rests on *units* cases.

    Its standard error tells how many trials it is worth, but those of few cases are shrunk to
    *worth* times their number (`effective_trials`), and are never fewer than these.

    Examples:
        >>> share_interval(1.0, 0.0, 4, prior=0.1, z=1.96, method="wilson").low
        0.51...
    """
    share = min(1.0, max(0.0, value))
    trials = effective_trials(share * (1 - share), error, worth * units, prior)
    low, high = score_limits(share, max(units, trials), z)
    return Interval(low, high, method, error)


def delong_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, labels: npt.ArrayLike, *, level: float = 0.95
) -> AucDifference:
    """Compare two areas under the ROC curve measured on the same cases.

    Args:
        first: Scores of the first system, shape ``(n,)``.
        second: Scores of the second system, shape ``(n,)``.
        labels: True or 1 for positive cases, shape ``(n,)``.
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If the shapes differ, or a class has fewer than two cases.

    Examples:
        >>> truth = [0, 0, 1, 1, 1, 0]
        >>> found = delong_difference([1, 2, 3, 4, 5, 3], [2, 1, 3, 1, 4, 2], truth)
        >>> round(found.difference, 4)
        0.2222

    References:
        DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44:837; Sun and Xu (2014).
    """
    from scipy.special import ndtr

    check_level(level)
    pair = [as_sample(first, "first"), as_sample(second, "second")]
    areas, covariance = _components(pair, labels)
    difference = float(areas[0] - areas[1])
    contrast = np.array([1.0, -1.0])
    error = math.sqrt(max(0.0, float(contrast @ covariance @ contrast)))
    reach = normal_quantile(level) * error
    if error > 0:
        p_value = float(2 * ndtr(-abs(difference) / error))
    else:
        p_value = 1.0 if difference == 0 else 0.0
    return AucDifference(difference, difference - reach, difference + reach, error, p_value)


def _components(scores: list[FloatArray], labels: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    positive = np.asarray(labels).astype(bool)
    if any(column.shape != positive.shape for column in scores):
        raise ValueError("scores and labels must have the same shape (n,)")
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:  # noqa: PLR2004
        raise ValueError(f"each class needs two cases, got {m} positive and {n} negative")
    of_positives = np.empty((len(scores), m))
    of_negatives = np.empty((len(scores), n))
    for row, column in enumerate(scores):
        ranks = midranks(column)
        of_positives[row] = (ranks[positive] - midranks(column[positive])) / n
        of_negatives[row] = 1 - (ranks[~positive] - midranks(column[~positive])) / m
    covariance = np.cov(of_positives) / m + np.cov(of_negatives) / n
    return of_positives.mean(axis=1), np.atleast_2d(covariance)


def midranks(values: FloatArray) -> FloatArray:
    """Return ranks from 1, ties sharing the mean of theirs.

    Examples:
        >>> midranks(np.array([10.0, 20.0, 10.0]))
        array([1.5, 3. , 1.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse.reshape(-1)])
