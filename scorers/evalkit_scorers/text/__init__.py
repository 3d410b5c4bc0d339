"""Scorers that compare the text of an answer with reference texts, or look at the text alone."""

from typing import Final

from evalkit_scorers.family import lazily

HOMES: Final = {
    "Bleu": "bleu",
    "Chrf": "chrf",
    "Contains": "matches",
    "EditDistance": "edit_distance",
    "ExactMatch": "matches",
    "NormalizedMatch": "matches",
    "Readability": "readability",
    "Regex": "matches",
    "Rouge": "rouge",
    "Ter": "ter",
    "TokenF1": "token_f1",
}
"""Class of each scorer -> its module."""

__getattr__ = lazily(__name__, HOMES)
