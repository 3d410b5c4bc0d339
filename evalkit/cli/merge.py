"""``evalkit merge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(
    cls=Command, own_modules=True, example="evalkit merge qa-1 qa-2 --report report.html"
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@keyword("scorers", "Corpus scorer of your own, which files do not bring along; repeat.")
@keyword("gates", "Condition to hold; by default those that the shards were started with.")
@keyword("baseline", "What gates compare with; by default that of the shards.")
@keyword("name")
@keyword("experiment")
@keyword("no_store")
@click.option("-o", "--output", metavar="FOLDER", help="Keep the result there, in no store.")
@concluded
def command(
    *,
    runs: tuple[str, ...],
    scorers: tuple[str, ...],
    gates: tuple[str, ...],
    no_store: bool | None,
    output: str | None,
    **options: Any,
) -> EvaluationResult:
    """Merge shards of one evaluation, or runs on disjoint cases, as a run of its own.

    The gates of 'evalkit evaluate --shard I/N' are judged here, once, on the whole. RUN is also
    the folder of an evaluation, such as one that another machine has made.
    """
    from evalkit.evaluation.merge import merge
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.evaluation.specification.words import read_scorer

    nowhere = no_store or output is not None
    return merge(
        [EvaluationResult.load(run) for run in runs],
        scorers=[read_scorer(text) for text in scorers],
        gates=gates or None,
        runtime=Runtime(store=False if nowhere else None),
        folder=output,
        **options,
    )
