"""What is known of a judge against people: the parts of a card, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from evalkit.entities.estimate import Estimate

Kind = Literal["binary", "ordinal", "nominal", "numeric"]
"""What labels are: yes or no, ordered words, words, or numbers."""

FIGURES: Final[Mapping[str, str]] = {
    "accuracy": "share of verdicts that are the human label",
    "sensitivity": "share of the truly positive that the judge calls positive",
    "specificity": "share of the truly negative that the judge calls negative",
    "kappa": "Cohen's kappa: agreement beyond chance",
    "weighted_kappa": "Cohen's kappa with quadratic weights, of ordered labels",
    "linear_weighted_kappa": "Cohen's kappa with linear weights, of ordered labels",
    "ac1": "Gwet's AC1: agreement beyond chance, stable where one label prevails",
    "alpha": "Krippendorff's alpha of judge and people",
    "pearson": "linear correlation of the values",
    "spearman": "correlation of the ranks",
    "kendall": "Kendall's tau-b",
    "correlation": "Pearson's of numbers, Spearman's of everything else",
}
"""Name of each figure of a card, as gates write it -> what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPart:
    """How a judge compares with people on some of the labelled cases."""

    n_labelled: int
    """Cases with a human label."""

    n_judged: int
    """Of those: cases with a verdict."""

    n_failed: int = 0
    """Of those: cases on which the judge, or what it judges, failed."""

    n_skipped: int = 0
    """Of those: cases to which the judge does not apply."""

    n_not_run: int = 0
    n_groups: int | None = None
    """Groups of the cases with a verdict, where cases are grouped."""

    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    """Why verdicts failed, and how often."""

    prevalence: Mapping[str, float] = field(default_factory=dict[str, float])
    """Share of each label among the human labels."""

    confusion: tuple[tuple[int, ...], ...] = ()
    """Counts; rows are human labels, columns the judge's, both in the order of `labels`."""

    labels: tuple[str, ...] = ()
    """What rows and columns are; empty where numbers were not cut into labels."""

    figures: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    """By name, as in `FIGURES`; those that do not apply are left out."""

    accuracy_bounds: tuple[float, float] | None = None
    """Accuracy if every failed verdict were wrong, and if every one were right."""

    @property
    def unjudged(self) -> int:
        """Labelled cases without a verdict, for whatever reason."""
        return self.n_labelled - self.n_judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaceability:
    """Whether a judge may replace a human annotator, by the alternative annotator test."""

    status: Literal["yes", "no", "unknown"]
    why: str
    """In words; for ``unknown``, what is missing."""

    n_annotators: int = 0
    winning_rate: float | None = None
    """Share of annotators that the judge may replace."""

    advantage: float | None = None
    """Mean chance that the judge fits the other annotators at least as well."""

    epsilon: float | None = None
    """Benefit granted to the judge: what a human costs in effort."""

    human_kappa: float | None = None
    """Mean Cohen's kappa of pairs of annotators; ``None`` with fewer than two, or of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationMean:
    """The mean, or rate, of all judged cases as one method has it."""

    method: Literal["judge", "ppi++", "rogan-gladen"]
    """``judge`` is uncorrected: its interval says nothing of the judge's own error."""

    value: float
    low: float
    high: float
    n: int
    """Cases that were judged."""

    n_labelled: int
    """Cases with a human label that the correction rests on; 0 for the uncorrected one."""
