"""Several finished evaluations, opened and compared."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from evalkit.errors import UsageError
from evalkit.evaluation.baselines.opening import open_result
from evalkit.evaluation.comparing.comparison import Comparison
from evalkit.evaluation.results.result import Result
from evalkit.registry.uri import is_model_uri

R = TypeVar("R", bound=Result)


def compare_results(
    results: Sequence[Any],
    *,
    kind: type[R],
    names: Iterable[str] | None = None,
    baseline: str | None = None,
    metrics: Iterable[str] | None = None,
    anyway: bool = False,
    common: bool = False,
) -> Comparison[R]:
    """Compare results of class *kind*; `evalkit.compare` says what else may be given."""
    if len(results) < 2:  # noqa: PLR2004  it takes two to compare
        raise UsageError(f"compare needs at least two results, got {len(results)}.")
    opened = _opened(results, kind)
    for one, other in itertools.combinations(opened, 2):
        if _identity(one) == _identity(other):
            run = f"run {one.run_id[:12]}" if one.run_id else "one evaluation"
            raise UsageError(
                f"{one.name!r} and {other.name!r} are both {run}, which differs from itself in "
                "nothing. A name means its newest run; an id of `evalkit runs list` means any."
            )
    chosen = list(names) if names is not None else _distinct([r.name for r in opened])
    if len(chosen) != len(opened) or len(set(chosen)) != len(chosen):
        raise UsageError(f"names= needs {len(opened)} different names, got {chosen}.")
    first = baseline or chosen[0]
    if first not in chosen:
        raise UsageError(f"baseline={first!r} is none of {', '.join(chosen)}.")
    return Comparison(
        dict(zip(chosen, opened, strict=True)),
        baseline=first,
        metrics=metrics,
        anyway=anyway,
        common=common,
    )


def _identity(result: Result) -> tuple[Any, ...]:
    """Return what tells evaluations apart, opened from wherever; a run may have several."""
    return result.run_id, result.model_id, result.facts.plan.created or id(result)


def _opened(sources: Sequence[Any], kind: type[R]) -> list[R]:
    """Open all, runs in the store of the first result that is given as such.

    A registered model is opened by its evaluation on the cases of the first of the others.
    """
    given = next((source for source in sources if isinstance(source, Result)), None)
    results = {
        place: open_result(source, kind=kind, like=given)
        for place, source in enumerate(sources)
        if not is_model_uri(source)
    }
    like = next(iter(results.values()), None)
    return [
        results[place] if place in results else open_result(source, kind=kind, like=like)
        for place, source in enumerate(sources)
    ]


def _distinct(names: list[str]) -> list[str]:
    """Return *names*, with a number behind each that stands more than once."""
    counts: dict[str, int] = {}
    distinct: list[str] = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        distinct.append(name if names.count(name) == 1 else f"{name} ({counts[name]})")
    return distinct
