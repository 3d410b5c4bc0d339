"""Scorers that compare the text of an answer with reference texts, or look at the text alone."""

from evalkit_scorers.text.bleu import Bleu
from evalkit_scorers.text.chrf import Chrf
from evalkit_scorers.text.edit_distance import EditDistance
from evalkit_scorers.text.matches import Contains, ExactMatch, NormalizedMatch, Regex
from evalkit_scorers.text.readability import Readability
from evalkit_scorers.text.rouge import Rouge
from evalkit_scorers.text.ter import Ter
from evalkit_scorers.text.token_f1 import TokenF1

__all__ = [
    "Bleu",
    "Chrf",
    "Contains",
    "EditDistance",
    "ExactMatch",
    "NormalizedMatch",
    "Readability",
    "Regex",
    "Rouge",
    "Ter",
    "TokenF1",
]
