"""Register the judges of evalkit, family by family."""

from __future__ import annotations

from typing import Final

from evalkit.plugin import Scorer, hookimpl
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


@hookimpl
def evalkit_judges() -> tuple[Scorer, ...]:
    """Return every judge that comes with evalkit; their prompts are read when they are needed."""
    from evalkit_judges.library import LibraryJudge

    return tuple(LibraryJudge.named(name) for family in FAMILIES.values() for name in family)
