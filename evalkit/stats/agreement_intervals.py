"""Give intervals for the agreement of two raters, by resampling items or whole groups of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from evalkit.stats.agreement import contingency_table, label_gaps
from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample
from evalkit.stats.bootstrap import percentile_interval
from evalkit.stats.clustered import rate_trials
from evalkit.stats.correlations import Kind, coefficient
from evalkit.stats.interval import Interval, expanded_level
from evalkit.stats.resampling import bootstrap_totals, bootstrap_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_NOTHING: Final = 1e-12
FEWEST_GROUPS: Final = 10
"""Items, or groups of them, below which a bootstrap interval says nothing."""

Parts: TypeAlias = tuple[FloatArray, FloatArray]
"""Observed and expected agreement of each table, shape ``(draws,)`` both."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A coefficient with its interval."""

    value: float | None
    """The coefficient; ``None`` where it is undefined."""

    interval: Interval | None
    """``None`` where there are too few items, or nothing varies."""


def agreement_estimates(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    labels: Sequence[object],
    ordered: bool = False,
    values: Sequence[float] | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> dict[str, Measured]:
    """Return the coefficients of agreement of two raters, each with a bootstrap interval.

    What was never seen may happen, so each draw holds one more item (or what an item is worth, of
    groups), spread at random over each label's being agreed on and taken for another; else raters
    who agree on every item would leave nothing to vary.  Few items make the percentile interval too
    narrow, so its level is expanded.

    Args:
        a: Labels of the first rater, shape ``(n,)``.
        b: Labels of the second on the same items, shape ``(n,)``.
        labels: All labels that could occur, in their order; at least two.
        ordered: Whether the order means something; then weighted kappas are given too, and alpha
            is the ordinal one.
        values: Number of each label, between which the weighted kappas measure; their places where
            ``None``, which takes a step that nobody used for none.
        level: Confidence level as a fraction in (0, 1).
        draws: Bootstrap draws.
        seed: Seed of the generator; equal arguments give equal intervals.
        groups: Group of each item, shape ``(n,)``; whole groups are then resampled.

    Returns:
        ``kappa, ac1, alpha`` and, where *ordered*, ``weighted_kappa`` (quadratic) and
        ``linear_weighted_kappa``.

    Raises:
        ValueError: If lengths differ, there are no items, a label is unknown, there is only one, or
            *values* do not fit them.

    Examples:
        >>> found = agreement_estimates([1, 1, 0, 0] * 5, [1, 1, 0, 1] * 5, labels=[0, 1], seed=0)
        >>> round(found["kappa"].value, 3), found["kappa"].interval.method
        (0.5, 'percentile')

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 13; Hesterberg
        (2015), *The American Statistician* 69:371; Perks (1947), *Journal of the Institute of
        Actuaries* 73:285, for one item in all; the coefficients are those of `cohen_kappa`,
        `gwet_ac1` and `krippendorff_alpha`.
    """
    if len(labels) < 2:  # noqa: PLR2004
        raise ValueError("agreement needs at least two labels; give all that could occur")
    gap = label_gaps(len(labels), values)
    table = contingency_table(a, b, labels=labels)
    q, n = len(labels), int(table.sum())
    places = {label: place for place, label in enumerate(labels)}
    codes = np.array([places[x] for x in np.asarray(a).tolist()]) * q
    codes = codes + np.array([places[x] for x in np.asarray(b).tolist()])
    n_groups = n if groups is None else as_group_codes(groups, n)[1]
    drawn = None
    if n_groups >= FEWEST_GROUPS:
        cells = np.zeros((n, q * q))
        cells[np.arange(n), codes] = 1.0
        drawn = bootstrap_totals(cells, draws, seed=seed, groups=groups).reshape(-1, q, q)
        same = (codes // q == codes % q).astype(np.float64)
        drawn = drawn + _one_more(q, draws, seed) * (n / rate_trials(same, groups=groups))
    wide = expanded_level(level, n_groups) if drawn is not None else level
    return {
        name: _measured(parts, table, drawn, wide)
        for name, parts in _coefficients(gap, ordered=ordered).items()
    }


def _one_more(q: int, draws: int, seed: int) -> FloatArray:
    """Return tables that hold one item on average, shape ``(draws, q, q)``."""
    tables = np.zeros((draws, q, q))
    label = np.arange(q)
    rows, columns = np.r_[label, label], np.r_[label, (label + 1) % q]
    mass = np.random.default_rng([seed, 1]).gamma(1 / (2 * q), size=(draws, 2 * q))
    tables[:, rows, columns] = mass
    return tables


def correlation_estimate(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    kind: Kind,
    level: float = 0.95,
    draws: int = 1000,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> Measured:
    """Return a correlation over all items with a bootstrap interval.

    *a* and *b* are the raters' scores of the same items, shape ``(n,)``; *kind* is ``pearson``,
    ``spearman``, or ``kendall`` (tau-b); the rest is that of `agreement_estimates`.

    Returns:
        The correlation; without an interval where there are fewer than ten items or groups, or it
        is 1 or -1 in nearly every draw.

    Raises:
        ValueError: If lengths differ or values are not finite.

    Examples:
        >>> x = np.arange(20.0)
        >>> found = correlation_estimate(x, x + (-1) ** x, kind="spearman", seed=0)
        >>> found.interval.low < found.value < found.interval.high
        True

    References:
        Efron and Tibshirani (1993), chapter 13; pairs are resampled, ranks are taken anew.
    """
    first, second = as_sample(a, "a"), as_sample(b, "b")
    if first.size != second.size:
        raise ValueError(f"both raters must score the same items, got {first.size}, {second.size}")
    value = coefficient(first, second, kind)
    n_groups = first.size if groups is None else as_group_codes(groups, first.size)[1]
    if value is None or n_groups < FEWEST_GROUPS:
        return Measured(value, None)
    drawn = [
        coefficient(first.repeat(row), second.repeat(row), kind)
        for part in bootstrap_weights(first.size, draws, seed=seed, groups=groups)
        for row in part.astype(np.intp)
    ]
    values = np.array([np.nan if draw is None else draw for draw in drawn])
    if np.isfinite(values).sum() * 2 < draws or np.nanstd(values) < _NOTHING:
        return Measured(value, None)
    return Measured(
        value, percentile_interval(values, value, level=expanded_level(level, n_groups))
    )


def _coefficients(gap: FloatArray, *, ordered: bool) -> dict[str, Callable[[FloatArray], Parts]]:
    plain = np.eye(gap.shape[0])
    coefficients: dict[str, Callable[[FloatArray], Parts]] = {"kappa": lambda t: _kappa(t, plain)}
    if ordered:
        coefficients["weighted_kappa"] = lambda t: _kappa(t, np.asarray(1.0 - gap**2))
        coefficients["linear_weighted_kappa"] = lambda t: _kappa(t, np.asarray(1.0 - gap))
    coefficients["ac1"] = _ac1
    unlike = np.asarray(1.0 - plain)[None]
    coefficients["alpha"] = _ordinal_alpha if ordered else lambda t: _alpha(t, unlike)
    return coefficients


def _kappa(tables: FloatArray, credit: FloatArray) -> Parts:
    share = tables / tables.sum(axis=(1, 2), keepdims=True)
    rows, columns = share.sum(axis=2), share.sum(axis=1)
    observed = np.einsum("dij,ij->d", share, credit)
    return observed, np.einsum("di,ij,dj->d", rows, credit, columns)


def _ac1(tables: FloatArray) -> Parts:
    share = tables / tables.sum(axis=(1, 2), keepdims=True)
    prevalence = (share.sum(axis=1) + share.sum(axis=2)) / 2
    expected = (prevalence * (1 - prevalence)).sum(axis=1) / (share.shape[1] - 1)
    return np.trace(share, axis1=1, axis2=2), expected


def _ordinal_alpha(tables: FloatArray) -> Parts:
    sizes = tables.sum(axis=1) + tables.sum(axis=2)
    middle = np.cumsum(sizes, axis=1) - sizes / 2  # ranks, so that a step counts what lies on it
    gap = (middle[:, :, None] - middle[:, None, :]) ** 2
    most = gap.max(axis=(1, 2), keepdims=True)
    return _alpha(tables, gap / np.where(most > 0, most, 1.0))


def _alpha(tables: FloatArray, distance: FloatArray) -> Parts:
    pairs = tables + tables.transpose(0, 2, 1)
    sizes = pairs.sum(axis=2)
    total = sizes.sum(axis=1)
    apart = (pairs * distance).sum(axis=(1, 2)) / total
    chance = (sizes[:, :, None] * sizes[:, None, :] * distance).sum(axis=(1, 2))
    return 1 - apart, 1 - chance / (total * (total - 1))


def _measured(
    parts: Callable[[FloatArray], Parts], table: FloatArray, drawn: FloatArray | None, level: float
) -> Measured:
    (observed,), (expected,) = parts(table[None])
    if expected >= 1 - 1e-12:
        return Measured(None, None)
    value = float((observed - expected) / (1 - expected))
    # A rater of one label agrees as chance does, whoever the other is: no draw would stray from 0.
    constant = min((table.sum(axis=axis) > 0).sum() for axis in (0, 1)) < 2  # noqa: PLR2004
    if drawn is None or (constant and abs(observed - expected) < _NOTHING):
        return Measured(value, None)
    seen, chance = parts(drawn)
    defined = chance < 1 - 1e-12
    values = np.where(defined, (seen - chance) / np.where(defined, 1 - chance, 1.0), np.nan)
    return Measured(value, percentile_interval(values, value, level=level))
