"""Output length: how much a target says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, output_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLength:
    """Report the length of each output, in words or characters.

    Words are what white space separates; characters are Unicode code points.  Outputs that are no
    texts are measured as they are written in JSON.  An empty text has length 0, and no output is
    skipped.  Neither longer nor shorter is better.

    Examples:
        >>> from evalkit.plugin import Case
        >>> batch = CaseBatch.of([Case(outputs="It is Paris."), Case(outputs=""), Case()])
        >>> OutputLength().score_batch(batch).values.tolist()
        [3.0, 0.0, nan]
        >>> OutputLength(unit="characters").score_batch(batch).values.tolist()
        [12.0, 0.0, nan]
    """

    name: str = "operations.output_length"
    unit: Literal["words", "characters"] = "words"
    """What is counted."""

    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if self.unit not in {"words", "characters"}:
            raise ValueError(f"unit must be words or characters, got {self.unit!r}")

    @property
    def facts(self) -> MetricFacts:
        """Without direction, at least 0, in the unit that was asked for."""
        return MetricFacts(direction="none", low=0.0, unit=self.unit)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        texts = output_texts(batch)
        if self.unit == "characters":
            return ScoreColumn.from_values([None if text is None else len(text) for text in texts])
        return ScoreColumn.from_values(
            [None if text is None else len(text.split()) for text in texts]
        )
