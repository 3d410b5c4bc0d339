"""Options and arguments that several commands share, besides the words of `evaluate`."""

from __future__ import annotations

from typing import Final

import click

STORE: Final = "evalkit.store"
"""Key of the context's ``meta`` under which ``--store`` is remembered."""


def use_store(context: click.Context, uri: str) -> None:
    """Keep and look for runs in the store *uri* until the command ends."""
    from evalkit.tracking.place import set_tracking_uri

    context.meta[STORE] = uri
    set_tracking_uri(uri)
    context.call_on_close(lambda: set_tracking_uri(None))


def _use(context: click.Context, _option: click.Parameter, uri: str | None) -> None:
    if uri is not None and not context.resilient_parsing:
        use_store(context, uri)


run_argument = click.argument("run", metavar="RUN")
prefix_argument = click.argument("prefix", default="", metavar="[PREFIX]")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
report_option = click.option(
    "--report",
    multiple=True,
    metavar="FILE",
    help="Write a report in the format of the extension: .html, .md, .json, .xml …",
)
store_option = click.option(
    "--store",
    metavar="URI",
    callback=_use,
    expose_value=False,
    is_eager=True,
    help="Store of runs; EVALKIT_TRACKING_URI, else sqlite:///evalkit.db, by default.",
)
"""The command's store of runs is then that one."""
