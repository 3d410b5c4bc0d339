"""Judges of programs."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "code_correctness": "Would the code do what the task asks?",
    "sql_equivalence": "Do both queries return the same rows on every database of the schema?",
}
"""Name of the prompt file, and what is asked."""
