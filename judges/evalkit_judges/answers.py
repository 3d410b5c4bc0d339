"""Judges of answers to questions."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "correctness": "Does the answer agree with the expected facts, or with the expected answer?",
    "factual_correctness": "How many of the expected facts does the answer state?",
    "equivalence": "Do the answer and the expected one say the same?",
    "relevance_to_query": "Does the answer speak to what was asked?",
    "completeness": "How much of what was asked does the answer cover?",
    "groundedness": "Does the retrieved context support every claim of the answer?",
    "faithfulness": "What share of the answer's claims does the retrieved context support?",
    "hallucination": "What share of the answer's claims is contradicted or invented?",
}
"""Name of the prompt file, and what is asked."""
