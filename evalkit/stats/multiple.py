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


def e_bh(e_values: npt.ArrayLike, *, level: float = 0.05) -> npt.NDArray[np.bool_]:
    """Return which hypotheses to reject by their e-values, under any dependence.

    The false discovery rate is at most *level*, whenever the looking stopped.

    Args:
        e_values: E-values, at least 0, shape ``(m,)``; 1 and below is no evidence.
        level: False discovery rate in (0, 1).

    Returns:
        Whether each is rejected, in the given order.

    Raises:
        ValueError: If an e-value is negative or *level* is outside (0, 1).

    Examples:
        >>> e_bh([120, 85, 60, 45, 3, 1, 0.5, 0.2]).tolist()[2:5]
        [True, True, False]

    References:
        Wang and Ramdas (2022), JRSS B 84:822.
    """
    e = as_values(e_values, "e_values")
    if (e < 0).any():
        raise ValueError("e-values must not be negative")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    order = np.argsort(-e, kind="stable")
    ranks = np.arange(1, e.size + 1)
    passed = np.flatnonzero(ranks * e[order] / max(1, e.size) >= 1 / level)
    rejected = np.zeros(e.size, dtype=np.bool_)
    if passed.size:
        rejected[order[: passed[-1] + 1]] = True
    return rejected


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
