"""The table that terminals and ``str(result)`` show."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from evalkit.entities.estimate import Estimate
from evalkit.errors import UsageError
from evalkit.gates.verdict import COVERAGE, GateVerdict, Verdict, number
from evalkit.report.comparison import show_comparison
from evalkit.report.comparison_table import show_systems
from evalkit.report.failing import failure_groups
from evalkit.report.judges import judge_lines
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import ARROWS, interval, one_line, percent, shortfalls

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult

__all__ = ["TableReport", "render", "show", "show_comparison"]

Form = Literal["text", "html"]

STYLES: Final[dict[Verdict, str]] = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INFRA: "bold magenta",
    Verdict.BUDGET: "bold blue",
}
WIDEST: Final = 120
"""Columns that a table uses at most: longer lines are hard to follow."""

_NARROWEST_KEY: Final = 12
_MOST_FAILURES: Final = 8


class TableReport:
    """Shows a result in a terminal or a notebook; writes no file."""

    name = "table"
    extensions: tuple[str, ...] = ()

    def show(self, result: EvaluationResult, form: Form = "text") -> str:
        """Return *result* as a plain text or as a fragment of HTML."""
        return show(result, form)

    def show_comparison(self, comparison: Comparison) -> str:
        """Return *comparison* as a plain text."""
        return show_systems(comparison)

    def write(self, result: EvaluationResult, path: Path) -> NoReturn:
        """Refuse: the table is not a file format.

        Raises:
            UsageError: Always; tells how to get the text.
        """
        raise UsageError(
            f"The table is not a file format; write str(result) of {result.name!r} "
            f"to {path}, or choose an extension such as .md."
        )


def show(result: EvaluationResult, form: Form = "text", *, width: int | None = None) -> str:
    """Return *result* as a text without colour codes, or as a fragment of HTML for notebooks.

    Args:
        result: What to show.
        form: ``text`` or ``html``.
        width: Columns of the text; those of the terminal by default.
    """
    if form == "html":
        from evalkit.report.notebook import fragment

        return fragment(result)
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
    )
    return drawn(console, render(result, width=min(console.width, WIDEST)))


def drawn(console: Console, content: RenderableType) -> str:
    """Return what *console* draws, without spaces at the ends of lines."""
    with console.capture() as capture:
        console.print(content)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))


def render(result: EvaluationResult, *, width: int = WIDEST) -> RenderableType:
    """Return *result* as something that rich prints, with colours where the console has them."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(one_line(result.name), style="bold"),
        Text(subtitle(result), style="dim"),
        Text(""),
        *_estimates(list(result.estimates.values()), result.facts.plan.level, width),
    ]
    for section in (
        _judges(result),
        _gates(result.verdict),
        _failures(result),
        _remarks(result),
    ):
        if section:
            parts += [Text(""), *section]
    return Group(*parts)


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    value: str
    interval: str
    remark: str
    alarming: bool = False


def _row(estimate: Estimate, widest: int) -> _Row:
    value = "no value" if estimate.value is None else number(estimate.value)
    remark = [estimate.unit or "", *shortfalls(estimate), estimate.note or ""]
    coverage = estimate.coverage
    return _Row(
        f"{one_line(estimate.key)} {ARROWS[estimate.direction]}".rstrip(),
        f"{value:>{widest}} (n={estimate.n_scored}/{estimate.n_total})",
        interval(estimate),
        " · ".join(one_line(part) for part in remark if part),
        alarming=estimate.value is None or (coverage is not None and coverage < COVERAGE),
    )


def _estimates(estimates: Sequence[Estimate], level: float, width: int) -> list[RenderableType]:
    from rich.cells import cell_len
    from rich.text import Text

    if not estimates:
        return [Text("No metrics.", style="dim")]
    shown = ["no value" if e.value is None else number(e.value) for e in estimates]
    rows = [_row(estimate, max(map(len, shown))) for estimate in estimates]
    head = _Row("metric", "value", f"{percent(level)} interval", "")
    value = max(len(row.value) for row in rows)
    ends = max(len(row.interval) for row in [head, *rows])
    left = max(_NARROWEST_KEY, width - value - ends - 4)
    lengths = [cell_len(row.key) for row in [head, *rows]]
    key = max(length for length in lengths if length <= left)
    rest = width - key - value - ends - 6
    beside = any(0 < cell_len(row.remark) <= rest for row in rows)
    rule = Text("─" * (width if beside else key + value + ends + 4), "dim")
    lines: list[RenderableType] = [_line(head, (key, value, ends), 0, "dim"), rule]
    for row in rows:
        if cell_len(row.key) > left:  # its own line, and the numbers below
            lines.append(Text(row.key, overflow="fold"))
            row = dataclasses.replace(row, key="")  # noqa: PLW2901
        fits = cell_len(row.remark) <= rest
        lines.append(_line(row, (key, value, ends), rest if fits else 0, ""))
        if row.remark and not fits:
            lines.append(_indented(Text(row.remark, _remark_style(row))))
    return lines


def _remark_style(row: _Row) -> str:
    return "bold red" if row.alarming else "dim"


def _line(row: _Row, widths: tuple[int, int, int], rest: int, style: str) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=widths[0], overflow="fold")
    grid.add_column(width=widths[1], no_wrap=True)
    grid.add_column(width=widths[2], no_wrap=True)
    cells = [Text(row.key, style), Text(row.value, style or "bold"), Text(row.interval, style)]
    if rest > 0:
        grid.add_column(width=rest, no_wrap=True)
        cells.append(Text(row.remark, _remark_style(row)))
    grid.add_row(*cells)
    return grid


def _indented(content: RenderableType) -> RenderableType:
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, 2))


def _judges(result: EvaluationResult) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    found = judge_lines(result)
    if not found:
        return []
    grid = Table.grid(padding=(0, 2, 0, 0))
    for metric, told in found:
        grid.add_row(Text(one_line(metric), "bold"), Text(one_line(told, 400), overflow="fold"))
    return [Text("judges against people", style="dim"), _indented(grid)]


def _gates(verdict: GateVerdict) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    if not verdict.conditions:
        return []
    head = Text.assemble(("verdict  ", "dim"), (str(verdict.status), STYLES[verdict.status]))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for condition in verdict.conditions:
        status = Text(str(condition.status), STYLES[condition.status])
        grid.add_row(status, Text(one_line(condition.why, 600), overflow="fold"))
    return [head, _indented(grid)]


def _failures(result: EvaluationResult) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    groups = failure_groups(result)
    if not groups:
        return []
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for group in groups[:_MOST_FAILURES]:
        where = one_line(group.place)
        why = Text.assemble((one_line(group.reason), "bold"), f" in {where}")
        if group.explanation:
            why.append(f": {one_line(group.explanation, 200)}")
        grid.add_row(Text(f"{len(group.cells):,} ×", "red"), why)
    left = len(groups) - _MOST_FAILURES
    more: list[Any] = [_indented(Text(f"and {left} more reasons", "dim"))] if left > 0 else []
    return [Text("failures", style="dim"), _indented(grid), *more]


def _remarks(result: EvaluationResult) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    found = remarks(result)
    if not found:
        return []
    grid = Table.grid(padding=(0, 1, 0, 0))
    for remark in found:
        style = "bold red" if remark.alarming else "yellow"
        text = Text(remark.text, style if remark.alarming else "", overflow="fold")
        grid.add_row(Text("!", style), text)
    return [grid]
