"""Correct many tests at once: Holm, Benjamini-Hochberg, Benjamini-Yekutieli, and e-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_values

if TYPE_CHECKING:
    import numpy.typing as npt


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Return p-values adjusted so that the chance of any false alarm is controlled.

    Needs no assumption about dependence: the choice for gates.

    Args:
        p_values: P-values in [0, 1], shape ``(m,)``.

    Returns:
        Adjusted p-values in the given order; reject those at or below the level.

    Raises:
        ValueError: If a p-value is outside [0, 1].

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    References:
        Holm (1979), *Scandinavian Journal of Statistics* 6:65.
    """
    p, order = _sorted(p_values)
    steps = np.maximum.accumulate((p.size - np.arange(p.size)) * p)
    return _restore(steps, order)


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """Return p-values adjusted so that the expected share of false alarms is controlled.

    Holds for independent and positively dependent tests: the choice for exploration, such as a
    table of slices.

    Args:
        p_values: P-values in [0, 1], shape ``(m,)``.

    Returns:
        Adjusted p-values in the given order.

    Raises:
        ValueError: If a p-value is outside [0, 1].

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03])
        array([0.03, 0.04, 0.04])

    References:
        Benjamini and Hochberg (1995), JRSS B 57:289.
    """
    p, order = _sorted(p_values)
    return _restore(_step_up(p), order)


def benjamini_yekutieli(p_values: npt.ArrayLike) -> FloatArray:
    """Return p-values adjusted for the false discovery rate under any dependence.

    Args:
        p_values: P-values in [0, 1], shape ``(m,)``.

    Returns:
        Adjusted p-values in the given order.

    Raises:
        ValueError: If a p-value is outside [0, 1].

    Examples:
        >>> benjamini_yekutieli([0.01, 0.04]).round(3)
        array([0.03, 0.06])

    References:
        Benjamini and Yekutieli (2001), *Annals of Statistics* 29:1165.
    """
    p, order = _sorted(p_values)
    penalty = float((1 / np.arange(1, p.size + 1)).sum())
    return _restore(_step_up(p) * penalty, order)


def _sorted(p_values: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    p = as_values(p_values, "p_values")
    if ((p < 0) | (p > 1)).any():
        raise ValueError("p-values must lie in [0, 1]")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _step_up(p: FloatArray) -> FloatArray:
    scaled = p * p.size / np.arange(1, p.size + 1)
    return np.asarray(np.minimum.accumulate(scaled[::-1])[::-1])


def _restore(adjusted: FloatArray, order: npt.NDArray[np.intp]) -> FloatArray:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(1.0, adjusted)
    return result
