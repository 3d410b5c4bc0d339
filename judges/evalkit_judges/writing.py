"""Judges of summaries, translations and prose."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "summarization_coherence": "Is the summary well built, sentence after sentence?",
    "summarization_consistency": "Does the summary say only what its source says?",
    "summarization_fluency": "Is each sentence of the summary well written?",
    "summarization_relevance": "Does the summary hold what matters, and nothing else?",
    "fluency": "Is the text grammatical and natural to read?",
    "style": "Does the text keep to the style or tone that is asked for?",
    "translation_quality": "How much of meaning and grammar does the translation keep?",
}
"""Name of the prompt file, and what is asked."""
