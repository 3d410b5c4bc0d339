"""Measure agreement of raters on labels: Cohen's, weighted and Fleiss' kappa, Gwet's AC1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Weighting = Literal["linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A chance-corrected agreement with its parts."""

    value: float | None
    """The coefficient, at most 1; ``None`` where chance alone agrees always (one label only)."""

    standard_error: float | None
    """Large-sample standard error; ``None`` where there is none."""

    observed: float
    """Observed (weighted) agreement in [0, 1]."""

    expected: float
    """Agreement expected by chance in [0, 1]."""

    null_error: float | None = None
    """Standard error if there were no agreement beyond chance, for a test against 0."""


def contingency_table(
    a: npt.ArrayLike, b: npt.ArrayLike, *, labels: Sequence[object] | None = None
) -> FloatArray:
    """Count how often rater *a* said one label where rater *b* said another.

    Args:
        a: Labels of the first rater, shape ``(n,)``.
        b: Labels of the second on the same items, shape ``(n,)``.
        labels: All labels in their order; those that occur, sorted, where ``None``.

    Returns:
        Counts, shape ``(q, q)``; rows are *a*.

    Raises:
        ValueError: If the lengths differ, there are no items, or a label is not in *labels*.

    Examples:
        >>> contingency_table(["x", "y", "x"], ["x", "x", "x"])
        array([[2., 0.],
               [1., 0.]])
    """
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise ValueError(f"labels must pair up, got shapes {first.shape} and {second.shape}")
    joined = first.tolist() + second.tolist()
    order = list(labels) if labels is not None else sorted(set(joined))
    places = {label: place for place, label in enumerate(order)}
    unknown = next((label for label in joined if label not in places), None)
    if unknown is not None:
        raise ValueError(f"the label {unknown!r} is not among {order}")
    codes = np.array([places[label] for label in joined], dtype=np.int64)
    rows, columns = codes[: first.size], codes[first.size :]
    q = len(order)
    return np.bincount(rows * q + columns, minlength=q * q).reshape(q, q).astype(np.float64)


def cohen_kappa(
    table: npt.ArrayLike, *, weights: Weighting | None = None, values: Sequence[float] | None = None
) -> Agreement:
    """Return Cohen's kappa of two raters, plain or weighted for ordered labels.

    Args:
        table: Counts as of `contingency_table`, shape ``(q, q)``.
        weights: ``linear`` or ``quadratic`` penalties between ordered labels.
        values: Number of each label, between which *weights* measure; their places where ``None``.
            Give it where a step of the scale may have gone unused.

    Raises:
        ValueError: If *table* is not square or holds no counts, or *values* do not fit it.

    Examples:
        >>> round(cohen_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]]).value, 5)
        0.67647

    References:
        Cohen (1960), (1968); Fleiss, Cohen and Everitt (1969), *Psychological Bulletin* 72:323,
        for the errors; the example is Fleiss, Levin and Paik (2003), table 18.1.
    """
    share, n = _shares(table)
    q = share.shape[0]
    credit = _credit(q, weights, values)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed = float((credit * share).sum())
    expected = float((credit * np.outer(rows, columns)).sum())
    if expected >= 1 - 1e-12:
        return Agreement(None, None, observed, expected)
    kappa = (observed - expected) / (1 - expected)
    means = (credit @ columns)[:, None] + (rows @ credit)[None, :]
    spread = (share * (credit - means * (1 - kappa)) ** 2).sum()
    variance = spread - (kappa - expected * (1 - kappa)) ** 2
    null = (np.outer(rows, columns) * (credit - means) ** 2).sum() - expected**2
    scale = n * (1 - expected) ** 2
    return Agreement(
        kappa, _root(float(variance) / scale), observed, expected, _root(float(null) / scale)
    )


def gwet_ac1(table: npt.ArrayLike) -> Agreement:
    """Return Gwet's AC1 of two raters, which stays stable where one label prevails.

    Kappa can be near 0 although raters hardly ever differ; show both where prevalence exceeds
    0.8.

    Args:
        table: Counts as of `contingency_table`, shape ``(q, q)`` with ``q >= 2``.

    Raises:
        ValueError: If *table* is not square with two labels, or holds no counts.

    Examples:
        >>> round(gwet_ac1([[118, 5], [2, 0]]).value, 5)
        0.94078

    References:
        Gwet (2008), *British Journal of Mathematical and Statistical Psychology* 61:29.
    """
    share, n = _shares(table)
    q = share.shape[0]
    if q < 2:  # noqa: PLR2004
        raise ValueError("AC1 needs at least two labels; give all that could occur")
    prevalence = (share.sum(axis=0) + share.sum(axis=1)) / 2
    observed = float(np.trace(share))
    expected = float((prevalence * (1 - prevalence)).sum()) / (q - 1)
    gamma = (observed - expected) / (1 - expected)
    missed = float((np.diag(share) * (1 - prevalence)).sum()) / (q - 1)
    middle = 1 - (prevalence[:, None] + prevalence[None, :]) / 2
    squares = float((share * middle**2).sum()) / (q - 1) ** 2
    variance = (
        observed * (1 - observed)
        - 4 * (1 - gamma) * (missed - observed * expected)
        + 4 * (1 - gamma) ** 2 * (squares - expected**2)
    )
    error = _root(variance / (max(1.0, n - 1) * (1 - expected) ** 2))
    return Agreement(gamma, error, observed, expected)


def fleiss_kappa(counts: npt.ArrayLike) -> Agreement:
    """Return Fleiss' kappa of several raters.

    Args:
        counts: How many raters gave each item each label, shape ``(n, q)``; every row sums to the
            same number of raters, at least 2.

    Raises:
        ValueError: If the shape does not fit or rows have different numbers of raters; use
            `krippendorff_alpha` there.

    Examples:
        >>> fleiss_kappa([[2, 0], [0, 2], [1, 1]]).value
        0.33333333333333...

    References:
        Fleiss (1971), *Psychological Bulletin* 76:378; Fleiss, Nee and Landis (1979) for the
        error under no agreement.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] == 0:  # noqa: PLR2004
        raise ValueError(f"counts must have shape (n, q), got {table.shape}")
    raters = table.sum(axis=1)
    m, n = float(raters[0]), table.shape[0]
    if (raters != m).any() or m < 2:  # noqa: PLR2004
        raise ValueError("every item needs the same number of raters, at least 2")
    observed = float(((table**2).sum(axis=1) - m).mean() / (m * (m - 1)))
    share = table.sum(axis=0) / (n * m)
    expected = float((share**2).sum())
    if expected >= 1 - 1e-12:
        return Agreement(None, None, observed, expected)
    rest = share * (1 - share)
    top = 2 * (float(rest.sum()) ** 2 - float((rest * (1 - 2 * share)).sum()))
    null = math.sqrt(max(0.0, top / (n * m * (m - 1)))) / float(rest.sum())
    return Agreement((observed - expected) / (1 - expected), None, observed, expected, null)


def _shares(table: npt.ArrayLike) -> tuple[FloatArray, float]:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:  # noqa: PLR2004
        raise ValueError(f"the table must be square, got {counts.shape}")
    n = float(counts.sum())
    if not n > 0 or (counts < 0).any():
        raise ValueError("the table must hold counts, at least one")
    return counts / n, n


def label_gaps(q: int, values: Sequence[float] | None = None) -> FloatArray:
    """Return how far apart *q* ordered labels are, as shares of the widest gap, shape ``(q, q)``.

    Args:
        q: Labels, at least two.
        values: Number of each; their places where ``None``.

    Raises:
        ValueError: If *values* are not *q* finite numbers that differ.

    Examples:
        >>> label_gaps(3, [1, 2, 5]).tolist()
        [[0.0, 0.25, 1.0], [0.25, 0.0, 0.75], [1.0, 0.75, 0.0]]
    """
    scale = np.arange(q) if values is None else np.asarray(values)
    scale = scale.astype(np.float64)
    if scale.shape != (q,) or not np.isfinite(scale).all() or np.unique(scale).size < q:
        raise ValueError(f"values must be {q} different finite numbers, one a label, got {values}")
    return np.asarray(np.abs(np.subtract.outer(scale, scale)) / np.ptp(scale))


def _credit(q: int, weights: Weighting | None, values: Sequence[float] | None) -> FloatArray:
    if weights is None or q == 1:
        return np.eye(q)
    distance = label_gaps(q, values)
    return np.asarray(1.0 - (distance if weights == "linear" else distance**2))


def _root(variance: float) -> float:
    return math.sqrt(max(0.0, variance))
