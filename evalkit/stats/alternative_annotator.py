"""Test whether a judge may replace a human annotator (the alternative annotator test)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from evalkit.stats.arguments import FloatArray
from evalkit.stats.multiple import benjamini_yekutieli

Alignment: TypeAlias = Literal["label", "score"]
_Similarity: TypeAlias = Callable[[float, FloatArray], float]

_LEAST_ITEMS = 30
"""Items that an annotator must share with others, below which the test says little."""

_HALF = 0.5
"""Winning rate from which a judge passes."""


@dataclass(frozen=True, slots=True)
class AlternativeAnnotator:
    """The outcome of the alternative annotator test."""

    winning_rate: float
    """Share of annotators that the judge may replace, in [0, 1]."""

    passed: bool
    """Whether the winning rate is at least one half."""

    advantage: float
    """Mean chance that the judge fits the other annotators at least as well; ranks judges."""

    p_values: FloatArray
    """P-value of each annotator, unadjusted, in the order of `annotators`."""

    rejected: npt.NDArray[np.bool_]
    """Whether the judge may replace each of them."""

    annotators: tuple[int, ...]
    """Rows of the annotators with enough items."""


def alternative_annotator_test(
    judge: npt.ArrayLike,
    annotations: npt.ArrayLike,
    *,
    epsilon: float = 0.2,
    level: float = 0.05,
    alignment: Alignment = "label",
    least_items: int = _LEAST_ITEMS,
) -> AlternativeAnnotator:
    """Test whether a judge fits the other annotators as well as a left-out annotator does.

    For each annotator and item the judge wins if it agrees with the others at least as well, the
    annotator if it does.  The judge may replace the annotator where the latter's advantage is
    significantly below *epsilon*, which is what a human costs in effort.

    Args:
        judge: The judge's labels or scores as numbers, shape ``(items,)``; NaN where it has none.
        annotations: Those of the annotators, shape ``(annotators, items)``; NaN where missing.
        epsilon: Benefit granted to the judge: 0.2 against experts, 0.15 skilled annotators, 0.1
            crowd workers.
        level: False discovery rate over annotators.
        alignment: ``label`` compares by equality, ``score`` by root mean squared error.
        least_items: Items that an annotator needs; those with fewer are left out.

    Raises:
        ValueError: If shapes do not fit, there are fewer than three annotators on every item, or
            none has enough items.

    Examples:
        >>> truth = np.tile([0.0, 1.0], 25)
        >>> alternative_annotator_test(truth, np.stack([truth, truth, 1 - truth])).winning_rate
        1.0

    References:
        Calderon, Reichart and Dror (2025), *The Alternative Annotator Test*, ACL, arXiv
        2501.10970.
    """
    said, humans = np.asarray(judge, dtype=np.float64), np.asarray(annotations, dtype=np.float64)
    if humans.ndim != 2 or said.shape != humans.shape[1:]:  # noqa: PLR2004
        raise ValueError(
            f"annotations must have shape (annotators, items) for {said.shape} judgements, "
            f"got {humans.shape}"
        )
    similarity = _share_equal if alignment == "label" else _negative_error
    p_values: list[float] = []
    advantages: list[float] = []
    kept: list[int] = []
    for row in range(humans.shape[0]):
        wins = _duels(said, humans, row, similarity)
        if len(wins) >= least_items:
            kept.append(row)
            advantages.append(float(wins[:, 0].mean()))
            p_values.append(_t_test_below(wins[:, 1] - wins[:, 0], epsilon))
    if not kept:
        raise ValueError(
            f"no annotator shares {least_items} items with two others and the judge; label more"
        )
    rejected = benjamini_yekutieli(p_values) <= level
    rate = float(rejected.mean())
    return AlternativeAnnotator(
        winning_rate=rate,
        passed=rate >= _HALF,
        advantage=float(np.mean(advantages)),
        p_values=np.array(p_values),
        rejected=rejected,
        annotators=tuple(kept),
    )


def _duels(said: FloatArray, humans: FloatArray, row: int, similarity: _Similarity) -> FloatArray:
    """Return who fits the others at least as well, (judge, annotator) a row."""
    present = ~np.isnan(humans)
    shared = present[row] & ~np.isnan(said) & (present.sum(axis=0) >= 2)  # noqa: PLR2004
    wins: list[tuple[float, float]] = []
    for item in np.flatnonzero(shared):
        mask = present[:, item].copy()
        mask[row] = False
        others = humans[mask, item]
        machine = similarity(float(said[item]), others)
        human = similarity(float(humans[row, item]), others)
        wins.append((float(machine >= human), float(human >= machine)))
    return np.array(wins, dtype=np.float64).reshape(-1, 2)


def _share_equal(value: float, others: FloatArray) -> float:
    return float((others == value).mean())


def _negative_error(value: float, others: FloatArray) -> float:
    return -math.sqrt(float(((others - value) ** 2).mean()))


def _t_test_below(values: FloatArray, bound: float) -> float:
    from scipy.special import stdtr

    n = values.size
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return 0.0 if mean < bound else 1.0
    return float(stdtr(n - 1, (mean - bound) / error))
