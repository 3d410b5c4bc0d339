"""Two results joined case by case."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit._internal.clock import day
from evalkit._internal.words import plural
from evalkit.data.identity import DATASET_FIELDS
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.results.estimates import Part
from evalkit.evaluation.results.result import Result
from evalkit.gates.key import Key
from evalkit.scoring.column import Metric
from evalkit.scoring.estimate import case_facts, case_values
from evalkit.scoring.facts import MetricFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One metric of two results, case by case, on the cases that both have."""

    metric: Metric
    other: Metric
    ids: Any
    """Ids of the joined cases, shape ``(n,)``."""

    rows: tuple[Any, Any]
    """Row of each joined case in either result."""

    values: tuple[Any, Any]
    """Value of each joined case in either result, NaN where it has none."""

    facts: MetricFacts
    """Direction and range of a case's value, in either result."""

    n_unmatched: int
    """Cases that only one of the results has."""

    in_common: str = ""
    """Of results on different data: how many cases are joined and which are not, in words."""

    quantile: float | None = None
    """Share below the quantile that is compared; ``None`` for means and corpus metrics."""

    def take(self, places: Any) -> Pairs:
        """Return some of the joined cases only."""
        return dataclasses.replace(
            self,
            ids=self.ids[places],
            rows=(self.rows[0][places], self.rows[1][places]),
            values=(self.values[0][places], self.values[1][places]),
        )


def join(
    a: Result, b: Result, key: str | Key, *, anyway: bool = False, common: bool = False
) -> Pairs:
    """Return *key* of two results joined by case id; raises as `difference` does.

    Where the data differ and *common* is asked for, only cases that ask and expect the same are.
    """
    first, second = a.by_key.part(key), b.by_key.part(key)
    if first.key.function in {"min", "max"} or first.key.worst_by is not None:
        text = key if isinstance(key, str) else f"{key.function}({key.metric})"
        raise UsageError(f"{text} is an extreme, and the difference of two has no interval.")
    if not anyway:
        check_comparable(a, b, first, second, common=common)
    rows_a, rows_b = common_rows(a, b)
    in_common = ""
    if common and a.dataset["digest"] != b.dataset["digest"]:
        rows_a, rows_b, in_common = _unchanged(a, b, rows_a, rows_b)
    pairs = Pairs(
        metric=first.metric,
        other=second.metric,
        ids=a.case_ids[rows_a],
        rows=(rows_a, rows_b),
        values=(_values(a, first)[rows_a], _values(b, second)[rows_b]),
        facts=case_facts(first.metric.column, first.metric.facts, first.reducer),
        n_unmatched=len(a) + len(b) - 2 * len(rows_a),
        in_common=in_common,
        quantile=0.5 if first.key.function == "median" else first.key.quantile,
    )
    if not first.key.tags:
        return pairs
    return pairs.take(np.flatnonzero(np.isin(rows_a, a.by_key.rows_with(first.key.tags))))


def check_comparable(
    a: Result, b: Result, first: Part, second: Part, *, common: bool = False
) -> None:
    """Refuse two metrics whose numbers do not mean the same; of *common* cases data may differ.

    Raises:
        UsageError: Naming what differs.
    """
    for differing in what_differs(a, b, first, second, common=common):
        raise UsageError(
            f"{a.name!r} and {b.name!r} cannot be compared on {first.metric.key}: {differing}"
        )


def what_differs(
    a: Result, b: Result, first: Part, second: Part, *, common: bool = False
) -> Iterator[str]:
    """Yield a clause on everything for which two numbers do not mean the same."""
    differing = {
        **({} if common else {"dataset": (a.dataset["digest"], b.dataset["digest"])}),
        "signature": (first.metric.signature, second.metric.signature),
        "reducer": (str(first.reducer), str(second.reducer)),
    }
    for what, (mine, other) in differing.items():
        if mine != other:
            why = _why_other_data(a, b) if what == "dataset" else "."
            yield f"their {what} differs ({mine} and {other}){why}"


def _why_other_data(a: Result, b: Result) -> str:
    """Say in which fields two datasets differ; a table of several systems' answers leaks tags."""
    if len(a) != len(b):
        return f": {len(a)} and {len(b)} cases."
    if any(result.facts.plan.scores_only for result in (a, b)):  # by id, as a file is sorted
        first, second = (dict(zip(r.case_ids, r.spool.case_digests, strict=True)) for r in (a, b))
        if first.keys() != second.keys():
            return ": their ids differ."
        changed = sum(digest != second[case_id] for case_id, digest in first.items())
        what = f"{plural(changed, 'case')} changed" if changed else "their order or tags differ"
        return f": {what}."
    fields = [
        field
        for field in ("id", *DATASET_FIELDS)
        if list(a.spool.values(field)) != list(b.spool.values(field))
    ]
    why = f": their {' and '.join(fields)} differ." if fields else "."
    if fields == ["tags"]:
        why += (
            " Columns that nothing claims become tags, another system's answers too; drop them by "
            "columns={'tags': None}, and keep some by {'tags': None, 'tags.region': 'region'}."
        )
    return why


def common_rows(a: Result, b: Result) -> tuple[Any, Any]:
    """Return the rows of either result that hold the same case, joined by id.

    Raises:
        UsageError: If they share no case.
    """
    ids_a, ids_b = a.case_ids, b.case_ids
    if len(ids_a) == len(ids_b) and (ids_a == ids_b).all():
        rows = np.arange(len(ids_a))
        return rows, rows
    place = {case_id: row for row, case_id in enumerate(ids_b)}
    both = [(row, place[i]) for row, i in enumerate(ids_a) if i in place]
    if not both:
        raise UsageError(f"{a.name!r} and {b.name!r} share no case.")
    rows = np.array(both, dtype=np.int64)
    return rows[:, 0], rows[:, 1]


def _unchanged(a: Result, b: Result, rows_a: Any, rows_b: Any) -> tuple[Any, Any, str]:
    """Return those of the joined rows that ask and expect the same, and how many, in words.

    Raises:
        UsageError: If there are none.
    """
    first, second = (np.array(result.spool.case_digests, dtype=object) for result in (a, b))
    same = first[rows_a] == second[rows_b]
    if not same.any():
        raise UsageError(f"{a.name!r} and {b.name!r} share no case that asks and expects the same.")
    counts = {
        "new": len(a) - len(rows_a),
        "changed": int((~same).sum()),
        f"in {b.name} alone": len(b) - len(rows_b),
    }
    others = ", ".join(f"{count:,} {where}" for where, count in counts.items() if count)
    text = f"{same.sum():,} cases in common ({others})" if others else ""
    return rows_a[same], rows_b[same], text


def dated_name(result: Result) -> str:
    """Return the name of a baseline with its day and commit, so that an old one is seen."""
    created, commit = result.facts.plan.created, result.facts.environment.get("git") or {}
    age = [*([day(created)] if created else []), (commit.get("commit") or "")[:8]]
    return f"{result.name} ({', '.join(filter(None, age))})" if any(age) else result.name


def _values(result: Result, part: Part) -> Any:
    values, status = case_values(part.metric.column, result.by_key.design, part.reducer)
    return np.where(status == Status.OK, values, np.nan)
