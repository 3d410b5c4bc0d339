"""Register the judges of evalkit, family by family."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.plugin import Scorer, hookimpl
from evalkit_judges.aliases import judge_by_alias
from evalkit_judges.families import FAMILIES


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the maker of judges by the names that they have elsewhere."""
    return {"judge.": judge_by_alias}


@hookimpl
def evalkit_judges() -> tuple[Scorer, ...]:
    """Return every judge that comes with evalkit; their prompts are read when they are needed."""
    # start-up: they need the judges of evalkit
    from evalkit_judges.library import LibraryJudge
    from evalkit_judges.pairs import PAIRS, LibraryPair

    single = [LibraryJudge.named(name) for family in FAMILIES.values() for name in family]
    return (*single, *(LibraryPair.named(name) for name in PAIRS))
