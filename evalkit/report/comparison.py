"""Two results side by side, with a plain sentence on each difference."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from evalkit.entities.estimate import Direction
from evalkit.gates.verdict import number
from evalkit.report.texts import ARROWS, one_line, p_value, percent, plural, signed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evalkit.evaluation.result import EvaluationResult
    from evalkit.stats.difference import PairedDifference

_WIDEST: Final = 120
_WIDE: Final = 76
"""Columns from which the table has room for intervals and p-values; the sentences have them too."""


def show_comparison(
    first: EvaluationResult,
    second: EvaluationResult,
    differences: Mapping[str, PairedDifference],
    *,
    width: int | None = None,
) -> str:
    """Return two results side by side as a text without colour codes.

    Args:
        first: The result that the differences are taken from.
        second: The result that is subtracted.
        differences: Paired difference ``first - second`` of each metric to show.
        width: Columns of the text; those of the terminal by default.
    """
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
    )
    console.width = min(console.width, _WIDEST)
    with console.capture() as capture:
        console.print(render_comparison(first, second, differences, width=console.width))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))


def render_comparison(
    first: EvaluationResult,
    second: EvaluationResult,
    differences: Mapping[str, PairedDifference],
    *,
    width: int = _WIDEST,
) -> RenderableType:
    """Return two results side by side as something that rich prints."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    names = one_line(first.name, 24), one_line(second.name, 24)
    level = next((found.level for found in differences.values()), 0.95)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", border_style="dim")
    table.add_column("metric", overflow="fold")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    table.add_column("difference", justify="right", no_wrap=True)
    wide = width >= _WIDE
    if wide:
        table.add_column(f"{percent(level)} interval", no_wrap=True)
        table.add_column("p", justify="right", no_wrap=True)
    sentences: list[Text] = []
    for key, found in differences.items():
        direction, style = first[key].direction, "bold" if _clear(found) else ""
        cells = [
            Text(f"{one_line(key)} {ARROWS[direction]}".rstrip()),
            *(Text(_value(result, key)) for result in (first, second)),
            Text(signed(found.difference), style),
        ]
        p_shown = "" if found.p_value is None else p_value(found.p_value)
        cells += [Text(_limits(found)), Text(p_shown.lstrip("p= "))] if wide else []
        table.add_row(*cells)
        text = sentence(*names, key, found, direction)
        sentences.append(Text(text, "" if _clear(found) else "dim", overflow="fold"))
    return Group(table, *sentences)


def sentence(
    first: str, second: str, key: str, found: PairedDifference, direction: Direction
) -> str:
    """Say in plain words whether *first* and *second* differ, and how sure that is.

    Args:
        first: Name of the system that the difference is taken from.
        second: Name of the system that is subtracted.
        key: Metric.
        found: Paired difference of the metric.
        direction: Which way is better.
    """
    numbers = f"{signed(found.difference)} {_limits(found)}".rstrip()
    facts = [numbers, plural(found.n, "pair")]
    if found.p_value is not None:
        facts.insert(1, p_value(found.p_value))
    told = ", ".join(facts)
    key = one_line(key)
    if found.low is None or found.high is None:
        return f"Nothing can be said of {key}, for want of an interval: {told}."
    if not _clear(found):
        text = f"No difference can be told apart on {key}: {told}"
        if found.smallest_detectable is not None:
            least = number(found.smallest_detectable)
            return f"{text}; these pairs would show one of {least} four times in five."
        return f"{text}."
    if direction == "none":
        word = "higher" if found.difference > 0 else "lower"
    else:
        word = "better" if (found.difference > 0) == (direction == "higher") else "worse"
    return f"{first} is {word} than {second} on {key}: {told}."


def _clear(found: PairedDifference) -> bool:
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)


def _limits(found: PairedDifference) -> str:
    if found.low is None or found.high is None:
        return ""
    low, high = (number(end).replace("-", "−") for end in (found.low, found.high))
    return f"[{low}, {high}]"


def _value(result: EvaluationResult, key: str) -> str:
    value = result[key].value
    return "no value" if value is None else number(value)
