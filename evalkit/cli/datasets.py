"""``evalkit datasets``: what can be read, and how evalkit understands it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.datasets_shown import first_cases, show_cases, show_whole, whole_data
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import listing, show, tell, write_json
from evalkit.cli.words import columns_of

if TYPE_CHECKING:
    from evalkit.data.spool import Spool

    Description = Callable[[str, Spool], dict[str, Any]]

_column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    callback=columns_of,
    metavar="FIELD=COLUMN",
    help="Column that fills a field, such as inputs=question; 'outputs=' drops the field.",
)
_split_option = click.option("--split", metavar="NAME", help="Take only cases of this split.")


@click.group("datasets", cls=Group)
def command() -> None:
    """List, show and check data."""


@command.command("list", cls=Command, example="evalkit datasets list")
@json_option
@store_option
def list_datasets(as_json: bool) -> None:
    """List the data of the store's runs, the one used last first."""
    from evalkit.tracking.place import current_store

    store = current_store()
    found: dict[str, dict[str, Any]] = {}
    for run in store.runs.search():
        digest = run.data.tags.get("evalkit.dataset_digest")
        if digest is None:
            continue
        name = run.data.params.get("data", "")
        summaries = store.summaries.read(run.run_id)
        cases = max((summary.estimate.n_total for summary in summaries), default=None)
        facts = found.setdefault(
            digest, {"digest": digest, "names": [], "cases": cases, "runs": []}
        )
        facts["runs"].append(run.run_id)
        if name and name not in facts["names"]:
            facts["names"].append(name)
    if as_json:
        write_json(list(found.values()))
    elif found:
        _show_datasets(found)
    else:
        tell(f"No run of {store.uri} has evaluated data yet.")


def _show_datasets(found: Mapping[str, dict[str, Any]]) -> None:
    from rich.text import Text

    table = listing()
    table.add_column("digest", no_wrap=True)
    table.add_column("cases", no_wrap=True, justify="right")
    table.add_column("runs", no_wrap=True, justify="right")
    table.add_column("read from", overflow="fold")
    for digest, facts in found.items():
        cases = "" if facts["cases"] is None else f"{facts['cases']:,}"
        names = Text(", ".join(facts["names"]))
        table.add_row(Text(digest[:12], "bold"), cases, str(len(facts["runs"])), names)
    show(table)


@command.command("sources", cls=Command, example="evalkit datasets sources")
@json_option
def list_sources(as_json: bool) -> None:
    """List what can be read: sources by file extension, scheme, or object in memory."""
    from evalkit.hooks.catalog import catalog

    found: list[dict[str, Any]] = [
        {
            "name": name,
            "summary": " ".join((type(entry.item).__doc__ or "").partition("\n\n")[0].split()),
            "extensions": list(entry.item.extensions),
            "schemes": list(entry.item.schemes),
            "plugin": entry.provenance.plugin,
            "distribution": entry.provenance.distribution,
            "version": entry.provenance.version,
        }
        for name, entry in sorted(catalog().datasets.items())
    ]
    if as_json:
        write_json(found)
        return
    from rich.text import Text

    table = listing()
    table.add_column("source", no_wrap=True)
    table.add_column("read by", overflow="fold", min_width=14)
    table.add_column("what it does", overflow="fold")
    for facts in found:
        by = [*facts["extensions"], *(f"{scheme}:" for scheme in facts["schemes"])]
        known = Text(" ".join(by) or "object")
        table.add_row(Text(facts["name"], "bold"), known, Text(facts["summary"]))
    show(table)


@command.command(
    "show", cls=Command, example="evalkit datasets show answers.jsonl --column tags=region"
)
@click.argument("data", metavar="DATA")
@click.option(
    "--limit", type=click.IntRange(min=1), default=3, metavar="N", help="Cases to show; 3."
)
@_column_option
@_split_option
@json_option
def show_data(
    data: str, limit: int, columns: dict[str, Any], split: str | None, as_json: bool
) -> None:
    """Show the first cases of DATA, and which column fills which field."""
    facts = _read(data, first_cases, columns=columns or None, split=split, limit=limit)
    if as_json:
        write_json(facts)
    else:
        show_cases(facts)


def _read(data: str, describe: Description, **options: Any) -> dict[str, Any]:
    """Return what *describe* says of a snapshot of *data*, which is made for it alone."""
    from evalkit.data.spool import spool

    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        cases = spool(data, Path(folder), **options)
        try:
            return describe(data, cases)
        finally:
            cases.close()


@command.command("validate", cls=Command, example="evalkit datasets validate 'answers/*.jsonl'")
@click.argument("data", metavar="DATA")
@_column_option
@_split_option
@json_option
def validate(data: str, columns: dict[str, Any], split: str | None, as_json: bool) -> None:
    """Read all of DATA as an evaluation would; name file, line and column of what is wrong."""
    facts = _read(data, whole_data, columns=columns or None, split=split)
    if as_json:
        write_json(facts)
    else:
        show_whole(facts)
