"""Score whether the output is exactly a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.plugin import CaseBatch, ScoreColumn, as_references, expected_values, output_texts
from evalkit_scorers.metric import YES_OR_NO, ReferenceMetric


def exact_match(
    output: str, reference: str, *, strip: bool = False, ignore_case: bool = False
) -> bool:
    """Return whether two texts are equal, by the settings of `ExactMatch`.

    Examples:
        >>> exact_match("Paris", "Paris"), exact_match(" paris", "Paris")
        (True, False)
        >>> exact_match(" paris", "Paris", strip=True, ignore_case=True)
        True

    References:
        Rajpurkar et al. (2016), *SQuAD*, exact match; here without their normalisation, for which
        see `normalized_match`.
    """
    if strip:
        output, reference = output.strip(), reference.strip()
    if ignore_case:
        output, reference = output.casefold(), reference.casefold()
    return output == reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactMatch(ReferenceMetric):
    """Score each case with `exact_match`: whether the output equals any of its references."""

    name: str = "text.exact_match"
    strip: bool = False
    """Leave out white space at both ends."""

    ignore_case: bool = False
    """Compare case-folded texts."""

    facts = YES_OR_NO

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        outputs = output_texts(batch)
        expected = expected_values(batch, "expected_response")
        if self.strip or self.ignore_case:
            values = list(map(self._matches, outputs, expected))
        else:
            # One text against one text is what nearly every row is, and needs no call.
            values = [
                output == wanted
                if type(wanted) is str and output is not None
                else self._matches(output, wanted)
                for output, wanted in zip(outputs, expected, strict=True)
            ]
        return ScoreColumn.from_values(values, binary=True)

    def _matches(self, output: str | None, expected: Any) -> bool | None:
        wanted = as_references(expected)
        if output is None or wanted is None:
            return None
        return any(
            exact_match(output, text, strip=self.strip, ignore_case=self.ignore_case)
            for text in wanted
        )
