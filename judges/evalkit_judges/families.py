"""The judges of evalkit, family by family."""

from __future__ import annotations

from typing import Final

from evalkit_judges import (
    agents,
    answers,
    code,
    conversation,
    instructions,
    retrieval,
    safety,
    traces,
    writing,
)

FAMILIES: Final = {
    "answers": answers.JUDGES,
    "retrieval": retrieval.JUDGES,
    "writing": writing.JUDGES,
    "instructions": instructions.JUDGES,
    "safety": safety.JUDGES,
    "code": code.JUDGES,
    "agents": agents.JUDGES,
    "traces": traces.JUDGES,
    "conversation": conversation.JUDGES,
}
"""Name and question of every judge, by family."""
