"""`sweep`, `grid` and `compare`: several systems on the same cases."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.compare import compare_results
from evalkit.evaluation.comparing.comparison import Comparison
from evalkit.evaluation.evaluate import evaluate
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.earlier import spent_of
from evalkit.evaluation.running.runtime import Runtime
from evalkit.llm.budget import Budget
from evalkit.llm.usage import Ledger

_LONGEST_NAME: Final = 40
"""Characters up to which a value of a grid is its own name."""


def compare(
    *results: Result | str | Path,
    names: Iterable[str] | None = None,
    baseline: str | None = None,
    metrics: Iterable[str] | None = None,
    anyway: bool = False,
) -> Comparison[EvaluationResult]:
    """Compare results on the same cases, paired.

    Args:
        results: Two or more: results, runs (id, name, ``latest``), folders of evaluations, baseline
            files, ``git:REF:path`` of one, ``models:/NAME@ALIAS``, or log files of Inspect and
            lm-eval, whose recorded scores are compared.
        names: A name for each; by default their own.
        baseline: Name of the one that the others are set against; the first by default.
        metrics: Metrics to compare; by default all that they share.
        anyway: Compare even where dataset, scorer signature or reducer differ.

    Raises:
        UsageError: If fewer than two are given, or they cannot be compared, naming what differs.
    """
    return compare_results(
        results,
        kind=EvaluationResult,
        names=names,
        baseline=baseline,
        metrics=metrics,
        anyway=anyway,
    )


def grid(make: Callable[..., Any], **choices: Iterable[Any]) -> dict[str, Any]:
    """Return a target for every combination of *choices*, named after what varies.

    Args:
        make: What makes a target, such as `evalkit.chat`.
        choices: For each of its arguments the values to try: a list, or a mapping of short names to
            values, such as ``prompt={"plain": "Q: {{ question }}", "brief": "Be brief. …"}``.
            Values of a list that are too long for a name are numbered.

    Raises:
        UsageError: If an argument has no values, or is not a list but a bare text or number.

    Examples:
        >>> list(grid(lambda greeting, mark: greeting + mark, greeting=["hi", "yo"], mark=["!"]))
        ['greeting=hi', 'greeting=yo']
        >>> grid(lambda tone: tone, tone={"kind": "Be kind to everybody.", "curt": "Be brief."})
        {'tone=kind': 'Be kind to everybody.', 'tone=curt': 'Be brief.'}
    """
    named = {name: _named_choices(name, values) for name, values in choices.items()}
    if not named or not all(named.values()):
        raise UsageError("grid needs at least one choice for every argument.")
    varying = [name for name, values in named.items() if len(values) > 1] or list(named)
    targets: dict[str, Any] = {}
    for combination in itertools.product(*(values.items() for values in named.values())):
        chosen = dict(zip(named, combination, strict=True))
        given = {name: value for name, (_, value) in chosen.items()}
        targets[",".join(f"{name}={chosen[name][0]}" for name in varying)] = make(**given)
    return targets


def _named_choices(argument: str, values: Any) -> dict[str, Any]:
    """Return each value by a short name of its own."""
    if isinstance(values, Mapping):
        return {str(name): value for name, value in values.items()}
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        shown = repr(values) if len(repr(values)) <= _LONGEST_NAME else "…"
        raise UsageError(
            f"grid tries every value of a list, and {argument}= is {type(values).__name__}: "
            f"give {argument}=[{shown}], or a mapping of names to values."
        )
    listed = list(values)
    names = [_short_name(value) for value in listed]
    unique = all(names) and len(set(names)) == len(names)
    if not unique:
        names = [
            name if name and names.count(name) == 1 else f"#{place}"
            for place, name in enumerate(names, start=1)
        ]
    return dict(zip(names, listed, strict=True))


def _short_name(value: Any) -> str:
    """Return *value* as a name; an empty text where it is too long for one."""
    text = getattr(value, "__name__", None) or str(value)
    return text if len(text) <= _LONGEST_NAME and text.isprintable() else ""


def _what_is_left(runtime: Runtime | None, result: EvaluationResult) -> Runtime | None:
    """Return *runtime* with its budget less what *result* has spent of it."""
    if runtime is None or runtime.budget is None:
        return runtime
    ledger, own = Ledger(), not result.facts.plan.target.asks_models
    for role, usage in result.usage.items():
        ledger.merge(role, spent_of(usage))
    seconds = max((usage.seconds for usage in result.usage.values()), default=0.0)
    budget = dataclasses.replace(Budget.of(runtime.budget), own_target=own)
    return dataclasses.replace(runtime, budget=budget.left(ledger, seconds))


def sweep(
    targets: Mapping[str, Any] | Any,
    data: Any,
    scorers: Any = (),
    *,
    baseline: str | None = None,
    **as_evaluate: Any,
) -> Comparison[EvaluationResult]:
    """Evaluate several targets on the same data, one run each, and compare them.

    Args:
        targets: Name to target, such as from `grid`.
        data: Whatever `evaluate` takes; an iterator is read once and kept.
        scorers: Whatever `evaluate` takes.
        baseline: Name of the target that the others are set against; the first by default.
        **as_evaluate: Further arguments of `evaluate`.

    Raises:
        UsageError: If fewer than two targets are given.
    """
    if not isinstance(targets, Mapping):
        raise UsageError("sweep takes targets by name: {'old': bot_a, 'new': bot_b}.")
    if len(targets) < 2:  # noqa: PLR2004  it takes two to compare
        raise UsageError(f"sweep needs at least two targets, got {len(targets)}.")
    if baseline is not None and baseline not in targets:
        raise UsageError(f"baseline={baseline!r} is none of {', '.join(targets)}.")
    if as_evaluate.get("shard") is not None:
        raise UsageError("sweep divides no data: evaluate each target with shard=, then merge.")
    name = as_evaluate.pop("name", None)
    results: dict[str, EvaluationResult] = {}
    first: EvaluationResult | None = None
    for target_name, target in targets.items():
        label = target_name if name is None else f"{name}/{target_name}"
        source = data if first is None else first  # the first run's snapshot: equal for all
        results[target_name] = evaluate(target, source, scorers, name=label, **as_evaluate)
        if first is None:
            first = results[target_name]
            for used in ("columns", "limit", "sample", "split"):
                as_evaluate.pop(used, None)
            late = first.spool.late.items()  # what a target returns is still mapped
            as_evaluate["columns"] = {field: f"outputs.{path}" for field, path in late} or None
        as_evaluate["runtime"] = _what_is_left(as_evaluate.get("runtime"), results[target_name])
    return Comparison(results, baseline=baseline or next(iter(targets)))
