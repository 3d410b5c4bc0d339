"""Register the judges of evalkit, family by family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from evalkit.plugin import Scorer, hookimpl
from evalkit_judges.families import FAMILIES, PAIRS


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the maker of judges by the names that they have elsewhere."""
    return {"judge.": _by_alias}


@hookimpl
def evalkit_judges() -> Mapping[str, Callable[[], Scorer]]:
    """Return what makes each judge that comes with evalkit; prompts are read when needed."""
    single = {f"judge.{name}": partial(_judge, name) for each in FAMILIES.values() for name in each}
    return single | {f"judge.{name}": partial(_pair, name) for name in PAIRS}


def _judge(name: str) -> Scorer:
    from evalkit_judges.library import LibraryJudge  # start-up: few ask for a judge

    return LibraryJudge.named(name)


def _pair(name: str) -> Scorer:
    from evalkit_judges.pairs import LibraryPair  # start-up: few ask for a judge

    return LibraryPair.named(name)


def _by_alias(name: str) -> Scorer:
    from evalkit_judges.aliases import judge_by_alias  # start-up: few ask for a judge

    return judge_by_alias(name)
