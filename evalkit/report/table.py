"""The table that terminals and ``str(result)`` show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from evalkit._internal.words import percent
from evalkit.entities.estimate import Estimate
from evalkit.errors import UsageError
from evalkit.evaluation.results.view import failure_groups
from evalkit.gates.verdict import COVERAGE, GateVerdict
from evalkit.report.console import WIDEST, Part, drawable, grid, plain_text, styled, terminal_width
from evalkit.report.judges import judge_lines
from evalkit.report.notebook import fragment
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import STYLES, estimate_cells, one_line, value

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

_NARROWEST_KEY: Final = 12
_MOST_FAILURES: Final = 8


def refuse(result: EvaluationResult, path: Path) -> NoReturn:
    """Write no file: the table is not a file format.

    Raises:
        UsageError: Always; tells how to get the text.
    """
    raise UsageError(
        f"The table is not a file format; write str(result) of {result.name!r} "
        f"to {path}, or choose an extension such as .md."
    )


def show(
    result: EvaluationResult, form: Literal["text", "html"] = "text", *, width: int | None = None
) -> str:
    """Return *result* as a text without colour codes, or as a fragment of HTML for notebooks.

    A text has *width* columns; those of the terminal by default.
    """
    if form == "html":
        return fragment(result)
    width = terminal_width() if width is None else width
    return plain_text(render(result, width=min(width, WIDEST)), width)


def render(result: EvaluationResult, *, width: int = WIDEST) -> Iterator[Part]:
    """Yield *result* as what rich prints, with colours where the console has them."""
    yield styled(one_line(result.name))
    yield styled(subtitle(result), "dim")
    yield ""
    yield from _estimates(list(result.estimates.values()), result.facts.plan.level, width)
    for section in (_judges(result), _gates(result.verdict), _failures(result), _remarks(result)):
        if section:
            yield from ("", *section)


_Row = tuple[str, str, str, str, str]
"""Metric, value, interval, remark, and the style of the remark."""


def _row(estimate: Estimate, widest: int) -> _Row:
    key, number, ends, n, remark = estimate_cells(estimate)
    thin = estimate.coverage is not None and estimate.coverage < COVERAGE
    style = "bold red" if estimate.value is None or thin else "dim"
    return key, f"{number:>{widest}} (n={n})", ends, remark, style


def _estimates(estimates: Sequence[Estimate], level: float, width: int) -> Iterator[Part]:
    from rich.cells import cell_len

    if not estimates:
        yield styled("No metrics.", "dim")
        return
    widest = max(len(value(estimate.value)) for estimate in estimates)
    rows = [_row(estimate, widest) for estimate in estimates]
    head: _Row = ("metric", "value", f"{percent(level)} interval", "", "dim")
    number = max(len(row[1]) for row in rows)
    ends = max(len(row[2]) for row in [head, *rows])
    left = max(_NARROWEST_KEY, width - number - ends - 4)
    lengths = [cell_len(row[0]) for row in [head, *rows]]
    key = max(length for length in lengths if length <= left)
    rest = width - key - number - ends - 6
    beside = any(0 < cell_len(row[3]) <= rest for row in rows)
    yield _line(head, (key, number, ends), 0, "dim")
    yield styled("─" * (width if beside else key + number + ends + 4), "dim")
    for row in rows:
        if cell_len(row[0]) > left:  # its own line, and the numbers below
            yield row[0]
            row = ("", *row[1:])  # noqa: PLW2901
        remark, style = row[3:]
        fits = cell_len(remark) <= rest
        yield _line(row, (key, number, ends), rest if fits else 0, "")
        if remark and not fits:
            yield _indented(styled(remark, style))


def _line(row: _Row, widths: tuple[int, int, int], rest: int, style: str) -> Part:
    table = grid("flll" if rest > 0 else "fll")
    for column, width in zip(table.columns, (*widths, rest), strict=False):
        column.width = width
    styles = style, style or "bold", style, row[4]
    cells = [styled(text, look) for text, look in zip(row, styles, strict=False)]
    table.add_row(*cells[: len(table.columns)])
    return table


def _indented(content: Part) -> Part:
    from rich.padding import Padding

    return Padding(drawable(content), (0, 0, 0, 2))


def _judges(result: EvaluationResult) -> list[Part]:
    table = grid("ff")
    for metric, line in judge_lines(result):
        table.add_row(styled(one_line(metric)), styled(one_line(line, 400), ""))
    return [styled("judges against people", "dim"), _indented(table)] if table.row_count else []


def _gates(verdict: GateVerdict) -> list[Part]:
    if not verdict.conditions:
        return []
    head = styled("verdict  ", "dim").append(str(verdict.status), STYLES[verdict.status])
    return [head, _indented(gates(verdict, most=600))]


def gates(verdict: GateVerdict, most: int | None = None) -> Part:
    """Return each condition with the numbers that decided it, at most so many characters."""
    table = grid("ff")
    for condition in verdict.conditions:
        why = condition.why if most is None else one_line(condition.why, most)
        status = styled(str(condition.status), STYLES[condition.status])
        table.add_row(status, styled(why, ""))
    return table


def _failures(result: EvaluationResult) -> list[Part]:
    groups = failure_groups(result)
    table = grid("rf")
    for group in groups[:_MOST_FAILURES]:
        why = styled("", "").append(one_line(group.reason), "bold")
        why.append(f" in {one_line(group.place)}")
        if group.explanation:
            why.append(f": {one_line(group.explanation, 200)}")
        table.add_row(styled(f"{len(group.cells):,} ×", "red"), why)
    left = len(groups) - _MOST_FAILURES
    more = [_indented(styled(f"and {left} more reasons", "dim"))] if left > 0 else []
    return [styled("failures", "dim"), _indented(table), *more] if groups else []


def _remarks(result: EvaluationResult) -> list[Part]:
    table = grid("ff", gap=1)
    for remark in remarks(result):
        style = "bold red" if remark.alarming else ""
        table.add_row(styled("!", style or "yellow"), styled(remark.text, style))
    return [table] if table.row_count else []
