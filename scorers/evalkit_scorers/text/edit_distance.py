"""Score how many characters have to change to turn the output into a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from evalkit.plugin import UNIT, CaseBatch, MetricFacts, ScoreColumn
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.text.pairing import paired_texts, spread


def edit_distance(output: str, reference: str) -> int:
    """Return the least number of characters to insert, delete or replace.

    Examples:
        >>> edit_distance("kitten", "sitting")
        3

    References:
        Levenshtein (1966), *Binary codes capable of correcting deletions, insertions, and
        reversals*; computed by rapidfuzz.
    """
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(output, reference)


def edit_similarity(output: str, reference: str) -> float:
    """Return 1 less the share of the longer text's characters that have to change, in [0, 1].

    Two empty texts are equal: 1.

    Examples:
        >>> edit_similarity("kitten", "sitting")
        0.5714285714285714
    """
    longer = max(len(output), len(reference))
    return 1.0 - edit_distance(output, reference) / longer if longer else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDistance(ReferenceMetric):
    """Score each case with the edits between output and reference, and with their similarity.

    Of several references the nearest counts, for each of the two metrics by itself.
    """

    name: str = "text.edit_distance"
    ignore_case: bool = False
    """Compare case-folded texts."""

    facts = UNIT
    metric_facts: ClassVar[Mapping[str, MetricFacts]] = MappingProxyType(
        {
            "similarity": UNIT,
            "distance": MetricFacts(
                direction="lower", low=0.0, unit="characters", best_for_identity=True
            ),
        }
    )

    def score_batch(self, batch: CaseBatch, /) -> dict[str, ScoreColumn]:
        """Return the columns ``similarity``, in [0, 1], and ``distance``, in characters."""
        rows, outputs, wanted = paired_texts(batch)
        if self.ignore_case:
            outputs = [text.casefold() for text in outputs]
            wanted = [[text.casefold() for text in texts] for texts in wanted]
        pairs = list(zip(outputs, wanted, strict=True))
        similarity = [max(edit_similarity(output, t) for t in texts) for output, texts in pairs]
        distance = [min(edit_distance(output, t) for t in texts) for output, texts in pairs]
        return {
            "similarity": spread(similarity, rows, len(batch)),
            "distance": spread(distance, rows, len(batch)),
        }
