"""Judges of traces, which they read by tools."""

from __future__ import annotations

from typing import Final

JUDGES: Final = {
    "trace_error": "Did a step fail and spoil the outcome, and which step began it?",
    "trace_tool_call_efficiency": "Was every tool call of the trace needed?",
    "trace_plan_adherence": "What share of the plan's steps does the trace carry out?",
}
"""Name of the prompt file, and what is asked."""
