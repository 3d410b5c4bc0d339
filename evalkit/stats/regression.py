"""Estimate one slope of a linear regression, with an error that survives unequal spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample
from evalkit.stats.interval import t_quantile
from evalkit.stats.resampling import sum_by_group

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Slope:
    """How much the outcome changes for one unit of the exposure, all controls being equal."""

    value: float
    """Slope, in units of the outcome for one of the exposure."""

    low: float | None
    """Lower limit; ``None`` where the outcome is explained exactly: nothing tells an error."""

    high: float | None
    """Upper limit."""

    standard_error: float
    """Robust standard error."""

    p_value: float | None
    """Two-sided p-value of no slope."""

    n: int
    """Cases."""


def partial_slope(
    outcome: npt.ArrayLike,
    exposure: npt.ArrayLike,
    controls: npt.ArrayLike | None = None,
    *,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Slope:
    """Return the least-squares slope of *outcome* on *exposure*, given *controls*.

    The error is HC1 for independent cases, CR1 where they are grouped; the interval is Student's,
    with as many degrees of freedom as cases beyond the coefficients, or groups less one.

    Args:
        outcome: Values to explain, shape ``(n,)``.
        exposure: What might move them, shape ``(n,)``.
        controls: What is held fixed, shape ``(n, k)``; an intercept is always added.
        groups: Group of each case, shape ``(n,)``.
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If shapes do not fit, values are not finite, there are too few cases or groups,
            or the controls leave the exposure nothing of its own.

    Examples:
        >>> found = partial_slope([1.0, 2.1, 2.9, 4.2], [1, 2, 3, 4])
        >>> round(found.value, 3)
        1.04

    References:
        White (1980), *Econometrica* 48:817; MacKinnon and White (1985) for HC1; Cameron and
        Miller (2015), *Journal of Human Resources* 50:317, for CR1.
    """
    from scipy.special import stdtr

    y, x = as_sample(outcome, "outcome"), as_sample(exposure, "exposure")
    held = np.ones((y.size, 1))
    if controls is not None:
        held = np.column_stack([held, np.asarray(controls, dtype=np.float64)])
    if x.size != y.size or held.shape[0] != y.size or not np.isfinite(held).all():
        raise ValueError("outcome, exposure and controls must pair up and be finite")
    # Frisch, Waugh and Lovell: what the controls explain is taken out of both sides.
    own = x - held @ np.linalg.lstsq(held, x, rcond=None)[0]
    rest = y - held @ np.linalg.lstsq(held, y, rcond=None)[0]
    spread = float(own @ own)
    k = int(np.linalg.matrix_rank(held)) + 1
    if spread <= 1e-12 * max(1.0, float(x @ x)):
        raise ValueError("the exposure does not vary beyond what the controls explain")
    if y.size <= k:
        raise ValueError(f"{y.size} cases are too few for {k} coefficients")
    value = float(own @ rest) / spread
    scores = own * (rest - value * own)
    error, degrees = _robust(scores, groups, y.size, k)
    error /= spread
    if error <= 1e-9 * abs(value):
        return Slope(value, None, None, 0.0, None, y.size)
    reach = t_quantile(level, degrees) * error
    p_value = float(2 * stdtr(degrees, -abs(value / error))) if error > 0 else 1.0
    return Slope(value, value - reach, value + reach, error, p_value, y.size)


def _robust(scores: FloatArray, groups: npt.ArrayLike | None, n: int, k: int) -> tuple[float, int]:
    if groups is None:
        return math.sqrt(float(scores @ scores) * n / (n - k)), n - k
    codes, n_groups = as_group_codes(groups, n)
    if n_groups < 2:  # noqa: PLR2004
        raise ValueError("a slope of grouped cases needs at least two groups")
    sums = sum_by_group(scores[:, None], codes, n_groups)[:, 0]
    scale = n_groups / (n_groups - 1) * (n - 1) / (n - k)
    return math.sqrt(float(sums @ sums) * scale), n_groups - 1
