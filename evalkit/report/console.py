"""What terminals show, drawn by rich: texts with a look, grids, lists, and their plain form."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

Part: TypeAlias = Union[str, "RenderableType"]
"""What is shown: a text as it stands, or something that rich draws."""

WIDEST: Final = 120
"""Columns that a table uses at most: longer lines are hard to follow."""

_SIDES: Final[dict[str, dict[str, Any]]] = {
    "l": {"no_wrap": True, "overflow": "fold"},
    "r": {"no_wrap": True, "justify": "right"},
    "f": {"overflow": "fold"},
}


def styled(text: str, style: str = "bold") -> Text:
    """Return *text* as it is to look; a line that is too long is folded."""
    return _folding()(text, style, overflow="fold")


@functools.cache
def _folding() -> type[Text]:
    from rich.text import Text

    class Folding(Text):
        """Breaks what is longer than a line, such as a path, where its parts end."""

        def wrap(self, console: Any, width: int, **options: Any) -> Any:
            if options.get("no_wrap") or width < 1:
                return super().wrap(console, width, **options)
            start = rf"\S{{0,{width - 1}}}"
            words = re.finditer(rf"{start}\S(?!\S)|{start}[._=,/\\-]|{start}\S", self.plain)
            ends = [w.end() for w in words if self.plain[w.end() : w.end() + 1].strip()]
            return Text("\n").join(self.divide(ends)).wrap(console, width, **options)

    return Folding


def drawable(part: Part) -> RenderableType:
    """Return *part* as rich takes it, which would read markup in a text of unknown origin."""
    return styled(part, "") if isinstance(part, str) else part


def grid(sides: str = "lf", *, gap: int = 2) -> Table:
    """Return an empty table without heads; *sides* as `listing` has them."""
    from rich.table import Table

    table = Table.grid(padding=(0, gap, 0, 0))
    for side in sides:
        table.add_column(**_SIDES[side])
    return table


def fields(pairs: Iterable[tuple[str, Part | list[Any]]]) -> Table:
    """Return a table of names and what belongs to each; a list has a line for each item."""
    table = grid()
    for name, value in pairs:
        lines = value if isinstance(value, list) else [value]
        for place, line in enumerate(lines):
            table.add_row(styled("" if place else name, "dim"), drawable(line))
    return table


def listing(
    heads: Sequence[str], rows: Iterable[Sequence[Part]], sides: str, *, ruled: bool = False
) -> Table:
    """Return a table.

    Args:
        heads: Name of each column.
        rows: Cells.
        sides: For each column ``l`` (left), ``r`` (right) or ``f`` (left, over several lines).
        ruled: Whether a line stands below the heads.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD if ruled else None,
        pad_edge=False,
        header_style="dim",
        border_style="dim",
        padding=(0, 1) if ruled else (0, 2, 0, 0),
    )
    for head, side in zip(heads, sides, strict=True):
        table.add_column(styled(head, "dim"), **_SIDES[side])
    for row in rows:
        table.add_row(*map(drawable, row))
    return table


def plain_text(content: Iterable[Part], width: int) -> str:
    """Return what rich draws as a text without colour codes and without spaces at line ends."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(), width=width, color_system=None, force_terminal=False,
        force_jupyter=False,
    )  # fmt: skip
    with console.capture() as capture:
        for part in content:
            console.print(drawable(part))
    return stripped(capture.get())


def stripped(text: str) -> str:
    """Return *text* without spaces at the ends of lines, and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def terminal_width() -> int:
    """Return the columns of the terminal, at most `WIDEST`."""
    from rich.console import Console

    return min(Console(file=io.StringIO(), force_terminal=False, force_jupyter=False).width, WIDEST)
