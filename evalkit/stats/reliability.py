"""Measure how reliable ratings are: Krippendorff's alpha and intraclass correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray
from evalkit.stats.bootstrap import percentile_interval
from evalkit.stats.resampling import bootstrap_totals

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.stats.interval import Interval

Scale = Literal["nominal", "ordinal", "interval", "ratio"]


def krippendorff_alpha(ratings: npt.ArrayLike, *, scale: Scale = "nominal") -> float | None:
    """Return Krippendorff's alpha of any number of raters, with missing ratings allowed.

    Args:
        ratings: Ratings as numbers, shape ``(raters, items)``; NaN where a rater gave none.
        scale: What differences between ratings mean.

    Returns:
        Alpha, at most 1, 0 for agreement by chance; ``None`` where only one value occurs or no
        item has two ratings.

    Raises:
        ValueError: If *ratings* is not two-dimensional, or a ratio scale has negative values.

    Examples:
        >>> krippendorff_alpha([[1, 2, 3, 1], [1, 2, 3, 3]])
        0.666...

    References:
        Krippendorff (2011), *Computing Krippendorff's Alpha-Reliability*.
    """
    values, pairs = _coincidences(ratings, scale)
    return _alpha(pairs.sum(axis=0), values, scale)


def krippendorff_interval(
    ratings: npt.ArrayLike,
    *,
    scale: Scale = "nominal",
    level: float = 0.95,
    draws: int = 2_000,
    seed: int = 0,
) -> Interval | None:
    """Return a bootstrap interval of Krippendorff's alpha, resampling items.

    Args:
        ratings: Ratings as numbers, shape ``(raters, items)``; NaN where a rater gave none.
        scale: What differences between ratings mean.
        level: Confidence level as a fraction in (0, 1).
        draws: Bootstrap draws.
        seed: Seed of the generator.

    Returns:
        The interval; ``None`` where alpha is undefined.

    Raises:
        ValueError: As `krippendorff_alpha`.

    Examples:
        >>> found = krippendorff_interval([[1, 2, 3, 1, 2], [1, 2, 3, 3, 2]])
        >>> found.low < 0.7 < found.high
        True

    References:
        Efron and Tibshirani (1993), chapter 13; items, not pairs of ratings, are resampled.
    """
    values, pairs = _coincidences(ratings, scale)
    estimate = _alpha(pairs.sum(axis=0), values, scale)
    if estimate is None:
        return None
    totals = bootstrap_totals(pairs, draws, seed=seed)
    alphas = [_alpha(row, values, scale) for row in totals]
    return percentile_interval(
        [np.nan if alpha is None else alpha for alpha in alphas], estimate, level=level
    )


def _coincidences(ratings: npt.ArrayLike, scale: Scale) -> tuple[FloatArray, FloatArray]:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:  # noqa: PLR2004
        raise ValueError(f"ratings must have shape (raters, items), got {table.shape}")
    if scale == "ratio" and (table < 0).any():
        raise ValueError("ratings on a ratio scale must not be negative")
    values = np.unique(table[~np.isnan(table)])
    counts = (table[:, :, None] == values).sum(axis=0).astype(np.float64)  # items x values
    counts = counts[counts.sum(axis=1) >= 2]  # noqa: PLR2004  a single rating has no pair
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(values.size)
    pairs /= (counts.sum(axis=1) - 1)[:, None, None]
    return values, pairs.reshape(len(counts), values.size**2)


def _alpha(coincidences: FloatArray, values: FloatArray, scale: Scale) -> float | None:
    q = values.size
    pairs = coincidences.reshape(q, q)
    sizes = pairs.sum(axis=1)
    total = float(sizes.sum())
    if total == 0:
        return None
    distance = _distances(values, sizes, scale)
    expected = float((np.outer(sizes, sizes) * distance).sum()) / (total - 1)
    if expected <= 0:
        return None
    return 1 - float((pairs * distance).sum()) / expected


def _distances(values: FloatArray, sizes: FloatArray, scale: Scale) -> FloatArray:
    if scale == "nominal":
        return 1.0 - np.eye(values.size)
    if scale == "ordinal":
        middle = np.cumsum(sizes) - sizes / 2  # ranks, so that a step counts what lies on it
        return np.asarray(np.subtract.outer(middle, middle) ** 2)
    gap = np.subtract.outer(values, values) ** 2
    if scale == "interval":
        return np.asarray(gap)
    total = np.add.outer(values, values)
    return np.asarray(gap / np.where(total == 0, 1.0, total) ** 2)


@dataclass(frozen=True, slots=True)
class IntraclassCorrelations:
    """The six intraclass correlations of Shrout and Fleiss."""

    single_random_raters_per_item: float
    """ICC(1,1): other raters for each item."""

    single_agreement: float
    """ICC(2,1): raters are a sample of many; their levels must agree."""

    single_consistency: float
    """ICC(3,1): these raters only; their levels may differ."""

    average_random_raters_per_item: float
    """ICC(1,k): the same for the mean of the k raters."""

    average_agreement: float
    """ICC(2,k)."""

    average_consistency: float
    """ICC(3,k), which is Cronbach's alpha."""


def intraclass_correlations(ratings: npt.ArrayLike) -> IntraclassCorrelations:
    """Return the intraclass correlations of a complete table of ratings.

    Args:
        ratings: Ratings, shape ``(items, raters)`` with at least 2 of each; finite.

    Returns:
        All six forms; NaN where ratings do not vary at all.

    Raises:
        ValueError: If the shape does not fit or a rating is missing.

    Examples:
        >>> found = intraclass_correlations([[9, 2], [6, 1], [8, 4], [7, 1]])
        >>> round(found.single_consistency, 3)
        0.545

    References:
        Shrout and Fleiss (1979), *Psychological Bulletin* 86:420.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:  # noqa: PLR2004
        raise ValueError(f"ratings must have shape (items >= 2, raters >= 2), got {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("ratings must be complete; use krippendorff_alpha with missing ones")
    n, k = table.shape
    between = k * float(table.mean(axis=1).var(ddof=1))
    within = float(table.var(axis=1, ddof=1).mean())
    raters = n * float(table.mean(axis=0).var(ddof=1))
    error = (within * n * (k - 1) - raters * (k - 1)) / ((n - 1) * (k - 1))

    def ratio(top: float, bottom: float) -> float:
        return top / bottom if bottom != 0 else float("nan")

    return IntraclassCorrelations(
        ratio(between - within, between + (k - 1) * within),
        ratio(between - error, between + (k - 1) * error + k * (raters - error) / n),
        ratio(between - error, between + (k - 1) * error),
        ratio(between - within, between),
        ratio(between - error, between + (raters - error) / n),
        ratio(between - error, between),
    )
