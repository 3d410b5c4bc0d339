"""Judges of rules: instructions, guidelines, criteria and rubrics."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "instruction_following": "What share of the request's instructions does the answer follow?",
    "guidelines": "Does the answer keep every guideline?",
    "rubric": "Which level of the rubric does the answer reach?",
    "g_eval": "How well does the answer meet the criteria, weighed over token probabilities?",
}
"""Name of the prompt file, and what is asked."""
