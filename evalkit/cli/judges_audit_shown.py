"""An audit on the terminal: one table a battery, with what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from evalkit.judging.auditing.audit import Audit
    from evalkit.judging.auditing.battery import Battery, ProbeRow

_MARKS: Final = {
    "pass": ("✓", "green"),
    "fail": ("✗", "bold red"),
    "inconclusive": ("?", "yellow"),
}


def show_audit(audit: Audit) -> None:
    """Write *audit* to stdout."""
    from rich.text import Text

    from evalkit.cli.output import show

    parts: list[Table | Text] = []
    for battery in audit.batteries.values():
        parts += [_heading(battery), *_table(battery), Text()]
    parts.append(_line(audit.outcome, audit.conclusion))
    cost = _spent(audit)
    show(*parts, *([Text(cost, "dim")] if cost else []))


def _heading(battery: Battery) -> Text:
    from rich.text import Text

    from evalkit.judging.auditing.tables import TITLES

    text = Text(TITLES[battery.name], "bold").append(f"  {battery.name}\n", "dim")
    return text.append_text(_line(battery.outcome, battery.conclusion))


def _line(outcome: str, conclusion: str) -> Text:
    from rich.text import Text

    mark, style = _MARKS[outcome]
    return Text(f"{mark} ", style).append(conclusion, "default")


def _table(battery: Battery) -> list[Table]:
    from rich.text import Text

    from evalkit.cli.output import listing
    from evalkit.judging.auditing.tables import columns_of, rows_of, shown_rows

    rows = shown_rows(battery)
    if not rows:
        return []
    table = listing()
    table.add_column("probe", no_wrap=battery.name != "garbage", overflow="fold")
    for name in columns_of(battery):
        table.add_column(name, justify="right", no_wrap=True)
    for place, cells in enumerate(rows_of(battery)):
        # The line of all probes comes after the rows.
        style = _style(battery, rows[place]) if place < len(rows) else "dim"
        table.add_row(*(Text(cell, style) for cell in cells))
    return [table]


def _style(battery: Battery, row: ProbeRow) -> str:
    if battery.name == "bias":
        p_value = None if row.effect is None else row.effect.p_value
        return "red" if p_value is not None and p_value < 0.05 else ""  # noqa: PLR2004
    return "red" if row.held < row.n else ""


def _spent(audit: Audit) -> str:
    calls = sum(spent["calls"] for spent in audit.usage.values())
    cached = sum(spent["cached"] for spent in audit.usage.values())
    costs = [spent["cost"] for spent in audit.usage.values()]
    if not calls and not cached:
        return ""
    told = f"{calls:,} calls, {cached:,} answered by recordings"
    return told if None in costs else f"{told}, ${sum(costs):.2f}"
