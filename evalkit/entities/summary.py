"""An estimate as a store indexes it: with the run's identity of scorer and data beside it."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.entities.estimate import Direction, Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """One estimate of an evaluation; the cells behind it lie in the run's artifacts.

    Examples:
        >>> estimate = Estimate(key="text.bleu", value=31.5, n_total=9, n_scored=9)
        >>> summary = EvaluationSummary.of(estimate, signature="text.bleu|v1", dataset_digest="ab")
        >>> summary.value, summary.estimate == estimate
        (31.5, True)
    """

    key: str
    """Key of the estimate, such as ``text.rouge.rougeL``; at most 500 characters."""

    value: float | None = None
    """``None`` where nothing could be scored; never NaN or infinite."""

    low: float | None = None
    high: float | None = None

    level: float = 0.95
    """Confidence level of ``[low, high]``, a fraction in (0, 1)."""

    method: str | None = None
    """How the interval was made, such as ``wilson``."""

    standard_error: float | None = None

    n_total: int = 0
    n_scored: int = 0
    n_skipped: int = 0
    n_failed: int = 0
    n_groups: int | None = None
    n_repeats: int = 1

    unit: str | None = None

    direction: Direction = "higher"
    """Which way is better."""

    note: str | None = None
    """Why there is no value or no interval."""

    signature: str = ""
    """What made the number: scorer, version, parameters."""

    dataset_digest: str | None = None
    """Digest of the cases; numbers of different digests are not compared."""

    @classmethod
    def of(
        cls, estimate: Estimate, *, signature: str, dataset_digest: str | None
    ) -> EvaluationSummary:
        """Return *estimate* together with what made it."""
        return cls(
            key=estimate.key,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            level=estimate.level,
            method=estimate.method,
            standard_error=estimate.standard_error,
            n_total=estimate.n_total,
            n_scored=estimate.n_scored,
            n_skipped=estimate.n_skipped,
            n_failed=estimate.n_failed,
            n_groups=estimate.n_groups,
            n_repeats=estimate.n_repeats,
            unit=estimate.unit,
            direction=estimate.direction,
            note=estimate.note,
            signature=signature,
            dataset_digest=dataset_digest,
        )

    @property
    def estimate(self) -> Estimate:
        """The estimate alone."""
        return Estimate(
            key=self.key,
            value=self.value,
            low=self.low,
            high=self.high,
            level=self.level,
            method=self.method,
            standard_error=self.standard_error,
            n_total=self.n_total,
            n_scored=self.n_scored,
            n_skipped=self.n_skipped,
            n_failed=self.n_failed,
            n_groups=self.n_groups,
            n_repeats=self.n_repeats,
            unit=self.unit,
            direction=self.direction,
            note=self.note,
        )
