"""Judges of agents: tools, plans and goals."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "tool_call_correctness": "Were the right tools called with the right arguments?",
    "tool_call_efficiency": "What share of the tool calls was needed?",
    "task_completion": "Was the user's task done?",
    "plan_adherence": "What share of the plan's steps was carried out?",
}
"""Name of the prompt file, and what is asked."""
