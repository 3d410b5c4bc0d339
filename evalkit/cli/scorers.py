"""``evalkit scorers``: what can be measured, and how each scorer is configured."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit._internal.installed import DISTRIBUTION
from evalkit.cli.command import Group
from evalkit.cli.options import json_option, prefix_argument
from evalkit.cli.output import emit, write
from evalkit.hooks.catalog import catalog
from evalkit.report.console import Part, fields, listing, styled
from evalkit.report.texts import ARROWS
from evalkit.scoring.described import parameters_of_user
from evalkit.scoring.protocol import requirements_of
from evalkit.scoring.signature import signature

if TYPE_CHECKING:
    from evalkit.hooks.offers import Entry
    from evalkit.scoring.described import parameters_of_user
from evalkit.scoring.protocol import Scorer

_PYTHON: Final = re.compile(r"^(?:Args|Attributes|Examples|Raises):\n(?: .*\n?|\n)*", re.MULTILINE)
_LONGEST_VALUE: Final = 200
"""Characters of a parameter's value, such as a judge's instructions; ``--json`` has it whole."""


@click.group("scorers", cls=Group)
def command() -> None:
    """List and show scorers."""


@command.command("list", example="evalkit scorers list text. --json")
@prefix_argument
@json_option
def list_scorers(prefix: str, as_json: bool) -> None:
    """List the scorers whose names begin with PREFIX, or all."""
    scorers = [_facts(entry) for entry in catalog().usable_scorers(prefix)]
    emit(scorers, _scorers, as_json=as_json)
    families = ", ".join(f"{prefix}*" for prefix in catalog().scorer_families)
    if families and not prefix and not as_json:
        write(f"\nAlso by name: {families}")


def _scorers(scorers: list[dict[str, Any]]) -> Iterator[Part]:
    # Where all are ours, the column would say nothing.
    strange = any(scorer["distribution"] != DISTRIBUTION for scorer in scorers)
    rows = [
        (
            scorer["name"],
            ARROWS[scorer["direction"]],
            _range(scorer),
            ", ".join(scorer["needs"]),
            *([scorer["plugin"]] if strange else []),
        )
        for scorer in scorers
    ]
    heads = ("scorer", "better", "range", "needs", *(["from"] if strange else []))
    yield listing(heads, rows, "lllfl" if strange else "lllf")


def _facts(entry: Entry[Scorer]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "summary": _summary(entry.item),
        **dataclasses.asdict(entry.provenance),
        **{fact: getattr(entry.item.facts, fact) for fact in ("direction", "low", "high", "unit")},
        "needs": sorted(requirements_of(entry.item)),
    }


def _summary(scorer: Scorer) -> str:
    text = (type(scorer).__doc__ or "").strip()
    return " ".join(text.partition("\n\n")[0].split())


def _range(facts: dict[str, Any]) -> str:
    low, high = facts["low"], facts["high"]
    unit = f" {facts['unit']}" if facts["unit"] else ""
    if low is None and high is None:
        return unit.strip()
    ends = ("−∞" if low is None else f"{low:g}"), ("∞" if high is None else f"{high:g}")
    return f"{ends[0]} … {ends[1]}{unit}"


@command.command("show", example="evalkit scorers show text.rouge")
@click.argument("name", metavar="NAME")
@json_option
def show_scorer(name: str, as_json: bool) -> None:
    """Show what the scorer NAME measures, and its parameters."""
    scorer = catalog().scorer(name)
    entry = catalog().scorers.get(name)
    facts: dict[str, Any] = {"name": name} if entry is None else _facts(entry)
    facts["metrics"] = sorted(getattr(scorer, "metric_facts", {})) or [name]
    parameters = parameters_of_user(scorer)
    facts["parameters"] = {name: each.value for name, each in parameters.items()}
    facts["meanings"] = {name: each.meaning for name, each in parameters.items() if each.meaning}
    facts["signature"] = signature(scorer)
    emit(facts, lambda facts: _scorer(scorer, facts), as_json=as_json)


def _parameter(name: str, facts: dict[str, Any]) -> str:
    value, meaning = repr(facts["parameters"][name]), facts["meanings"].get(name)
    if len(value) > _LONGEST_VALUE:
        value = f"{value[:_LONGEST_VALUE]}…"
    return f"{name} = {value}" + (f": {_prose(meaning)}" if meaning else "")


def _scorer(scorer: Scorer, facts: dict[str, Any]) -> Iterator[Part]:
    pairs: list[tuple[str, Any]] = []
    if "plugin" in facts:
        direction = facts["direction"]
        better = "neither is better" if direction == "none" else f"{direction} is better"
        pairs += [
            ("value", ", ".join(part for part in (_range(facts), better) if part)),
            ("needs", ", ".join(facts["needs"]) or "nothing"),
            ("from", f"{facts['plugin']} of {facts['distribution']} {facts['version']}"),
        ]
    pairs += [
        ("metrics", ", ".join(facts["metrics"])),
        ("parameters", [_parameter(name, facts) for name in facts["parameters"]]),
        ("signature", facts["signature"]),
    ]
    yield styled(facts["name"])
    yield from (_prose(inspect.cleandoc(type(scorer).__doc__ or "")), "", fields(pairs))


def _prose(text: str) -> str:
    """Return what is said to everybody: no sections for Python, and single quotes for code."""
    return _PYTHON.sub("", text).strip().replace("``", "`")
