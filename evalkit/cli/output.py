"""Results go to stdout, everything else to stderr; a reader that goes away is no error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit._internal.clock import now_milliseconds
from evalkit.report.console import Part, drawable, stripped
from evalkit.settings import colours

if TYPE_CHECKING:
    from rich.console import Console

_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


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
    write(json_text(value))


def json_text(value: Any) -> str:
    """Return *value* as indented JSON, its keys in their own order."""
    import orjson

    from evalkit._internal.canonical import canonical_json

    # By way of the canonical form, which turns whatever a store may hold into plain JSON.
    plain = _in_order(orjson.loads(canonical_json(value)), value)
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode("utf-8")


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


def emit(
    value: Any, form: str | Callable[[Any], Iterable[Part]], *, as_json: bool, empty: str = ""
) -> None:
    """Print *value*, or say on stderr that there is nothing.

    Args:
        value: What a command has to tell, as plain values.
        form: What draws it, or the very text that tells it.
        as_json: Whether to print the value itself instead.
        empty: What is said where *value* is empty, if that is worth a word.
    """
    if as_json:
        write_json(value)
    elif isinstance(form, str):
        write(form)
    elif value or not empty:
        show(*form(value))
    else:
        tell(empty)


def show(*content: Part) -> None:
    """Write what rich draws to stdout, with colours where it is a terminal."""
    console = drawing_board()
    with console.capture() as capture:
        for part in content:
            console.print(drawable(part))
    write(stripped(capture.get()))


def drawing_board() -> Console:
    """Return a console as wide as the terminal, which draws into memory."""
    from rich.console import Console

    wanted = colours()
    terminal = sys.stdout.isatty() if wanted is None else wanted
    return Console(file=io.StringIO(), force_terminal=terminal, highlight=False)


def ago(moment: int, now: int | None = None) -> str:
    """Return how long ago *moment* was, in milliseconds since 1970, in the largest unit.

    Examples:
        >>> ago(0, now=90_000), ago(0, now=200), ago(0, now=3 * 86_400_000)
        ('1 min ago', 'now', '3 d ago')
    """
    passed = (now_milliseconds() if now is None else now) - moment
    for size, unit in _UNITS:
        if passed >= size:
            return f"{passed // size} {unit} ago"
    return "now"
