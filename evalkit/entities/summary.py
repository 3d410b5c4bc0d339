"""An estimate as a store indexes it: with the run's identity of scorer and data beside it."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.entities.estimate import Estimate


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
