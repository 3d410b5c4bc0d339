"""List the text scorers."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.text.exact_match import ExactMatch
from evalkit_scorers.text.token_f1 import TokenF1


def scorers() -> tuple[Scorer, ...]:
    """Return the text scorers, with their defaults."""
    return (ExactMatch(), TokenF1())
