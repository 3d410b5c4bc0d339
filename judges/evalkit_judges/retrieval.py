"""Judges of what was retrieved."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "context_relevance": "What share of the retrieved passages bears on the question?",
    "context_sufficiency": "Is what was retrieved enough to answer the question?",
    "context_precision": "Do useful passages come before useless ones?",
    "context_recall": "What share of the expected answer does the retrieved context support?",
}
"""Name of the prompt file, and what is asked."""
