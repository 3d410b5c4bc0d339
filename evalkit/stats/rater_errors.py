"""Infer true labels, and each rater's error rates, from raters who disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """True labels and raters' errors, as the Dawid-Skene model finds them."""

    posterior: FloatArray
    """Probability of each class for each item, shape ``(items, classes)``."""

    prevalence: FloatArray
    """Share of each class, shape ``(classes,)``."""

    confusion: FloatArray
    """What each rater says of each true class, shape ``(raters, classes, classes)``; rows of true
    classes sum to 1."""

    log_likelihood: float
    """At the last step."""

    steps: int
    """Steps taken."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Return the likeliest class of each item."""
        return np.asarray(np.argmax(self.posterior, axis=1), dtype=np.int64)


def dawid_skene(
    counts: npt.ArrayLike, *, smoothing: float = 0.0, steps: int = 1000, tolerance: float = 1e-9
) -> DawidSkene:
    """Fit the Dawid-Skene model by expectation maximisation, starting from the majority.

    Args:
        counts: How often each rater gave each item each label, shape
            ``(items, raters, classes)``; all 0 where a rater gave none.
        smoothing: Pseudo-count added to each cell of a confusion matrix, for raters with few
            labels.
        steps: Most steps.
        tolerance: Change of the mean log likelihood at which to stop.

    Raises:
        ValueError: If the shape does not fit or an item has no label.

    Examples:
        >>> votes = np.eye(2)[np.array([[0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]])]
        >>> dawid_skene(votes).labels.tolist()
        [0, 1, 1, 0]

    References:
        Dawid and Skene (1979), *Applied Statistics* 28:20.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 3 or not np.isfinite(table).all() or (table < 0).any():  # noqa: PLR2004
        raise ValueError(f"counts must have shape (items, raters, classes), got {table.shape}")
    votes = table.sum(axis=1)
    if table.size == 0 or not (votes.sum(axis=1) > 0).all():
        raise ValueError("every item needs at least one label")
    posterior = votes / votes.sum(axis=1, keepdims=True)
    likelihood, step = -np.inf, 0
    prevalence, confusion = _maximise(table, posterior, smoothing)
    while step < steps:
        before, step = likelihood, step + 1
        with np.errstate(divide="ignore"):
            logs = np.log(confusion)
            joint = np.log(prevalence) + _log_weights(table, logs)
        peak = joint.max(axis=1, keepdims=True)
        mass = np.exp(joint - peak)
        posterior = mass / mass.sum(axis=1, keepdims=True)
        likelihood = float((np.log(mass.sum(axis=1)) + peak[:, 0]).sum())
        prevalence, confusion = _maximise(table, posterior, smoothing)
        if abs(likelihood - before) <= tolerance * table.shape[0]:
            break
    return DawidSkene(posterior, prevalence, confusion, likelihood, step)


def _maximise(
    table: FloatArray, posterior: FloatArray, smoothing: float
) -> tuple[FloatArray, FloatArray]:
    said = np.einsum("ic,irl->rcl", posterior, table) + smoothing
    total = said.sum(axis=2, keepdims=True)
    uniform = np.full_like(said, 1 / table.shape[2])  # a rater who never met the class
    return posterior.mean(axis=0), np.divide(said, total, out=uniform, where=total > 0)


def _log_weights(table: FloatArray, logs: FloatArray) -> FloatArray:
    # An impossible label rules a class out; an absent one (0 times -inf) says nothing.
    finite = np.where(np.isfinite(logs), logs, 0.0)
    score = np.einsum("irl,rcl->ic", table, finite)
    ruled_out = np.einsum("irl,rcl->ic", (table > 0) * 1.0, np.isinf(logs) * 1.0) > 0
    return np.where(ruled_out, -np.inf, score)
