"""A comparison of systems as the table that terminals and ``str(comparison)`` show."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit.gates.verdict import number
from evalkit.report.comparison import sentence
from evalkit.report.comparison_document import comparison_document
from evalkit.report.texts import ARROWS, listed, one_line, p_value, percent, plural, signed

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from evalkit.evaluation.comparing.comparison import Comparison

WIDEST: Final = 120
_WIDE: Final = 84
"""Columns from which there is room for intervals and p-values."""

_STYLES: Final = {"better": "green", "worse": "red", "different": "bold", "": ""}


def show_systems(comparison: Comparison, *, width: int | None = None) -> str:
    """Return *comparison* as a text without colour codes, as wide as the terminal or *width*."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
    )
    console.width = min(console.width, WIDEST)
    with console.capture() as capture:
        console.print(render_systems(comparison, width=console.width))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))


def render_systems(
    comparison: Comparison,
    *,
    width: int = WIDEST,
    adjust: str = "benjamini-hochberg",
    cases: int = 0,
    tags: Sequence[str] = (),
) -> RenderableType:
    """Return *comparison* as something that rich prints.

    Args:
        comparison: What to show.
        width: Columns there are.
        adjust: How p-values are adjusted for their number.
        cases: Fixed and broken cases to show of each system and metric.
        tags: Tags to show differences by.
    """
    from rich.console import Group
    from rich.text import Text

    told = comparison_document(comparison, adjust=adjust, cases=cases, tags=tags)
    wide = width >= _WIDE
    parts: list[RenderableType] = [_rows(told, wide=wide)]
    if len(comparison) == 2:  # noqa: PLR2004  sentences about more would drown the table
        for row in comparison.rows:
            direction = row.pairs.metric.facts.direction
            names = one_line(row.b, 24), one_line(row.a, 24)
            text = sentence(*names, row.metric, row.found, direction)
            parts.append(Text(text, "" if row.outcome else "dim", overflow="fold"))
    parts += [_ranks(metric, found) for metric, found in told["ranks"].items()]
    parts += [_slice(tag, found, wide=wide) for tag, found in told["slices"].items()]
    for changed in told["cases"]:
        for what in ("fixed", "broke"):
            parts += _changed(changed, what)
    for sides in told["unmatched"].values():
        parts += [Text(line, "dim", overflow="fold") for line in _unmatched(sides)]
    parts += [Text(note, "yellow", overflow="fold") for note in told["notes"]]
    return Group(*parts)


def _table(*columns: tuple[str, bool]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", border_style="dim")
    for name, is_text in columns:
        table.add_column(
            one_line(name, 24),
            justify="left" if is_text else "right",
            overflow="fold" if is_text else "ellipsis",
            no_wrap=not is_text,
        )
    return table


def _rows(told: Mapping[str, Any], *, wide: bool) -> Table:
    from rich.text import Text

    rows = told["rows"]
    several = len(told["systems"]) > 2  # noqa: PLR2004
    other = "value" if several else rows[0]["b"]
    columns = [("metric", True), (told["baseline"], False)]
    columns += [("system", True)] if several else []
    columns += [(other, False), ("difference", False)]
    if wide:
        columns += [(f"{percent(told['level'])} interval", True), ("adjusted p", False)]
    table = _table(*columns, ("fixed", False), ("broke", False))
    for row in sorted(rows, key=lambda row: _place(row, rows)) if several else rows:
        style = _STYLES[row["outcome"]]
        cells = [
            Text(f"{one_line(row['metric'])} {ARROWS[row['direction']]}".rstrip()),
            Text(_value(row["value_a"])),
        ]
        cells += [Text(one_line(row["b"], 24))] if several else []
        cells += [Text(_value(row["value_b"])), Text(signed(row["difference"]), style)]
        if wide:
            cells += [Text(limits(row)), Text(_p(row["p_adjusted"]))]
        table.add_row(*cells, Text(f"{row['n_fixed']:,}"), Text(f"{row['n_broke']:,}"))
    return table


def _place(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Return where the row's metric first stands, so that its systems stand together."""
    return next(at for at, other in enumerate(rows) if other["metric"] == row["metric"])


def _ranks(metric: str, found: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table((f"{metric}, ranked", True), ("value", False), ("rank", False))
    for row in found:
        table.add_row(one_line(row["system"], 40), _value(row["value"]), rank(row))
    return table


def _slice(tag: str, found: Sequence[Mapping[str, Any]], *, wide: bool) -> RenderableType:
    columns = [(tag, True), ("metric", True), ("system", True), ("difference", False)]
    columns += [("interval", True), ("adjusted p", False)] if wide else []
    table = _table(*columns, ("pairs", False))
    for row in found:
        cells = [one_line(str(row["value"]), 24), one_line(row["metric"]), one_line(row["b"], 24)]
        cells.append(signed(row["difference"]))
        cells += [limits(row), _p(row["p_adjusted"])] if wide else []
        table.add_row(*cells, f"{row['n_pairs']:,}")
    return table


def _changed(changed: Mapping[str, Any], what: str) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    found = changed[what]
    if not found:
        return []
    count = changed[f"n_{what}"]
    more = f", {len(found)} of them" if count > len(found) else ""
    head = f"{one_line(changed['b'], 24)} {what} {plural(count, 'case')} on {changed['metric']}"
    lines: list[RenderableType] = [Text(f"\n{head}{more}", "bold")]
    for case in found:
        text = Text.assemble(
            (one_line(case["id"], 24), "dim"),
            f"  {one_line(case['inputs'])}\n",
            ("− ", "red"),
            f"{one_line(case['output_a'])}\n",
            ("+ ", "green"),
            one_line(case["output_b"]),
            overflow="fold",
        )
        lines.append(Padding(text, (0, 0, 0, 2)))
    return lines


def _unmatched(sides: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name, ids in sides.items():
        if ids:
            head = f"Only in {one_line(name, 24)}, {plural(len(ids), 'case')}"
            yield f"{head}: {', '.join(listed(ids))}"


def rank(row: Mapping[str, Any]) -> str:
    """Return the ranks that are open to a system, or its only one."""
    best, worst = row["best_rank"], row["worst_rank"]
    return f"{best}" if best == worst else f"{best}–{worst}"


def limits(row: Mapping[str, Any]) -> str:
    """Return the interval of a row in brackets, or an empty text."""
    if row["low"] is None or row["high"] is None:
        return ""
    low, high = (number(end).replace("-", "−") for end in (row["low"], row["high"]))
    return f"[{low}, {high}]"


def _value(value: float | None) -> str:
    return "no value" if value is None else number(value)


def _p(value: float | None) -> str:
    return "" if value is None else p_value(value).removeprefix("p ").removeprefix("= ")
