"""Results go to stdout, everything else to stderr; a reader that goes away is no error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


def write(text: str) -> None:
    """Write *text* and a line end to stdout; do nothing if nobody reads it any more."""
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        write_nowhere()


def write_nowhere() -> None:
    """Send the rest of stdout nowhere, as with ``| head``; the exit code stays what it is."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(value: Any) -> None:
    """Write *value* as indented JSON to stdout."""
    import orjson

    from evalkit._internal.canonical import canonical_json

    # By way of the canonical form, which turns whatever a store may hold into plain JSON.
    plain = _in_order(orjson.loads(canonical_json(value)), value)
    write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode("utf-8"))


def _in_order(plain: Any, like: Any) -> Any:
    """Return *plain* with the keys of its mappings in the order of *like*."""
    if isinstance(plain, dict) and isinstance(like, dict) and all(key in plain for key in like):
        return {key: _in_order(plain[key], like[key]) for key in like}
    if isinstance(plain, list) and isinstance(like, list):
        return [_in_order(a, b) for a, b in zip(plain, like, strict=True)]
    return plain


def tell(text: str) -> None:
    """Write a remark to stderr."""
    click.echo(text, err=True)


def show(*content: RenderableType) -> None:
    """Write what rich draws to stdout, with colours where it is a terminal."""
    console = drawing_board()
    with console.capture() as capture:
        for part in content:
            console.print(part)
    write("\n".join(line.rstrip() for line in capture.get().rstrip().split("\n")))


def drawing_board() -> Console:
    """Return a console as wide as the terminal, which draws into memory."""
    from rich.console import Console

    return Console(file=io.StringIO(), force_terminal=sys.stdout.isatty(), highlight=False)


def facts_grid() -> Table:
    """Return an empty table of two columns: what is told, and what there is to tell."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def listing() -> Table:
    """Return an empty table without lines, with a dim header."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
