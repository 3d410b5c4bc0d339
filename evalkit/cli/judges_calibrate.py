"""``evalkit judges calibrate``: a judge against people, as a card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, use_store
from evalkit.cli.words import budget_of, columns_of, given, sample_of

_RUNTIME = ("concurrency", "budget", "mode", "recordings", "resume")


@click.command(
    "calibrate",
    cls=Command,
    example=(
        "evalkit judges calibrate judge.groundedness --data labelled.csv \\\n"
        "    --column labels.judge.groundedness=human --save cards/groundedness.json"
    ),
)
@click.argument("judge", metavar="JUDGE")
@click.option("--data", required=True, metavar="DATA", help="Cases with human labels.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=columns_of,
    metavar="FIELD=COLUMN",
    help="Such as labels.JUDGE=human, or labels.JUDGE.ann=ann for each of several annotators.",
)
@click.option("--judge-model", metavar="MODEL", help="Model of a judge that names none.")
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
@click.option("--level", type=float, metavar="SHARE", help="Confidence level; 0.95.")
@click.option("--seed", type=int, metavar="N", help="Seed of split and bootstrap; 0.")
@click.option("--limit", type=int, metavar="N", help="Take the first N cases.")
@click.option("--sample", callback=sample_of, metavar="SHARE|N", help="Draw a share or a count.")
@click.option("--name", metavar="NAME", help="Name of the run.")
@click.option("--concurrency", type=int, metavar="N", help="Calls in flight at once; 8.")
@click.option(
    "--budget",
    multiple=True,
    callback=budget_of,
    metavar="USD|UNIT=N",
    help="Most to spend: 1.5 (US dollars), calls=500.",
)
@click.option("--mode", metavar="MODE", help="Recordings: auto, replay, live or none.")
@click.option("--recordings", metavar="FOLDER", help="Recordings to commit.")
@click.option("--resume", metavar="RUN", help="Interrupted calibration to finish.")
@click.option("--save", metavar="FILE", help="Write the card as a file to commit.")
@click.option("--store", metavar="URI", help="Store of runs and cards.")
@click.option("--no-store", is_flag=True, default=None, help="Keep nothing.")
@json_option
@click.pass_context
def calibrate(context: click.Context, /, judge: str, **options: Any) -> None:
    """Compare JUDGE with human labels, and keep the card.

    JUDGE is a registered name, 'module:object', or a judge's file (.yaml, .md); 'scores.NAME' where
    its answers are a column of the data, as by --column scores.NAME=verdict.
    """
    from evalkit.cli.judges_found import judge_of
    from evalkit.cli.output import show, tell, write_json
    from evalkit.evaluation.calibrate import calibrate as make_card
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.report.calibration import drawn

    as_json, save, store = (options.pop(name) for name in ("as_json", "save", "store"))
    if save is not None:
        _check_writable(Path(save))
    keep = not options.pop("no_store")
    if store is not None:
        use_store(context, store)
    words = given(options)
    settings = {name: words.pop(name) for name in _RUNTIME if name in words}
    found = judge if judge.startswith("scores.") else judge_of(judge, words.get("judge_model"))
    runtime = Runtime(store=None if keep else False, **settings)
    card = make_card(found, words.pop("data"), runtime=runtime, **words)
    if as_json:
        write_json(card.to_json())
    else:
        show(*drawn(card))
    if save is not None:
        tell(f"Wrote {card.save(save)}")


def _check_writable(file: Path) -> None:
    """Refuse a card that could not be written, before anything is called for it."""
    from evalkit.errors import UsageError

    nearest = next(folder for folder in file.absolute().parents if folder.exists())
    blocked = not nearest.is_dir() or not os.access(nearest, os.W_OK)
    if blocked or file.is_dir() or (file.exists() and not os.access(file, os.W_OK)):
        raise UsageError(f"Cannot write the card {str(file)!r}; give --save another path.")
