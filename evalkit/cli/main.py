"""The command ``evalkit``: which commands there are, and where each one lives."""

from __future__ import annotations

import io
import sys
from typing import Final

import click

from evalkit.cli.group import LazyCommand, LazyGroup

COMMANDS: Final = {
    "demo": LazyCommand("Start", "Take the tour: evaluate, compare and report, offline."),
    "init": LazyCommand("Start", "Write a small working example to edit."),
    "evaluate": LazyCommand("Evaluate", "Evaluate a model, or stored answers, on data."),
    "resume": LazyCommand("Evaluate", "Finish an evaluation that was interrupted."),
    "retry": LazyCommand("Evaluate", "Run what failed again, as a new run."),
    "score": LazyCommand("Evaluate", "Add scorers to finished work; the target is not called."),
    "merge": LazyCommand("Evaluate", "Merge the shards of an evaluation, gated as a whole."),
    "compare": LazyCommand("Look", "Compare runs on the same cases, paired."),
    "gate": LazyCommand("Look", "Judge a finished run by conditions."),
    "plan": LazyCommand("Look", "Say how many cases and repeats find a difference."),
    "report": LazyCommand("Look", "Show a run, or write it as a report."),
    "runs": LazyCommand("Look", "List, show and delete runs."),
    "models": LazyCommand("Look", "Register models, and move their aliases."),
    "scorers": LazyCommand("Know", "List and show scorers."),
    "judges": LazyCommand("Know", "List, show, explain, calibrate and audit judges."),
    "datasets": LazyCommand("Know", "List, show and check data."),
    "recordings": LazyCommand("Know", "List, show and prune recorded model calls."),
    "doctor": LazyCommand("Know", "Say what is installed and configured, and what is wrong."),
}
"""Name of each command -> its heading and summary; ``evalkit.cli.NAME:command`` is the command."""


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        import platform
        from importlib.metadata import version

        click.echo(f"evalkit {version('evalkit-ai')} (Python {platform.python_version()})")
        context.exit()


cli = LazyGroup(
    "evalkit",
    lazy=COMMANDS,
    help=(
        "Evaluate models, from classic estimators to language-model applications, "
        "and trust the numbers."
    ),
    epilog=(
        "RUN is the id of a run or its beginning, a name, 'latest', 'latest~1', or the folder of "
        "an evaluation.\n\n"
        "Exit codes: 0 pass, 1 gate failed, 2 wrong usage or input, 3 inconclusive, "
        "4 infrastructure, nothing scored or a report unwritten, 5 budget spent, "
        "70 a bug of evalkit, 130 interrupted."
    ),
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_show_version,
            help="Show the version and exit.",
        )
    ],
)


def main() -> int:
    """Run the command line on the arguments of this process; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows no arrows shows question marks; that is no reason to fail.
            stream.reconfigure(errors="replace")
    code: int = cli.main(prog_name="evalkit", standalone_mode=False)
    return code
