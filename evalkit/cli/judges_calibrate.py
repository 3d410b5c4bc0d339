"""``evalkit judges calibrate``: a judge against people, as a card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.judge import judge_of
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, use_store
from evalkit.cli.output import emit, tell
from evalkit.cli.values import given

_RUNTIME = ("concurrency", "budget", "mode", "recordings", "resume")


@click.command(
    "calibrate",
    cls=Command,
    own_modules=True,
    example=(
        "evalkit judges calibrate judge.groundedness --data labelled.csv \\\n"
        "    --column labels.judge.groundedness=human --save cards/groundedness.json"
    ),
)
@click.argument("judge", metavar="JUDGE")
@keyword("data", "Cases with human labels.", required=True)
@keyword(
    "columns", "Such as labels.JUDGE=human, or labels.JUDGE.ann=ann for each of several annotators."
)
@keyword("judge_model", "Model of a judge that names none.")
@keyword("judge_base_url")
@click.option("--metric", metavar="NAME", help="Which metric, where the judge gives several.")
@click.option(
    "--development",
    type=float,
    metavar="SHARE",
    help="Share of cases to tune on, by seed; 0.5. 0 holds all out.",
)
@click.option(
    "--kind",
    type=click.Choice(["binary", "ordinal", "nominal", "numeric"]),
    help="What labels are; told by the labels otherwise.",
)
@click.option("--threshold", type=float, metavar="N", help="Verdicts from N on are positive.")
@click.option("--human-threshold", type=float, metavar="N", help="Labels from N on are positive.")
@click.option(
    "--epsilon",
    type=float,
    metavar="N",
    help="What a human costs: 0.2 experts, 0.15 skilled, 0.1 crowd; 0.2.",
)
@click.option("--answering-model", metavar="TAG", help="Tag of the model that answered; model.")
@keyword("level")
@keyword("seed", "Seed of split and bootstrap; 0.")
@keyword("limit")
@keyword("sample", "Draw a share or a count.")
@keyword("name")
@keyword("concurrency")
@keyword("budget", "Most to spend: 1.5 (US dollars), calls=500.")
@keyword("mode")
@keyword("recordings")
@keyword("resume", "Interrupted calibration to finish.")
@click.option("--save", metavar="FILE", help="Write the card as a file to commit.")
@keyword("store", "Store of runs and cards.")
@keyword("no_store")
@json_option
@click.pass_context
def calibrate(context: click.Context, /, judge: str, **options: Any) -> None:
    """Compare JUDGE with human labels, and keep the card.

    JUDGE is a registered name, 'module:object', or a judge's file (.yaml, .md); 'scores.NAME' where
    its answers are a column of the data, as by --column scores.NAME=verdict.
    """
    from evalkit.evaluation.calibrate import calibrate as make_card
    from evalkit.evaluation.results.exporting import check_writable
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.report.calibration import drawn

    as_json, save, store = (options.pop(name) for name in ("as_json", "save", "store"))
    if save is not None:
        check_writable(Path(save))
    keep = not options.pop("no_store")
    if store is not None:
        use_store(context, store)
    words = given(options)
    settings = {name: words.pop(name) for name in _RUNTIME if name in words}
    answers = judge if judge.startswith("scores.") else judge_of(judge)
    runtime = Runtime(store=None if keep else False, **settings)
    card = make_card(answers, words.pop("data"), runtime=runtime, **words)
    emit(card.to_json(), lambda _: drawn(card), as_json=as_json)
    if save is not None:
        tell(f"Wrote {card.save(save)}")
