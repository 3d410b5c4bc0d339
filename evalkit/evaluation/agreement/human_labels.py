"""Human labels of a result's cases: by whom, and what a judge's metric calls the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from evalkit.errors import UsageError
from evalkit.evaluation.results.recorded import RECORDED

if TYPE_CHECKING:
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


def annotations_of(result: Result, metric: Metric) -> Annotations:
    """Return the human labels of *metric*, by case and annotator.

    ``labels.NAME`` is one label, a list of them (one for each annotator), or a mapping of
    annotators to labels; ``labels.NAME.ANNOTATOR`` columns are read as such a mapping.

    Raises:
        UsageError: If no case has one; shows how to map a column.
    """
    spool = result.spool
    given: Sequence[Mapping[str, Any]] = spool.values("labels") if "labels" in spool.fields else []
    for name in label_names(metric):
        found = {row: dict(_of_case(name, said)) for row, said in enumerate(given) if said}
        found = {row: labels for row, labels in found.items() if labels}
        if found:
            return found
    name = label_names(metric)[0]
    have = sorted({key for said in given for key in said})
    more = f" Labels there are: {', '.join(have)}." if have else ""
    raise UsageError(
        f"No case has a human label of {name!r}; map a column: "
        f"columns={{'labels.{name}': 'human'}}, or --column labels.{name}=human.{more}"
    )


def is_annotated(result: Result, metric: Metric) -> bool:
    """Say whether any case has a human label of *metric*, as `annotations_of` reads them."""
    if "labels" not in result.spool.fields:
        return False
    given: Sequence[Mapping[str, Any]] = result.spool.values("labels")
    names = label_names(metric)
    return any(any(_of_case(name, said)) for said in given if said for name in names)


def _of_case(name: str, said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    whole = said.get(name)
    if isinstance(whole, Mapping):
        yield from _present(whole.items())
    elif isinstance(whole, (list, tuple)):
        listed = enumerate(cast("Sequence[Any]", whole), start=1)
        yield from _present((f"annotator {place}", label) for place, label in listed)
    elif is_label(whole):
        yield "human", whole
    start = f"{name}."
    yield from _present(
        (key.removeprefix(start), label) for key, label in said.items() if key.startswith(start)
    )


def _present(pairs: Any) -> Iterator[tuple[str, Any]]:
    yield from ((str(who), label) for who, label in pairs if is_label(label))


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
    found = {
        label: float(value)
        for label, value in _menu(result, metric)
        if value is not None and math.isfinite(float(value))
    }
    column = metric.column
    for row, label in column.labels.items():
        if math.isfinite(column.values[row]):
            found.setdefault(label, float(column.values[row]))
    if set(found.values()) <= {0.0, 1.0}:
        found = {**TRUTH, **found}
    return found


def menu(result: Result, metric: Metric) -> list[str]:
    """Return the words that the judge may say, in its order; empty where that is not known."""
    return [label for label, _ in _menu(result, metric)]


def _menu(result: Result, metric: Metric) -> list[tuple[str, Any]]:
    for scorer in result.facts.scorers:
        if scorer.name == metric.scorer:
            inner = getattr(scorer, "inner", scorer)
            inner = getattr(inner, "judge", next(iter(getattr(inner, "judges", ())), inner))
            form = getattr(getattr(inner, "prepared", None), "form", None)
            if form is not None and form.labels:
                return list(zip(form.labels, form.values, strict=True))
    for spec in result.facts.plan.scorers:
        choices = spec.get("inner", spec).get("parameters", {}).get("choices", ())
        if spec["name"] == metric.scorer and choices:
            pairs = choices.items() if isinstance(choices, Mapping) else choices
            return [(str(label), value) for label, value in pairs]
    return []


def label_number(metric: str, label: Any, worth: Mapping[str, float]) -> float:
    """Return *label* as a number.

    Raises:
        UsageError: If it is neither a number nor a word of the judge.
    """
    if isinstance(label, (bool, int, float)):
        return float(label)
    if isinstance(label, str):
        folded = {word.casefold(): value for word, value in worth.items()}
        found = worth.get(label, folded.get(label.strip().casefold()))
        if found is not None:
            return found
        try:
            return float(label)
        except ValueError:
            pass
    known = ", ".join(sorted(worth)) or "numbers"
    raise UsageError(
        f"{metric}: the human label {label!r} is neither a number nor one of: {known}."
    )


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
