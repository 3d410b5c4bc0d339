"""Options and arguments that several commands share, besides the words of `evaluate`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

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


def concluded(work: Callable[..., EvaluationResult]) -> Callable[..., None]:
    """Have a command print the result of *work*, write its reports and exit as its verdict says.

    A report that cannot be written is refused before anything is done.
    """

    @report_option
    @json_option
    @store_option
    @click.pass_context
    @functools.wraps(work)
    def command(
        context: click.Context, /, *, report: tuple[str, ...], as_json: bool, **words: Any
    ) -> None:
        from evalkit.cli.results import check_report_files, exit_code, show_results, write_reports

        check_report_files(report)
        result = work(**words)
        show_results([result], as_json=as_json)
        unwritten = write_reports(result, report)
        context.exit(exit_code([result]) or unwritten)

    return command
