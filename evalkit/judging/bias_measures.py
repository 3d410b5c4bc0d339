"""Measure the biases of a judge that labelled data alone shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from evalkit.judging.bias import BiasEffect
from evalkit.stats.intervals import mean_interval
from evalkit.stats.regression import partial_slope

if TYPE_CHECKING:
    import numpy.typing as npt

_FEW_LABELS: Final = 12
"""Different human labels up to which each is held fixed by itself."""


def verbosity_bias(
    verdicts: npt.ArrayLike,
    human: npt.ArrayLike,
    words: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> BiasEffect:
    """Return how much a judge's verdict rises where the same human label has twice the words.

    The slope of a linear regression of the verdict on the binary logarithm of the length, with the
    human label held fixed (each label by itself where there are few), and a cluster-robust error.

    Args:
        verdicts: The judge's values, shape ``(n,)``.
        human: Human labels of the same cases, as numbers, shape ``(n,)``.
        words: Words of each answer, at least 1, shape ``(n,)``.
        groups: Group of each case, shape ``(n,)``.
        level: Confidence level of the interval.

    Examples:
        >>> longer = verbosity_bias([0, 1, 0, 1, 1] * 9, [0, 1, 1, 0, 1] * 9, [8, 32, 8, 32, 8] * 9)
        >>> round(longer.effect, 3), longer.shown
        (0.357, True)

    References:
        Zheng et al. (2023), arXiv 2306.05685, section 3.3, for the bias; Cameron and Miller (2015)
        for the error.
    """
    labels, lengths = np.asarray(human, dtype=np.float64), np.asarray(words, dtype=np.float64)
    distinct = np.unique(labels)
    few = distinct.size <= _FEW_LABELS
    controls = (labels[:, None] == distinct[1:]).astype(np.float64) if few else labels[:, None]
    explanation = (
        "change of the verdict for an answer of twice as many words with the same human label; "
        "above 0 the judge prefers longer answers"
    )
    doublings = np.log2(np.maximum(lengths, 1.0))
    return _slope("verbosity", verdicts, doublings, controls, groups, level, explanation)


def self_preference_bias(
    verdicts: npt.ArrayLike,
    human: npt.ArrayLike,
    own: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> BiasEffect:
    """Return how much more a judge overrates answers of its own model than those of others.

    The mean of verdict less human label on its own answers, less the same on the others'.

    Args:
        verdicts: The judge's values, shape ``(n,)``.
        human: Human labels on the same scale, shape ``(n,)``.
        own: Whether the judge's own model gave the answer, shape ``(n,)``.
        groups: Group of each case, shape ``(n,)``.
        level: Confidence level of the interval.

    Examples:
        >>> self_preference_bias([1, 1, 0, 1], [0, 1, 0, 1], [True, True, False, False]).effect
        0.5

    References:
        Panickssery, Bowman and Feng (2024), arXiv 2404.13076; Wataoka et al. (2024), arXiv
        2410.21819.
    """
    gap = np.asarray(verdicts, dtype=np.float64) - np.asarray(human, dtype=np.float64)
    explanation = (
        "verdict less human label on answers of the judge's own model, less the same on others'; "
        "above 0 the judge prefers its own"
    )
    mine = np.asarray(own, dtype=np.float64)
    return _slope("self_preference", gap, mine, None, groups, level, explanation)


def position_bias(
    biases: npt.ArrayLike, *, groups: npt.ArrayLike | None = None, level: float = 0.95
) -> BiasEffect:
    """Return how often a pairwise judge prefers an answer for its place alone.

    Args:
        biases: For each pair asked in both orders: 1 if what was shown first won both times, -1 if
            what was shown last did, 0 if neither, halves where one of the two was a tie; shape
            ``(n,)`` with ``n >= 1``.
        groups: Group of each pair, shape ``(n,)``.
        level: Confidence level of the interval.

    Returns:
        The mean; the p-value is that of the exact binomial test of first against last.

    Raises:
        ValueError: If there is no pair, or a value is outside [-1, 1].

    Examples:
        >>> bias = position_bias([1] * 20 + [-1] * 10 + [0] * 389)
        >>> round(bias.effect, 3), round(bias.p_value, 3)
        (0.024, 0.099)

    References:
        Zheng et al. (2023), arXiv 2306.05685, section 3.3; the example is GPT-4 on LLMBar (Zeng
        et al., 2024).
    """
    from scipy.stats import binomtest

    values = np.asarray(biases, dtype=np.float64)
    if values.size == 0 or not (np.abs(values) <= 1).all():
        raise ValueError("a position bias lies in [-1, 1], and at least one pair is needed")
    interval = mean_interval(values, groups=groups, bounds=(-1.0, 1.0), level=level)
    first, last = int((values > 0).sum()), int((values < 0).sum())
    p_value = float(binomtest(first, first + last).pvalue) if first + last else 1.0
    return BiasEffect(
        name="position",
        effect=float(values.mean()),
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        p_value=p_value,
        n=int(values.size),
        explanation=(
            f"pairs won by what is shown first ({first}) less by what is shown last ({last}) in "
            "both orders, as a share of all pairs; above 0 the judge prefers the first"
        ),
    )


def _slope(  # noqa: PLR0917
    name: str,
    outcome: npt.ArrayLike,
    exposure: npt.NDArray[np.float64],
    controls: npt.NDArray[np.float64] | None,
    groups: npt.ArrayLike | None,
    level: float,
    explanation: str,
) -> BiasEffect:
    """Return a slope as an effect, or why there is none."""
    n = int(exposure.size)
    try:
        slope = partial_slope(outcome, exposure, controls, groups=groups, level=level)
    except ValueError as error:
        return BiasEffect(name, None, None, None, None, n, f"not measured: {error}")
    return BiasEffect(name, slope.value, slope.low, slope.high, slope.p_value, n, explanation)
