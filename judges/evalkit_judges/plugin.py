"""Register the judges of evalkit, family by family."""

from __future__ import annotations

from collections.abc import Callable
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
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the maker of judges by the names that they have elsewhere."""
    from evalkit_judges.aliases import judge_by_alias

    return {"judge.": judge_by_alias}


@hookimpl
def evalkit_judges() -> tuple[Scorer, ...]:
    """Return every judge that comes with evalkit; their prompts are read when they are needed."""
    from evalkit_judges.library import LibraryJudge
    from evalkit_judges.pairs import PAIRS, LibraryPair

    single = [LibraryJudge.named(name) for family in FAMILIES.values() for name in family]
    return (*single, *(LibraryPair.named(name) for name in PAIRS))
