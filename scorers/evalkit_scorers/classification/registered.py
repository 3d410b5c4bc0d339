"""The scorers of this family."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.classification.accuracy import Accuracy
from evalkit_scorers.classification.f1 import F1


def scorers() -> tuple[Scorer, ...]:
    """Return one of each, with its defaults."""
    return (Accuracy(), F1())
