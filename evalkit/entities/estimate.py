"""An estimate: a metric over cases, its interval, its honest denominators, as a store has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.errors import NoValueError

Direction = Literal["higher", "lower", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric over cases.

    Examples:
        >>> Estimate(key="m", value=0.5, n_total=4, n_scored=2, n_failed=2).coverage
        0.5
    """

    key: str
    """Key in the result, such as ``text.rouge.rougeL``."""

    value: float | None = None
    """Value in the metric's unit; ``None`` where nothing could be measured."""

    low: float | None = None
    """Lower end of the confidence interval; ``None`` where there is none."""

    high: float | None = None
    """Upper end of the confidence interval."""

    level: float = 0.95
    """Confidence level, a fraction in (0, 1)."""

    method: str | None = None
    """How the interval was made, such as ``wilson`` or ``cluster-t``."""

    standard_error: float | None = None
    """Standard error over cases, in the metric's unit."""

    n_total: int = 0
    """Cases in the evaluation."""

    n_scored: int = 0
    """Cases with a value."""

    n_skipped: int = 0
    """Cases to which the scorer does not apply."""

    n_failed: int = 0
    """Cases whose target or scorer failed."""

    n_groups: int | None = None
    """Clusters behind the standard error, where cases are grouped."""

    n_repeats: int = 1
    """Times each case was run."""

    unit: str | None = None
    """Unit, such as ``seconds``."""

    direction: Direction = "higher"
    """Which way is better."""

    note: str | None = None
    """Why there is no value or no interval, or what a reader of the value must know; of
    ``worst(…)`` it begins with the slice, such as ``where language=de``."""

    @property
    def n_not_run(self) -> int:
        """Cases that were never reached."""
        return self.n_total - self.n_scored - self.n_skipped - self.n_failed

    @property
    def coverage(self) -> float | None:
        """Share of applicable cases that have a value; ``None`` where none applies."""
        attempted = self.n_scored + self.n_failed
        return self.n_scored / attempted if attempted else None

    def __float__(self) -> float:
        if self.value is None:
            why = self.note or f"{self.n_scored} of {self.n_total} cases have a value"
            raise NoValueError(f"{self.key} has no value: {why}.")
        return self.value


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """One estimate of an evaluation; the cells behind it lie in the run's artifacts.

    Examples:
        >>> estimate = Estimate(key="text.bleu", value=31.5, n_total=9, n_scored=9)
        >>> EvaluationSummary(estimate, signature="text.bleu|v1", dataset_digest="ab").key
        'text.bleu'
    """

    estimate: Estimate
    """Its key has at most 500 characters, and its numbers are finite."""

    signature: str = ""
    """What made the number: scorer, version, parameters."""

    dataset_digest: str | None = None
    """Digest of the cases; numbers of different digests are not compared."""

    @property
    def key(self) -> str:
        """Key of the estimate, such as ``text.rouge.rougeL``."""
        return self.estimate.key
