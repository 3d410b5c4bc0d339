"""What an answer took: time and money, measured while the target was called, and length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, output_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number that stands in a field of each case: skipped where it was not measured."""

    field: ClassVar[str]
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the measured numbers; what is negative or no number fails (``scorer_error``)."""
        values = batch.column(self.field)
        column = ScoreColumn.from_values([value if _measured(value) else None for value in values])
        for row, value in enumerate(values):
            if value is not None and not _measured(value):
                explanation = f"{self.field} is {value!r}, not a number of at least 0."
                column.fail(row, "scorer_error", explanation)
        return column


def _measured(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Measured):
    """Report the seconds that the target took for each case.

    Stored answers have a latency only where the data has a ``latency_seconds`` column.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> batch = CaseBatch.of([Case(latency_seconds=0.25), Case()])
        >>> Latency().score_batch(batch).values.tolist()
        [0.25, nan]
    """

    signed_as: ClassVar[str] = "evalkit_scorers.operations.latency:Latency"
    name: str = "operations.latency"

    field: ClassVar[str] = "latency_seconds"
    facts = MetricFacts(direction="lower", low=0.0, unit="seconds")
    requires: ClassVar[frozenset[str]] = frozenset({"latency_seconds"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToFirstToken(Measured):
    """Report the seconds until a streaming target's first piece.

    Targets that answer in one piece have none, and are skipped.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> batch = CaseBatch.of([Case(time_to_first_token=0.25), Case()])
        >>> TimeToFirstToken().score_batch(batch).values.tolist()
        [0.25, nan]
    """

    signed_as: ClassVar[str] = "evalkit_scorers.operations.time_to_first_token:TimeToFirstToken"
    name: str = "operations.time_to_first_token"

    field: ClassVar[str] = "time_to_first_token"
    facts = MetricFacts(direction="lower", low=0.0, unit="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Measured):
    """Report the price of each answer in US dollars.

    An unknown price is not 0: such cases are skipped.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> Cost().score_batch(CaseBatch.of([Case(cost=0.002), Case()])).values.tolist()
        [0.002, nan]
    """

    signed_as: ClassVar[str] = "evalkit_scorers.operations.cost:Cost"
    name: str = "operations.cost"

    field: ClassVar[str] = "cost"
    facts = MetricFacts(direction="lower", low=0.0, unit="USD")


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

    signed_as: ClassVar[str] = "evalkit_scorers.operations.output_length:OutputLength"
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
