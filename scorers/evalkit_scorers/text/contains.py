"""Score whether the output contains its references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.plugin import CaseBatch, ScoreColumn, UsageError
from evalkit_scorers.metric import YES_OR_NO, ReferenceMetric
from evalkit_scorers.text.pairing import paired_texts, spread


def contains(
    output: str,
    references: Sequence[str],
    *,
    match: Literal["any", "all"] = "any",
    ignore_case: bool = False,
) -> bool:
    """Return whether references occur in *output*, character by character.

    The empty text occurs in every text.  Settings are those of `Contains`.

    Examples:
        >>> contains("It is Paris.", ["paris", "Lutetia"], ignore_case=True)
        True
        >>> contains("It is Paris.", ["Paris", "Lutetia"], match="all")
        False
    """
    if ignore_case:
        output, references = output.casefold(), [text.casefold() for text in references]
    occurs = (text in output for text in references)
    return any(occurs) if match == "any" else all(occurs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains(ReferenceMetric):
    """Score each case with `contains`: whether its references occur in the output."""

    name: str = "text.contains"
    match: Literal["any", "all"] = "any"
    """Whether one of several references is enough, or all have to occur."""

    ignore_case: bool = False
    """Compare case-folded texts."""

    facts = YES_OR_NO

    def __post_init__(self) -> None:
        if self.match not in {"any", "all"}:
            raise UsageError(f"match= is 'any' or 'all', not {self.match!r}.")

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        rows, outputs, wanted = paired_texts(batch)
        values = [
            contains(output, texts, match=self.match, ignore_case=self.ignore_case)
            for output, texts in zip(outputs, wanted, strict=True)
        ]
        return spread(values, rows, len(batch), binary=True)
