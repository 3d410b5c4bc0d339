"""``evalkit scorers``: what can be measured, and how each scorer is configured."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.group import DISTRIBUTION
from evalkit.cli.options import json_option
from evalkit.cli.output import facts_grid, listing, show, write, write_json

if TYPE_CHECKING:
    from evalkit.hooks.catalog import Entry
    from evalkit.scoring.protocol import Scorer

_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


@click.group("scorers", cls=Group)
def command() -> None:
    """List and show scorers."""


@command.command("list", cls=Command, example="evalkit scorers list text. --json")
@click.argument("prefix", default="", metavar="[PREFIX]")
@json_option
def list_scorers(prefix: str, as_json: bool) -> None:
    """List the scorers whose names begin with PREFIX, or all."""
    from evalkit.hooks.catalog import catalog

    entries = sorted(catalog().scorers.items())
    found = [_facts(name, entry) for name, entry in entries if name.startswith(prefix)]
    if as_json:
        write_json(found)
        return
    from rich.text import Text

    table = listing()
    # Where all are ours, the column would say nothing.
    strange = any(facts["distribution"] != DISTRIBUTION for facts in found)
    for column in ("scorer", "better", "range", "needs", *(["from"] if strange else [])):
        table.add_column(column, no_wrap=column != "needs", overflow="fold")
    for facts in found:
        arrow, needs = _ARROWS[facts["direction"]], ", ".join(facts["needs"])
        cells = [facts["name"], arrow, _range(facts), needs]
        table.add_row(*map(Text, [*cells, facts["plugin"]] if strange else cells))
    show(table)
    families = ", ".join(f"{prefix}*" for prefix in catalog().scorer_families)
    if families and not prefix:
        write(f"\nAlso by name: {families}")


def _facts(name: str, entry: Entry[Scorer]) -> dict[str, Any]:
    from evalkit.scoring.protocol import requirements_of

    facts = entry.item.facts
    return {
        "name": name,
        "summary": _summary(entry.item),
        "plugin": entry.provenance.plugin,
        "distribution": entry.provenance.distribution,
        "version": entry.provenance.version,
        "direction": facts.direction,
        "low": facts.low,
        "high": facts.high,
        "unit": facts.unit,
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


@command.command("show", cls=Command, example="evalkit scorers show text.rouge")
@click.argument("name", metavar="NAME")
@json_option
def show_scorer(name: str, as_json: bool) -> None:
    """Show what the scorer NAME measures, and its parameters."""
    from evalkit.hooks.catalog import catalog
    from evalkit.scoring.signature import signature

    scorer = catalog().scorer(name)
    entry = catalog().scorers.get(name)
    facts: dict[str, Any] = {"name": name} if entry is None else _facts(name, entry)
    facts["metrics"] = sorted(getattr(scorer, "metric_facts", {})) or [name]
    facts["parameters"] = _parameters(scorer)
    facts["signature"] = signature(scorer)
    if as_json:
        write_json(facts)
        return
    _show_facts(scorer, facts)


def _parameters(scorer: Scorer) -> dict[str, Any]:
    if not dataclasses.is_dataclass(scorer):
        return {}
    return {
        field.name: getattr(scorer, field.name)
        for field in dataclasses.fields(scorer)
        if field.init and field.name not in {"name", "facts"}
    }


def _show_facts(scorer: Scorer, facts: dict[str, Any]) -> None:
    import inspect

    from rich.text import Text

    grid = facts_grid()
    if "plugin" in facts:
        better = {"none": "neither is better"}.get(
            facts["direction"], f"{facts['direction']} is better"
        )
        grid.add_row("value", Text(", ".join(part for part in (_range(facts), better) if part)))
        grid.add_row("needs", ", ".join(facts["needs"]) or "nothing")
        grid.add_row("from", f"{facts['plugin']} of {facts['distribution']} {facts['version']}")
    grid.add_row("metrics", Text(", ".join(facts["metrics"])))
    for place, (parameter, value) in enumerate(facts["parameters"].items()):
        grid.add_row("" if place else "parameters", Text(f"{parameter} = {value!r}"))
    grid.add_row("signature", Text(facts["signature"]))
    show(
        Text(facts["name"], "bold"),
        Text(inspect.cleandoc(type(scorer).__doc__ or "")),
        Text(""),
        grid,
    )
