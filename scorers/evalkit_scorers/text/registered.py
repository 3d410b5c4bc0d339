"""List the text scorers."""

from __future__ import annotations

from typing import cast

from evalkit.plugin import Scorer
from evalkit_scorers.text.bleu import Bleu
from evalkit_scorers.text.chrf import Chrf
from evalkit_scorers.text.contains import Contains
from evalkit_scorers.text.edit_distance import EditDistance
from evalkit_scorers.text.exact_match import ExactMatch
from evalkit_scorers.text.normalized_match import NormalizedMatch
from evalkit_scorers.text.readability import Readability
from evalkit_scorers.text.regex import Regex
from evalkit_scorers.text.rouge import Rouge
from evalkit_scorers.text.ter import Ter
from evalkit_scorers.text.token_f1 import TokenF1


def scorers() -> tuple[Scorer, ...]:
    """Return the text scorers, with their defaults."""
    offered = (
        ExactMatch(),
        NormalizedMatch(),
        Contains(),
        Regex(),
        TokenF1(),
        Rouge(),
        Bleu(),
        Chrf(),
        Ter(),
        EditDistance(),
        Readability(),
    )
    # One type checker takes no class variable for a property of a protocol; the others do.
    return cast("tuple[Scorer, ...]", offered)
