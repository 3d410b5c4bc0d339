"""Rhymes: texts that end alike."""

from dataclasses import dataclass

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, output_texts, references


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhyme:
    """Say whether an output ends in the same letters as its reference."""

    name: str = "stranger.rhyme"
    letters: int = 2
    """Letters that have to agree."""

    facts = MetricFacts(low=0.0, high=1.0, binary=True, best_for_identity=True)
    requires = frozenset({"outputs", "expectations"})

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case with output and reference."""
        pairs = zip(output_texts(batch), references(batch), strict=True)
        return ScoreColumn.from_values(
            [
                None if text is None or wanted is None else self._rhymes(text, wanted[0])
                for text, wanted in pairs
            ],
            binary=True,
        )

    def _rhymes(self, text: str, other: str) -> bool:
        return text[-self.letters :].casefold() == other[-self.letters :].casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRhyme:
    """Count agreeing letters from the end, and wrongly call that yes or no."""

    name: str = "stranger.broken_rhyme"
    facts = MetricFacts(low=0.0, high=1.0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return numbers above the declared bound."""
        pairs = zip(output_texts(batch), references(batch), strict=True)
        return ScoreColumn.from_values(
            [None if not text or not wanted else float(len(text)) for text, wanted in pairs]
        )
