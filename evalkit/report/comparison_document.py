"""A comparison as plain values: the form that its files, ``--json`` and the pages share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from evalkit.errors import EvalkitError
from evalkit.evaluation.comparing.row import adjusted
from evalkit.evaluation.results.view import tag_columns
from evalkit.report.texts import as_shown, limits, listed, p_value, signed, value

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.comparing.row import Row

SCHEMA: Final = "evalkit.comparison/1"
CASES: Final = 10
"""Fixed and broken cases of each system and metric, unless another number is asked for."""

_METRICS_WITH_CASES: Final = 4
_LONGEST: Final = 2_000

_SHORT: Final = 40
"""Characters below which fields of a case follow one another on a line."""


def comparison_document(
    comparison: Comparison,
    *,
    adjust: str = "benjamini-hochberg",
    cases: int = CASES,
    tags: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Return *comparison* as plain values.

    Args:
        comparison: What to describe.
        adjust: How p-values are adjusted, as `Comparison.table` takes it.
        cases: Most fixed and most broken cases of each system and metric.
        tags: Tags to tell differences by; by default those worth slicing by.

    Returns:
        ``schema, baseline, systems, level, adjusted_by, rows, ranks, slices, cases, unmatched,
        notes``.
    """
    p_values = adjusted([row.difference.p_value for row in comparison.rows], adjust)
    return {
        "schema": SCHEMA,
        "baseline": comparison.baseline,
        "systems": [
            {
                "name": name,
                "run_id": comparison[name].run_id,
                "model_id": comparison[name].model_id,
                "dataset": dict(comparison[name].dataset),
                "n": len(comparison[name]),
            }
            for name in comparison
        ],
        "level": comparison[comparison.baseline].facts.plan.level,
        "adjusted_by": adjust,
        "rows": [
            row.facts(p)
            | {
                name: len(row.changed(better=better)) if _may_break(row) else None
                for name, better in (("n_fixed", True), ("n_broke", False))
            }
            for row, p in zip(comparison.rows, p_values, strict=True)
        ],
        "ranks": dict(_ranks(comparison)) if len(comparison) > 2 else {},  # noqa: PLR2004
        "slices": dict(_slices(comparison, tags)),
        "cases": list(_changed(comparison, cases)) if cases else [],
        "unmatched": {
            name: _unmatched(comparison, name)
            for name in comparison.others
            if comparison.row(comparison.metrics[0], name).pairs.n_unmatched
        },
        "notes": list(comparison.notes),
    }


def _may_break(row: Row) -> bool:
    """Say whether a case can be right or wrong by a metric: not of seconds, words or a whole."""
    facts, (values, _) = row.pairs.facts, row.pairs.values
    has_values = bool((values == values).any())  # noqa: PLR0124  NaN alone differs from itself
    return has_values and facts.direction != "none" and facts.unit is None


def _unmatched(comparison: Comparison, name: str) -> dict[str, list[str]]:
    """Return the ids of the cases that one side alone has, by that side's name."""
    alone = comparison.unmatched(name)
    return {
        side: alone["id"][alone["only_in"] == side].tolist() for side in (comparison.baseline, name)
    }


def _ranks(comparison: Comparison) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for metric in comparison.metrics:
        try:
            yield metric, _records(comparison.ranks(metric))
        except EvalkitError:  # neither more nor less of it is better
            continue


def _slices(
    comparison: Comparison, tags: Iterable[str] | None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    wanted = tag_columns(comparison[comparison.others[0]]) if tags is None else tags
    for tag in wanted:
        try:
            table = comparison.by(tag)
        except EvalkitError:
            if tags is not None:
                raise
            continue
        rows = _records(table.rename(columns={tag: "value"}))
        if rows:
            yield tag, sorted(rows, key=lambda row: _gain(comparison, row))


def _gain(comparison: Comparison, row: Mapping[str, Any]) -> float:
    """Return the gain of a slice in widths of its interval: what broke most surely is the least."""
    direction = comparison.row(row["metric"], row["b"]).pairs.facts.direction
    sign = {"higher": 1.0, "lower": -1.0, "none": 0.0}[direction]
    width = 1.0 if row["low"] is None else (row["high"] - row["low"]) or 1.0
    return sign * float(row["difference"]) / width


def _changed(comparison: Comparison, most: int) -> Iterator[dict[str, Any]]:
    for name in comparison.others:
        contexts = [comparison.contexts(side) for side in (comparison.baseline, name)]
        rows = (comparison.row(metric, name) for metric in comparison.metrics)
        for row in islice(filter(_may_break, rows), _METRICS_WITH_CASES):
            metric = row.metric
            fixed, broke = (row.changed(better=better) for better in (True, False))
            if len(fixed) or len(broke):
                yield {
                    "b": name,
                    "metric": metric,
                    "n_fixed": len(fixed),
                    "n_broke": len(broke),
                    "broke": _texts(comparison.broke(metric, system=name, limit=most), contexts),
                    "fixed": _texts(comparison.fixed(metric, system=name, limit=most), contexts),
                }


def _texts(frame: pd.DataFrame, contexts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return *frame* as texts, with the *contexts* of either side, by case."""
    names = ("inputs", "expectations", "output_a", "output_b", "reason_a", "reason_b")
    return [
        row
        | {name: _text(row[name]) for name in names}
        | {
            name: [_text(passage) for passage in _passages(found.get(row["id"]))]
            for name, found in zip(("context_a", "context_b"), contexts, strict=True)
        }
        for row in _records(frame)
    ]


def _passages(context: Any) -> list[Any]:
    """Return the texts of passages, whatever form a retriever gave them."""
    listed = context if isinstance(context, (list, tuple)) else [context] if context else []
    texts = ("content", "page_content", "text")
    return [
        next((p[name] for name in texts if isinstance(p, Mapping) and name in p), p)
        for p in cast("Sequence[Any]", listed)
    ]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        if {"label", "probabilities"} <= value.keys():
            value = value["label"]  # of a classifier's answer, what can be right
        elif len(value) == 1:
            value = next(iter(value.values()))  # the only one needs no name
        elif value:
            parts = [f"{name}: {as_shown(part)}" for name, part in value.items()]
            value = (", " if max(map(len, parts)) < _SHORT else "\n").join(parts)
    text = as_shown(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): _number(value) for key, value in row.items()} for row in frame.to_dict("records")
    ]


def _number(value: Any) -> Any:
    # A frame turns None among numbers into NaN.
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


SLICE_HEADS: Final = ("metric", "system", "difference", "interval", "adjusted p", "pairs")
RANK_HEADS: Final = ("value", "rank")


def slice_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of differences by a tag: its value, and those of `SLICE_HEADS`."""
    for row in rows:
        yield (
            str(row["value"]),
            row["metric"],
            row["b"],
            signed(row["difference"]),
            limits(row["low"], row["high"]),
            p_cell(row["p_adjusted"]),
            f"{row['n_pairs']:,}",
        )


def rank_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of ranked systems: the system, and those of `RANK_HEADS`."""
    for row in rows:
        best, worst = row["best_rank"], row["worst_rank"]
        rank = f"{best}" if best == worst else f"{best}–{worst}"
        yield row["system"], value(row["value"]), rank


def p_cell(p: float | None) -> str:
    """Return a p-value as a cell below a head that says so.

    Examples:
        >>> p_cell(0.00002), p_cell(0.0312), p_cell(None)
        ('< 0.001', '0.031', '')
    """
    return "" if p is None else p_value(p).removeprefix("p ").removeprefix("= ")


def alone(sides: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int, str]]:
    """Yield name, number of cases, and the first of these, of each side that has cases alone."""
    for name, ids in sides.items():
        if ids:
            yield name, len(ids), ", ".join(listed(ids))
