"""``evalkit datasets``: what can be read, and how evalkit understands it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Group
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import emit, tell
from evalkit.hooks.catalog import catalog
from evalkit.report.console import Part, fields, listing, styled
from evalkit.report.texts import as_shown, one_line
from evalkit.tracking.place import current_store

if TYPE_CHECKING:
    from evalkit.data.snapshot import Spool
    from evalkit.entities.case import Case

_CASE_FIELDS: Final = ("inputs", "outputs", "expectations", "retrieved_context", "tags", "must")
_LONGEST: Final = 300


@click.group("datasets", cls=Group)
def command() -> None:
    """List, show and check data."""


@command.command("list", example="evalkit datasets list")
@json_option
@store_option
def list_datasets(as_json: bool) -> None:
    """List the data of the store's runs, the one used last first."""
    store = current_store()
    datasets: dict[str, dict[str, Any]] = {}
    for run in store.runs.search():
        digest = run.data.tags.get("evalkit.dataset_digest")
        if digest is None:
            continue
        name = run.data.params.get("data", "")
        summaries = store.summaries.read(run.run_id)
        cases = max((summary.estimate.n_total for summary in summaries), default=None)
        dataset = datasets.setdefault(
            digest, {"digest": digest, "names": [], "cases": cases, "runs": []}
        )
        dataset["runs"].append(run.run_id)
        if name and name not in dataset["names"]:
            dataset["names"].append(name)
    nothing = f"No run of {store.uri} has evaluated data yet."
    emit(list(datasets.values()), _datasets, as_json=as_json, empty=nothing)


def _datasets(datasets: list[dict[str, Any]]) -> Iterator[Part]:
    rows = [
        (
            styled(dataset["digest"][:12]),
            "" if dataset["cases"] is None else f"{dataset['cases']:,}",
            str(len(dataset["runs"])),
            ", ".join(dataset["names"]),
        )
        for dataset in datasets
    ]
    yield listing(("digest", "cases", "runs", "read from"), rows, "lrrf")


@command.command("sources", example="evalkit datasets sources")
@json_option
def list_sources(as_json: bool) -> None:
    """List what can be read: sources by file extension, scheme, or object in memory."""
    sources: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "summary": " ".join((type(entry.item).__doc__ or "").partition("\n\n")[0].split()),
            "extensions": list(entry.item.extensions),
            "schemes": list(entry.item.schemes),
            **asdict(entry.provenance),
        }
        for entry in catalog().usable(catalog().datasets)
    ]
    sources.sort(key=lambda source: source["name"])
    emit(sources, _sources, as_json=as_json)


def _sources(sources: list[dict[str, Any]]) -> Iterator[Part]:
    rows = [
        (
            styled(source["name"]),
            " ".join([*source["extensions"], *(f"{scheme}:" for scheme in source["schemes"])])
            or "object",
            source["summary"],
        )
        for source in sources
    ]
    table = listing(("source", "read by", "what it does"), rows, "lff")
    table.columns[1].min_width = 14
    yield table


@command.command("show", example="evalkit datasets show answers.jsonl --column tags=region")
@click.argument("data", metavar="DATA")
@click.option(
    "--limit", type=click.IntRange(min=1), default=3, metavar="N", help="Cases to show; 3."
)
@keyword("columns")
@keyword("split")
@json_option
def show_data(
    data: str, limit: int, columns: dict[str, Any], split: str | None, as_json: bool
) -> None:
    """Show the first cases of DATA, and which column fills which field."""
    options = {"columns": columns or None, "split": split, "limit": limit}
    emit(_read(data, _first_cases, **options), _cases, as_json=as_json)


def _read(data: str, describe: Callable[[Spool], dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Return what *describe* says of a snapshot of *data*, which is made for it alone."""
    from evalkit.data.spool import spool

    with (
        tempfile.TemporaryDirectory(prefix="evalkit-") as folder,
        closing(spool(data, Path(folder), **options)) as cases,
    ):
        return {"data": data, "source": cases.facts["source"], **describe(cases)}


def _first_cases(cases: Spool) -> dict[str, Any]:
    return {
        "mapping": dict(cases.facts["mapping"]),
        "fields": sorted(cases.fields),
        "cases": [_plain(case) for batch in cases.batches() for case in batch],
    }


def _plain(case: Case) -> dict[str, Any]:
    values = {field: getattr(case, field) for field in ("id", *_CASE_FIELDS)}
    return {field: value for field, value in values.items() if value not in (None, {}, ())}


def _cases(facts: Mapping[str, Any]) -> Iterator[Part]:
    pairs: list[tuple[str, Any]] = [("source", facts["source"])]
    pairs.append(("mapping", [f"{k} from {_names(v)}" for k, v in facts["mapping"].items()]))
    for case in facts["cases"]:
        pairs.append(("", ""))
        pairs += [
            (field, styled(one_line(as_shown(value), _LONGEST), "bold" if field == "id" else ""))
            for field, value in case.items()
        ]
    yield fields(pairs)


def _names(columns: Any) -> str:
    return columns if isinstance(columns, str) else ", ".join(columns or ())


@command.command("validate", example="evalkit datasets validate 'answers/*.jsonl'")
@click.argument("data", metavar="DATA")
@keyword("columns")
@keyword("split")
@json_option
def validate(data: str, columns: dict[str, Any], split: str | None, as_json: bool) -> None:
    """Read all of DATA as an evaluation would; name file, line and column of what is wrong."""
    facts = _read(data, _whole, columns=columns or None, split=split)
    emit(facts, _filled_fields, as_json=as_json)
    if not as_json:
        if facts["copies"]:
            tell(f"{facts['copies']:,} cases ask what another one asks; give these a group.")
        tell(f"{data} can be evaluated.")


def _whole(cases: Spool) -> dict[str, Any]:
    filled = {
        field: sum(value not in (None, {}, ()) for value in cases.values(field))
        for field in sorted(cases.fields)
    }
    return {
        "cases": cases.n_cases,
        "rows": cases.n,
        "copies": cases.copies(),
        "digest": cases.dataset_digest,
        "outputs_digest": cases.outputs_digest,
        "mapping": dict(cases.facts["mapping"]),
        "fields": filled,
    }


def _filled_fields(facts: Mapping[str, Any]) -> Iterator[Part]:
    lines: list[str] = []
    for field, filled in facts["fields"].items():
        names = _names(facts["mapping"].get(field))
        origin = f"from {names}" if names else "made by evalkit"
        lacking = facts["rows"] - filled
        lines.append(f"{field} {origin}{f', missing in {lacking:,} rows' if lacking else ''}")
    repeats = "" if facts["rows"] == facts["cases"] else f" in {facts['rows']:,} rows"
    cases = f"{facts['cases']:,}{repeats}"
    yield fields([("cases", cases), ("digest", facts["digest"]), ("fields", lines)])
