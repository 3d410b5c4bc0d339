"""Human labels of a result's cases: by whom, and what a judge's metric calls the same."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from evalkit.errors import UsageError
from evalkit.evaluation.results.recorded import RECORDED
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Metric

TRUTH: Final[Mapping[str, float]] = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

Annotations = dict[int, dict[str, Any]]
"""Row of a case -> annotator -> label, as the data has it."""


def label_names(metric: Metric) -> list[str]:
    """Return the names under which human labels of *metric* may stand, the likeliest first."""
    names = [metric.key, metric.scorer]
    if metric.scorer == RECORDED:
        names = [metric.key.removeprefix(f"{RECORDED}."), metric.key]
    return list(dict.fromkeys(names))


def required_annotations(result: Result, metric: Metric) -> Annotations:
    """Return the human labels of *metric*, by case and annotator.

    ``labels.NAME`` is one label, a list of them (one for each annotator), or a mapping of
    annotators to labels; ``labels.NAME.ANNOTATOR`` columns are read as such a mapping.

    Raises:
        UsageError: If no case has a label; shows how to map a column.
    """
    names = label_names(metric)
    for name in names:
        of_cases = ((row, dict(_of_case(name, w or {}))) for row, w in enumerate(_written(result)))
        annotations = {row: labels for row, labels in of_cases if labels}
        if annotations:
            return annotations
    others = sorted({other for written in _written(result) for other in written or ()})
    more = f" Labels there are: {', '.join(others)}." if others else ""
    raise UsageError(
        f"No case has a human label of {names[0]!r}; map a column: "
        f"columns={{'labels.{names[0]}': 'human'}}, or --column labels.{names[0]}=human.{more}"
    )


def is_annotated(result: Result, metric: Metric) -> bool:
    """Say whether any case has a human label of *metric*; stops at the first."""
    names = label_names(metric)
    return any(
        any(_of_case(name, written)) for written in _written(result) if written for name in names
    )


def _written(result: Result) -> Sequence[Mapping[str, Any] | None]:
    return result.spool.values("labels") if "labels" in result.spool.fields else ()


def _of_case(name: str, written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    whole = written.get(name)
    labels: list[tuple[Any, Any]] = [("human", whole)]
    if isinstance(whole, Mapping):
        labels = list(whole.items())
    elif isinstance(whole, (list, tuple)):
        listed = enumerate(cast("Sequence[Any]", whole), start=1)
        labels = [(f"annotator {place}", label) for place, label in listed]
    start = f"{name}."
    labels += [(k.removeprefix(start), v) for k, v in written.items() if k.startswith(start)]
    yield from ((str(who), label) for who, label in labels if is_label(label))


def is_label(value: Any) -> bool:
    """Say whether *value* is a label rather than an empty cell.

    Examples:
        >>> is_label(0), is_label(""), is_label(None), is_label(float("nan"))
        (True, False, False, False)
    """
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def meanings(result: Result, metric: Metric) -> dict[str, float]:
    """Return what each of the judge's words is worth, its whole menu where that is known."""
    worth = {
        label: float(value)
        for label, value in menu(result, metric).items()
        if value is not None and math.isfinite(float(value))
    }
    column = metric.column
    for row, label in column.labels.items():
        if math.isfinite(column.values[row]):
            worth.setdefault(label, float(column.values[row]))
    if set(worth.values()) <= {0.0, 1.0}:
        worth = {**TRUTH, **worth}
    return worth


def menu(result: Result, metric: Metric) -> dict[str, Any]:
    """Return the words that the judge may say, in its order, and what each is worth.

    Empty where that is not known.
    """
    for scorer in result.facts.scorers:
        if scorer.name == metric.scorer:
            inner = getattr(scorer, "inner", scorer)
            inner = getattr(inner, "judge", next(iter(getattr(inner, "judges", ())), inner))
            form = getattr(getattr(inner, "prepared", None), "form", None)
            if form is not None and form.labels:
                return dict(zip(form.labels, form.values, strict=True))
    choices = result.facts.plan.scorer(metric.scorer).get("parameters", {}).get("choices", ())
    pairs = choices.items() if isinstance(choices, Mapping) else choices
    return {str(label): value for label, value in pairs}


def label_numbers(
    metric: Metric, annotations: Annotations, worth: Mapping[str, float]
) -> dict[int, dict[str, float]]:
    """Return *annotations* as numbers, by what words are *worth*.

    Raises:
        UsageError: If one is neither a number nor a word of the judge.
    """
    folded = {word.casefold(): value for word, value in worth.items()}

    def number(label: Any) -> float:
        if isinstance(label, (bool, int, float)):
            return float(label)
        if isinstance(label, str):
            value = worth.get(label, folded.get(label.strip().casefold()))
            if value is not None:
                return value
            with contextlib.suppress(ValueError):
                return float(label)
        words = ", ".join(sorted(worth)) or "numbers"
        raise UsageError(
            f"{metric.key}: the human label {label!r} is neither a number nor one of: "
            f"{words}; unordered words are kind='nominal', or --kind nominal."
        )

    return {
        row: {who: number(label) for who, label in labels.items()}
        for row, labels in annotations.items()
    }


def label_text(value: Any) -> str:
    """Return a label as a word: what a judge says and what a person wrote must meet.

    Examples:
        >>> label_text(True), label_text(2.0), label_text(" Rude ")
        ('yes', '2', 'Rude')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return str(value).strip()


def most_common(labels: Sequence[Any]) -> Any:
    """Return the label that most annotators gave; ``None`` where two share the first place."""
    ranked = Counter(labels).most_common(2)
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return None
    return ranked[0][0]
