"""Count how often a metric orders pairs of outputs as people do, ties included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class PairwiseAccuracy:
    """How often a metric orders two outputs as people do, ties included."""

    accuracy: float
    """Share of pairs ordered, or tied, alike."""

    tie_threshold: float
    """Difference of the metric up to which a pair counts as tied."""

    n_pairs: int
    """Number of pairs."""


def pairwise_accuracy(
    metric: npt.ArrayLike,
    human: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    tie_threshold: float | None = 0.0,
) -> PairwiseAccuracy:
    """Return how often a metric orders pairs as people do, counting human ties.

    Args:
        metric: Scores of the metric, shape ``(n,)``.
        human: Human scores, shape ``(n,)``.
        groups: Only pairs of one group (such as one source text) are compared.
        tie_threshold: Metric difference up to which a pair is tied; ``None`` picks the one with
            the highest accuracy (tie calibration).

    Raises:
        ValueError: If lengths differ, or there is no pair.

    Examples:
        >>> pairwise_accuracy([0.1, 0.2, 0.9], [1, 1, 2]).accuracy
        0.66666666666666...
        >>> pairwise_accuracy([0.1, 0.2, 0.9], [1, 1, 2], tie_threshold=None).accuracy
        1.0

    References:
        Deutsch, Foster and Freitag (2023), *Ties Matter*, EMNLP, arXiv 2305.14324.
    """
    first, second = as_sample(metric, "metric"), as_sample(human, "human")
    if first.size != second.size:
        raise ValueError(f"metric and human must pair up, got {first.size} and {second.size}")
    labels = np.zeros(first.size, dtype=np.int64) if groups is None else groups
    codes, _ = as_group_codes(labels, first.size)
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    pairs = [np.stack(np.triu_indices(rows.size, 1)) for rows in parts]
    left = np.concatenate([rows[at[0]] for rows, at in zip(parts, pairs, strict=True)])
    right = np.concatenate([rows[at[1]] for rows, at in zip(parts, pairs, strict=True)])
    if left.size == 0:
        raise ValueError("there is no pair of outputs to compare")
    gap, truth = first[left] - first[right], np.sign(second[left] - second[right])
    if tie_threshold is None:
        tie_threshold = _best_threshold(np.abs(gap), np.sign(gap) == truth, truth == 0)
    said = np.where(np.abs(gap) <= tie_threshold, 0.0, np.sign(gap))
    return PairwiseAccuracy(float((said == truth).mean()), float(tie_threshold), left.size)


def _best_threshold(
    size: FloatArray, ordered: npt.NDArray[np.bool_], tied: npt.NDArray[np.bool_]
) -> float:
    rank = np.argsort(size, kind="stable")
    # Calling the smallest gaps ties wins the human ties among them and loses what was ordered well.
    won = np.cumsum(tied[rank].astype(np.int64) - (ordered & ~tied)[rank])
    last = np.append(np.diff(size[rank]) > 0, True)  # equal gaps are tied together
    zero = size[rank] == 0
    start = int((ordered & tied)[rank][zero].sum())
    candidates = np.flatnonzero(last)
    best = candidates[np.argmax(won[candidates])]
    return float(size[rank][best]) if won[best] > start else 0.0
