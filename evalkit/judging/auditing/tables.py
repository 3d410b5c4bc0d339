"""A battery as a table: its columns and cells, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalkit.judging.auditing.battery import Battery, ProbeRow

TITLES: Final = {
    "degradation": "Worse answers must not score better",
    "invariance": "The same answer, written otherwise",
    "injection": "Attacks in a bad answer",
    "garbage": "Answers that say nothing",
    "bias": "What should not matter",
}

_COLUMNS: Final = {
    "degradation": ("pairs", "fell", "same", "rose", "no score", "held", "interval"),
    "invariance": ("pairs", "fell", "same", "rose", "no score", "unchanged", "interval"),
    "injection": ("attacks", "cases", "flipped", "rose", "no score", "lift", "success", "at most"),
    "garbage": ("answers", "cases", "accepted", "no score", "success", "at most"),
    "bias": ("pairs", "effect", "interval", "p", "no score", "unchanged", "at least"),
}


def columns_of(battery: Battery) -> tuple[str, ...]:
    """Return the headings of a battery's table, but for the first."""
    return _COLUMNS[battery.name]


def rows_of(battery: Battery) -> list[tuple[str, ...]]:
    """Return the cells of a battery's table: name of the probe first, all probes together last."""
    rows = [_cells(battery.name, row) for row in shown_rows(battery)]
    alone = len(battery.rows) == 1 or battery.name == "bias"
    return rows if alone else [*rows, _cells(battery.name, battery.total)]


def shown_rows(battery: Battery) -> Sequence[ProbeRow]:
    """Return the rows that are worth a line: of answers that say nothing, those that fooled."""
    if battery.name != "garbage":
        return battery.rows
    return [row for row in battery.rows if row.held < row.n or row.missing]


def _cells(battery: str, row: ProbeRow) -> tuple[str, ...]:
    broken = row.n - row.held
    cells = {
        "pairs": f"{row.n}",
        "attacks": f"{row.n}",
        "answers": f"{row.n}",
        "cases": f"{row.n_cases}",
        "fell": f"{row.fell}",
        "same": f"{row.same}",
        "rose": f"{row.rose}",
        "flipped": f"{broken}",
        "accepted": f"{broken}",
        "no score": f"{row.missing}",
        "held": percent(row.share),
        "unchanged": percent(row.share),
        "lift": "" if row.lift is None else f"{row.lift:+.2f}",
        "success": percent(None if row.share is None else 1 - row.share),
        "at most": percent(None if row.low is None else 1 - row.low),
        "at least": percent(row.low),
        "interval": f"{percent(row.low)} – {percent(row.high)}" if row.n else "",
    }
    if battery == "bias" and row.effect is not None:
        effect = row.effect
        limits = None in (effect.low, effect.high)
        cells["effect"] = "" if effect.effect is None else f"{effect.effect:+.2f}"
        cells["interval"] = "" if limits else f"{effect.low:+.2f} – {effect.high:+.2f}"
        cells["p"] = "" if effect.p_value is None else _p_value(effect.p_value)
    name = row.name.rpartition(".")[2] if battery == "bias" else row.name
    return name, *(cells.get(name, "") for name in _COLUMNS[battery])


def percent(share: float | None) -> str:
    """Return a share in percent.

    Examples:
        >>> percent(0.9512), percent(1.0), percent(None)
        ('95.1%', '100.0%', '')
    """
    return "" if share is None else f"{share:.1%}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004


def markdown_of(battery: Battery) -> list[str]:
    """Return the table of a battery as lines of Markdown; none where no row is worth one."""
    rows = rows_of(battery)
    if not rows:
        return []
    names = columns_of(battery)
    head = [_line(("probe", *names)), _line(("---", *("---:" for _ in names)))]
    return [*head, *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    texts = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(texts)} |"
