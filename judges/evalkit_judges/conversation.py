"""Judges of whole conversations."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "conversation_completeness": "What share of the user's wishes was met by the end?",
    "knowledge_retention": "Did the assistant keep in mind what it had been told?",
    "conversational_role_adherence": "Did the assistant stay in its role?",
    "conversational_safety": "Is each of the assistant's turns free of harmful content?",
    "user_frustration": "Was the user frustrated, and was it mended?",
}
"""Name of the prompt file, and what is asked."""
