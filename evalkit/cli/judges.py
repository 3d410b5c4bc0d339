"""``evalkit judges``: which judges there are, what they ask, and how far to trust them."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.judges_audit import audit
from evalkit.cli.judges_calibrate import calibrate
from evalkit.cli.options import json_option
from evalkit.cli.output import facts_grid, listing, show, write, write_json
from evalkit.cli.words import columns_of


@click.group("judges", cls=Group)
def command() -> None:
    """List, show, explain, calibrate and audit judges."""


@command.command("list", cls=Command, example="evalkit judges list judge. --json")
@click.argument("prefix", default="", metavar="[PREFIX]")
@json_option
def list_judges(prefix: str, as_json: bool) -> None:
    """List the judges whose names begin with PREFIX, or all."""
    from evalkit.cli.judges_found import listed

    found = [facts for facts in listed() if facts["name"].startswith(prefix)]
    if as_json:
        write_json(found)
        return
    from rich.text import Text

    table = listing()
    for column in ("judge", "says", "needs"):
        table.add_column(column, no_wrap=column == "judge", overflow="fold")
    for facts in found:
        needs = ", ".join(facts["needs"])
        table.add_row(*map(Text, (facts["name"], _menu(facts), needs)))
    show(table)


@command.command("show", cls=Command, example="evalkit judges show judge.groundedness")
@click.argument("judge", metavar="JUDGE")
@click.option("--judge-model", metavar="MODEL", help="Model of a judge that names none.")
@json_option
def show_judge(judge: str, judge_model: str | None, as_json: bool) -> None:
    """Show what JUDGE asks and may say, its signature, and its newest card.

    JUDGE is a registered name, 'module:object', or a judge's file (.yaml, .md).
    """
    from evalkit.cli.judges_found import described, judge_of

    facts = described(judge_of(judge, judge_model))
    if as_json:
        write_json(facts)
        return
    from rich.text import Text

    from evalkit.cli.judges_found import card_line

    grid = facts_grid()
    grid.add_row("says", Text(_menu(facts)))
    grid.add_row("needs", ", ".join(facts["needs"]) or "nothing")
    grid.add_row("model", Text(facts["model"] or "none of its own; give --judge-model"))
    grid.add_row("calibrated", Text(card_line(facts)))
    grid.add_row("signature", Text(facts["signature"]))
    asked = [] if facts["instructions"] is None else [Text(""), Text(facts["instructions"])]
    show(Text(facts["name"], "bold"), Text(""), grid, *asked)


@command.command(
    "explain",
    cls=Command,
    example="evalkit judges explain judge.groundedness --data answers.jsonl --case q17",
)
@click.argument("judge", metavar="JUDGE")
@click.option("--data", required=True, metavar="DATA", help="File, pattern or URI of the cases.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=columns_of,
    metavar="FIELD=COLUMN",
    help="Column that fills a field, such as inputs=question.",
)
@click.option("--case", "case_id", metavar="ID", help="Id of the case; the first by default.")
@json_option
def explain_judge(
    judge: str, data: str, columns: dict[str, Any], case_id: str | None, as_json: bool
) -> None:
    """Print the exact messages that JUDGE would send for a case; asks nobody."""
    from evalkit.cli.judges_found import case_of, judge_of, messages_of

    found = messages_of(judge_of(judge, None), case_of(data, columns, case_id))
    if as_json:
        write_json(found)
        return
    for message in found:
        write(f"--- {message['role']}\n{message['content']}")


def _menu(facts: dict[str, Any]) -> str:
    choices = facts["choices"]
    if choices:
        return " · ".join(
            label if value is None else f"{label} = {float(value):g}"
            for label, value in choices.items()
        )
    low, high = facts["low"], facts["high"]
    return "a text" if low is None or high is None else f"a number from {low:g} to {high:g}"


command.add_command(calibrate)
command.add_command(audit)
