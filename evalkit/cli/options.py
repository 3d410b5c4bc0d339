"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from evalkit.cli.group import STORE

F = TypeVar("F", bound=Callable[..., Any])


def run_argument(function: F) -> F:
    """Add the argument RUN."""
    return click.argument("run", metavar="RUN")(function)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        function
    )


def report_option(function: F) -> F:
    """Add ``--report``, which may be given several times."""
    return click.option(
        "--report",
        multiple=True,
        metavar="FILE",
        help="Write a report in the format of the extension: .html, .md, .json, .xml …",
    )(function)


def store_option(function: F) -> F:
    """Add ``--store``: the command's store of runs is then that one."""
    return click.option(
        "--store",
        metavar="URI",
        callback=_use,
        expose_value=False,
        is_eager=True,
        help="Store of runs; EVALKIT_TRACKING_URI, else sqlite:///evalkit.db, by default.",
    )(function)


def _use(context: click.Context, _option: click.Parameter, uri: str | None) -> None:
    if uri is not None and not context.resilient_parsing:
        use_store(context, uri)


def use_store(context: click.Context, uri: str) -> None:
    """Keep and look for runs in the store *uri* until the command ends."""
    from evalkit.tracking.place import set_tracking_uri

    context.meta[STORE] = uri
    set_tracking_uri(uri)
    context.call_on_close(lambda: set_tracking_uri(None))
