"""The judge that a word of the command line means."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from evalkit.errors import UnknownScorerError, UsageError, near_miss

_FILES: Final = frozenset({".yaml", ".yml", ".md"})


def judge_of(text: str, judge_model: str | None = None) -> Any:
    """Return the judge that a registered name, ``module:object`` or a file means."""
    from evalkit.evaluation.running.scorers import resolve_scorers
    from evalkit.evaluation.specification.words import read_scorer
    from evalkit.judging.judge import load_judge

    judge: Any
    if Path(text).suffix.lower() in _FILES:
        judge = load_judge(text)
    else:
        try:
            (judge,) = resolve_scorers(read_scorer(text))
        except UnknownScorerError as error:
            hint = near_miss(text, error.known)
            problem = f"No judge is called {text!r}.{hint} See 'evalkit judges list'."
            raise UsageError(problem) from error
    if not hasattr(inner(judge), "with_model"):
        raise UsageError(f"{text!r} is a scorer that asks no model; 'evalkit scorers show' has it.")
    own = getattr(judge, "model", None)
    return judge if judge_model is None or own is not None else judge.with_model(judge_model)


def inner(scorer: Any) -> Any:
    """Return what scores inside a scorer that reads other fields or keeps another name."""
    return getattr(scorer, "inner", scorer)
