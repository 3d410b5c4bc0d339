"""How ``evalkit datasets show`` and ``validate`` describe data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evalkit.cli.output import facts_grid, show, tell

if TYPE_CHECKING:
    from evalkit.data.spool import Spool
    from evalkit.entities.case import Case

_CASE_FIELDS: Final = ("inputs", "outputs", "expectations", "retrieved_context", "tags", "must")
_LONGEST: Final = 300


def first_cases(data: str, cases: Spool) -> dict[str, Any]:
    """Return the cases of *data* and the mapping behind them, as plain values."""
    return {
        "data": data,
        "source": cases.facts["source"],
        "mapping": dict(cases.facts["mapping"]),
        "fields": sorted(cases.fields),
        "cases": [_plain(case) for batch in cases.batches() for case in batch],
    }


def whole_data(data: str, cases: Spool) -> dict[str, Any]:
    """Return what is known of all of *data*, as plain values."""
    return {
        "data": data,
        "source": cases.facts["source"],
        "cases": cases.n_cases,
        "rows": cases.n,
        "digest": cases.dataset_digest,
        "outputs_digest": cases.outputs_digest,
        "mapping": dict(cases.facts["mapping"]),
        "fields": {field: _filled(cases, field) for field in sorted(cases.fields)},
    }


def _plain(case: Case) -> dict[str, Any]:
    found = {"id": case.id}
    for field in _CASE_FIELDS:
        value = getattr(case, field)
        if value not in (None, {}, ()):
            found[field] = value
    return found


def _filled(cases: Spool, field: str) -> int:
    """Count the rows that have a value in *field*."""
    return sum(value not in (None, {}, ()) for value in cases.values(field))


def show_cases(facts: Mapping[str, Any]) -> None:
    """Print what `first_cases` returned."""
    from rich.text import Text

    from evalkit.report.texts import as_shown, one_line

    grid = facts_grid()
    grid.add_row("source", facts["source"])
    for place, (field, columns) in enumerate(facts["mapping"].items()):
        names = columns if isinstance(columns, str) else ", ".join(columns)
        grid.add_row("" if place else "mapping", Text(f"{field} from {names}"))
    for case in facts["cases"]:
        grid.add_row("", "")
        for field, value in case.items():
            style = "bold" if field == "id" else ""
            grid.add_row(field, Text(one_line(as_shown(value), _LONGEST), style))
    show(grid)


def show_whole(facts: Mapping[str, Any]) -> None:
    """Print what `whole_data` returned."""
    from rich.text import Text

    grid = facts_grid()
    repeats = "" if facts["rows"] == facts["cases"] else f" in {facts['rows']:,} rows"
    grid.add_row("cases", f"{facts['cases']:,}{repeats}")
    grid.add_row("digest", facts["digest"])
    for place, (field, filled) in enumerate(facts["fields"].items()):
        columns = facts["mapping"].get(field)
        names = columns if isinstance(columns, str) else ", ".join(columns or ())
        lacking = facts["rows"] - filled
        told = (f"from {names}" if names else "made by evalkit") + (
            f", missing in {lacking:,} rows" if lacking else ""
        )
        grid.add_row("" if place else "fields", Text(f"{field} {told}"))
    show(grid)
    tell(f"{facts['data']} can be evaluated.")
