"""Correct a judge's mean with a few human labels: PPI, PPI++ and Rogan-Gladen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample
from evalkit.stats.interval import normal_quantile, t_quantile
from evalkit.stats.resampling import sum_by_group

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY_LABELS = 100
"""Labels, or groups of them, from which the normal quantile is as good as Student's."""

_LEAST_SKILL = 1.2
"""Sensitivity plus specificity below which a judge is too close to guessing to be inverted."""


@dataclass(frozen=True, slots=True)
class CorrectedMean:
    """A mean of human labels, estimated with a judge's help."""

    value: float
    """Estimated mean human label."""

    low: float
    """Lower limit."""

    high: float
    """Upper limit."""

    standard_error: float
    """Standard error of the value."""

    power_tuning: float
    """Weight of the judge, lambda: 0 is the labelled cases alone, 1 is plain PPI."""

    effective_labels: float
    """How many human labels alone would be as exact."""

    correlation: float | None
    """Correlation of judge and human on the labelled cases."""


def prediction_powered_mean(
    labels: npt.ArrayLike,
    judged_labelled: npt.ArrayLike,
    judged_unlabelled: npt.ArrayLike,
    *,
    level: float = 0.95,
    power_tuning: float | None = None,
    groups_labelled: npt.ArrayLike | None = None,
    groups_unlabelled: npt.ArrayLike | None = None,
) -> CorrectedMean:
    """Estimate the mean human label from few labels and many judgements (PPI++).

    The labelled cases must be a random sample of the same population.  With the best weight of the
    judge, the default, it is asymptotically never worse than the labels alone.

    Args:
        labels: Human labels, shape ``(n,)`` with ``n >= 2``.
        judged_labelled: The judge on the same cases, shape ``(n,)``.
        judged_unlabelled: The judge on the other cases, shape ``(N,)`` with ``N >= 1``.
        level: Confidence level as a fraction in (0, 1).
        power_tuning: Weight of the judge; 1 for plain PPI, 0 for labels alone, ``None`` for the
            best.
        groups_labelled: Group of each labelled case, for a cluster-robust error.
        groups_unlabelled: Group of each unlabelled case.

    Raises:
        ValueError: If shapes do not fit or a value is not finite.

    Examples:
        >>> found = prediction_powered_mean([1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 1, 0, 1])
        >>> found.low < found.value < found.high
        True

    References:
        Angelopoulos et al. (2023), *Science* 382:669; Angelopoulos, Duchi and Zrnic (2023),
        *PPI++*, arXiv 2311.01453; Satterthwaite (1946), *Biometrics Bulletin* 2:110, for the
        degrees of freedom of few labels.
    """
    y, f = as_sample(labels, "labels"), as_sample(judged_labelled, "judged_labelled")
    rest = as_sample(judged_unlabelled, "judged_unlabelled")
    if y.size != f.size or y.size < 2:  # noqa: PLR2004
        raise ValueError(f"labels need a judgement each, and two cases, got {y.size} and {f.size}")
    n, more = y.size, rest.size
    pooled = float(np.concatenate([f, rest]).var(ddof=1))
    covariance = float(((y - y.mean()) * (f - f.mean())).mean())
    weight = power_tuning
    if weight is None:
        weight = covariance / ((1 + n / more) * pooled) if pooled > 0 else 0.0
    corrected = y - weight * f
    value = weight * float(rest.mean()) + float(corrected.mean())
    parts = (
        weight**2 * _variance_of_mean(rest, groups_unlabelled),
        _variance_of_mean(corrected, groups_labelled),
    )
    variance = sum(parts)
    error = math.sqrt(variance)
    units = [_units(more, groups_unlabelled) - 1, _units(n, groups_labelled) - 1]
    reach = normal_quantile(level) * error
    if units[1] < _MANY_LABELS:
        reach = _reach(parts, units, level, fitted=power_tuning is None)
    alone = _variance_of_mean(y, groups_labelled)
    deviations = float(y.std() * f.std())
    shared = covariance / deviations if deviations > 0 else None
    worth = n * alone / variance if variance > 0 else float(n)
    if power_tuning is None and groups_labelled is None and groups_unlabelled is None:
        left = 1 - (shared or 0.0) ** 2 * more / (more + n)  # the ratio's limit, free of noise
        worth = n / left
    return CorrectedMean(value, value - reach, value + reach, error, weight, worth, shared)


def _units(n: int, groups: npt.ArrayLike | None) -> int:
    return n if groups is None else as_group_codes(groups, n)[1]


def _reach(parts: tuple[float, float], degrees: list[int], level: float, *, fitted: bool) -> float:
    """Return how far the limits are, by Student's t for the variances of rest and labels.

    The judge's weight, where it is fitted to the labels, costs them a degree of freedom.
    """
    rest, labels = parts
    if fitted and degrees[1] > 1:
        labels *= degrees[1] / (degrees[1] - 1)
        degrees = [degrees[0], degrees[1] - 1]
    total = rest + labels
    if total <= 0:
        return 0.0
    loss = sum(
        (part / total) ** 2 / max(1, df) for part, df in zip((rest, labels), degrees, strict=True)
    )
    return t_quantile(level, max(1.0, 1 / loss)) * math.sqrt(total)


def _variance_of_mean(values: FloatArray, groups: npt.ArrayLike | None) -> float:
    if groups is None:
        return float(values.var()) / values.size
    codes, n_groups = as_group_codes(groups, values.size)
    sums = sum_by_group((values - values.mean())[:, None], codes, n_groups)
    return float((sums**2).sum()) * n_groups / max(1, n_groups - 1) / values.size**2


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """A true rate, estimated from a judge's rate and the judge's known error."""

    value: float
    """Estimated true rate in [0, 1]."""

    low: float
    """Lower limit, after Lang and Reiczigel."""

    high: float
    """Upper limit, after Lang and Reiczigel."""

    standard_error: float
    """Standard error of the value by the delta method."""


def rogan_gladen(
    judged_rate: float,
    n: float,
    *,
    sensitivity: float,
    positives: float,
    specificity: float,
    negatives: float,
    level: float = 0.95,
) -> CorrectedRate:
    """Estimate a true rate from a judge's rate and its measured sensitivity and specificity.

    Robust to a shift of the rate between calibration and use, not to a shift of the judge.

    Args:
        judged_rate: Share of cases that the judge called positive, in [0, 1].
        n: Number of judged cases; where they come in groups, what `rate_trials` says they are
            worth, and so for *positives* and *negatives*.
        sensitivity: Share of truly positive calibration cases that the judge called positive.
        positives: Number of those.
        specificity: Share of truly negative calibration cases that the judge called negative.
        negatives: Number of those.
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If a share is outside [0, 1], a number below 1, or the judge is hardly better
            than guessing (sensitivity + specificity < 1.2).

    Examples:
        >>> found = rogan_gladen(
        ...     0.6, 1000, sensitivity=0.9, positives=200, specificity=0.8, negatives=200
        ... )
        >>> round(found.value, 6), round(found.low, 5), round(found.high, 5)
        (0.571429, 0.50619, 0.63722)

    References:
        Rogan and Gladen (1978), *American Journal of Epidemiology* 107:71; Lang and Reiczigel
        (2014), *Preventive Veterinary Medicine* 113:13; Lee et al. (2025), arXiv 2511.21140.
    """
    shares = (judged_rate, sensitivity, specificity)
    if not all(0 <= share <= 1 for share in shares) or min(n, positives, negatives) < 1:
        raise ValueError("shares must lie in [0, 1], and every number be at least 1")
    if sensitivity + specificity < _LEAST_SKILL:
        raise ValueError(
            f"sensitivity + specificity is {sensitivity + specificity:.3f}; below {_LEAST_SKILL} "
            "the judge is too close to guessing to correct for"
        )
    skill, numbers = (float(sensitivity), float(specificity)), (positives, negatives)
    value, error = _true_rate(float(judged_rate), n, skill, numbers)
    low, high = _lang_reiczigel(float(judged_rate), n, skill, numbers, normal_quantile(level))
    clipped = min(1.0, max(0.0, value))
    return CorrectedRate(clipped, min(low, clipped), max(high, clipped), error)


_Pair: TypeAlias = tuple[float, float]
"""Of truly positive cases and of truly negative ones."""


def _true_rate(rate: float, n: float, skill: _Pair, numbers: _Pair) -> tuple[float, float]:
    """Return the true rate behind a judged one and its standard error."""
    se, sp = skill
    value = (rate + sp - 1) / (se + sp - 1)
    variance = (
        rate * (1 - rate) / n
        + value**2 * se * (1 - se) / numbers[0]
        + (1 - value) ** 2 * sp * (1 - sp) / numbers[1]
    )
    return value, math.sqrt(variance) / (se + sp - 1)


def _lang_reiczigel(
    rate: float, n: float, skill: _Pair, numbers: _Pair, z: float
) -> tuple[float, float]:
    # One more success and failure of each kind.
    se, sp = ((m * share + 1) / (m + 2) for share, m in zip(skill, numbers, strict=True))
    m1, m0 = numbers[0] + 2, numbers[1] + 2
    value, error = _true_rate((rate * n + z * z / 2) / (n + z * z), n + z * z, (se, sp), (m1, m0))
    shift = value * se * (1 - se) / m1 - (1 - value) * sp * (1 - sp) / m0
    centre = value + 2 * z * z * shift
    return float(max(0.0, centre - z * error)), float(min(1.0, centre + z * error))
