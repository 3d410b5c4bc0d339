"""``evalkit judges``: which judges there are, what they ask, and how far to trust them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Group
from evalkit.cli.judge import inner, judge_of
from evalkit.cli.judges_audit import audit
from evalkit.cli.judges_calibrate import calibrate
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, prefix_argument
from evalkit.cli.output import emit
from evalkit.errors import UsageError
from evalkit.hooks.catalog import catalog
from evalkit.report.calibration import compact
from evalkit.report.console import Part, fields, listing, styled
from evalkit.scoring.protocol import requirements_of
from evalkit.scoring.signature import signature

if TYPE_CHECKING:
    from evalkit.entities.case import Case


@click.group("judges", cls=Group)
def command() -> None:
    """List, show, explain, calibrate and audit judges."""


@command.command("list", example="evalkit judges list judge. --json")
@prefix_argument
@json_option
def list_judges(prefix: str, as_json: bool) -> None:
    """List the judges whose names begin with PREFIX, or all."""
    judges = [
        {"name": entry.name, **_facts(entry.item), "distribution": entry.provenance.distribution}
        for entry in catalog().usable_scorers(prefix)
        if hasattr(inner(entry.item), "with_model")
    ]
    emit(judges, _judges, as_json=as_json)


def _judges(judges: Sequence[dict[str, Any]]) -> Iterator[Part]:
    rows = [(judge["name"], _menu(judge), ", ".join(judge["needs"])) for judge in judges]
    yield listing(("judge", "says", "needs"), rows, "lff")


def _facts(judge: Any) -> dict[str, Any]:
    form = getattr(getattr(_first(judge), "prepared", None), "form", None)
    pairs = () if form is None else zip(form.labels, form.values, strict=False)
    return {
        "choices": dict(pairs),
        "needs": sorted(requirements_of(judge)),
        **{fact: getattr(judge.facts, fact) for fact in ("direction", "low", "high")},
    }


def _first(judge: Any) -> Any:
    """Return the judge that is asked: that inside a pairwise one, or the first of a jury."""
    single = inner(judge)
    single = getattr(single, "judge", single)
    return next(iter(getattr(single, "judges", ())), single)


def _menu(facts: Mapping[str, Any]) -> str:
    choices = facts["choices"]
    if choices:
        return " · ".join(
            label if value is None else f"{label} = {float(value):g}"
            for label, value in choices.items()
        )
    low, high = facts["low"], facts["high"]
    return "a text" if low is None or high is None else f"a number from {low:g} to {high:g}"


@command.command("show", own_modules=True, example="evalkit judges show judge.groundedness")
@click.argument("judge", metavar="JUDGE")
@keyword("judge_model", "Model of a judge that names none.")
@json_option
def show_judge(judge: str, judge_model: str | None, as_json: bool) -> None:
    """Show what JUDGE asks and may say, its signature, and its newest card.

    JUDGE is a registered name, 'module:object', or a judge's file (.yaml, .md).
    """
    emit(_description(judge_of(judge, judge_model)), _judge, as_json=as_json)


def _description(judge: Any) -> dict[str, Any]:
    from evalkit.evaluation.agreement.cards import cards_of

    made = signature(judge)
    cards = cards_of(judge.name)
    card = next((card for card in cards if card.signature == made), None)
    return {
        "name": judge.name,
        **_facts(judge),
        "model": getattr(inner(judge), "model", None),
        "signature": made,
        "instructions": getattr(_first(judge), "instructions", None),
        "card": None if card is None else card.to_json(),
        "cards_of_other_signatures": sum(card.signature != made for card in cards),
    }


def _judge(facts: Mapping[str, Any]) -> Iterator[Part]:
    pairs = (
        ("says", _menu(facts)),
        ("needs", ", ".join(facts["needs"]) or "nothing"),
        ("model", facts["model"] or "none of its own; give --judge-model"),
        ("calibrated", _card(facts)),
        ("signature", facts["signature"]),
    )
    yield from (styled(facts["name"]), "", fields(pairs))
    if facts["instructions"] is not None:
        yield from ("", facts["instructions"])


def _card(facts: Mapping[str, Any]) -> str:
    from evalkit.judging.calibration import Calibration

    if facts["card"] is not None:
        return compact(Calibration.from_json(facts["card"]))
    others = facts["cards_of_other_signatures"]
    more = f"; {others} cards are of other signatures" if others else ""
    return f"no{more}: evalkit judges calibrate JUDGE --data labelled.csv"


@command.command(
    "explain",
    own_modules=True,
    example="evalkit judges explain judge.groundedness --data answers.jsonl --case q17",
)
@click.argument("judge", metavar="JUDGE")
@keyword("data", "File, pattern or URI of the cases.", required=True)
@keyword("columns", "Column that fills a field, such as inputs=question.")
@click.option("--case", "case_id", metavar="ID", help="Id of the case; the first by default.")
@json_option
def explain_judge(
    judge: str, data: str, columns: dict[str, Any], case_id: str | None, as_json: bool
) -> None:
    """Print the exact messages that JUDGE would send for a case; asks nobody."""
    explained = inner(judge_of(judge))
    if not hasattr(explained, "messages"):
        raise UsageError(
            f"{explained.name!r} asks several judges: print what one of them is sent in Python, by "
            "jury.judges[0].explain(case)."
        )
    messages = explained.messages(_case(data, columns, case_id))
    lines = [f"--- {message['role']}\n{message['content']}" for message in messages]
    emit(messages, "\n".join(lines), as_json=as_json)


def _case(data: str, columns: Mapping[str, Any], case_id: str | None) -> Case:
    from evalkit.data.spool import spool

    with (
        tempfile.TemporaryDirectory(prefix="evalkit-") as folder,
        closing(spool(data, Path(folder), columns=dict(columns) or None)) as cases,
    ):
        ids = [str(name) for name in cases.strings("id")]
        if case_id is not None and case_id not in ids:
            some = ", ".join(ids[:5])
            raise UsageError(f"No case has the id {case_id!r}; there are {some} …")
        row = 0 if case_id is None else ids.index(case_id)
        return next(iter(cases.batch(row, row + 1)))


command.add_command(calibrate)
command.add_command(audit)
