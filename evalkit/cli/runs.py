"""``evalkit runs``: what the store keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Group
from evalkit.cli.options import json_option, run_argument, store_option
from evalkit.cli.output import ago, emit, write
from evalkit.entities.registered_model import JUDGES_TAG, STATUS_TAG
from evalkit.entities.run import ViewType
from evalkit.errors import AmbiguousRunError, RunNotFoundError
from evalkit.evaluation.results.places import status_of
from evalkit.gates.verdict import Verdict, number
from evalkit.report.console import Part, fields, styled
from evalkit.report.texts import STYLES, one_line
from evalkit.store.artifacts import list_files, local_folder
from evalkit.tracking.place import current_store
from evalkit.tracking.search import get_run, search_runs

if TYPE_CHECKING:
    from rich.text import Text

    from evalkit.entities.run import Run
    from evalkit.store import Store

_FIRST_METRICS: Final = 3
_ESTIMATE: Final = ("value", "low", "high", "n_scored", "n_total", "n_failed", "direction")


@click.group("runs", cls=Group)
def command() -> None:
    """List, show and delete runs."""


@command.command("list", example="evalkit runs list --experiment demo --limit 5")
@click.option("--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("--name", metavar="NAME", help="Only runs of this name.")
@click.option(
    "--filter",
    metavar="TEXT",
    default="",
    help="Such as \"metrics.f1 > 0.8 AND tags.stage = 'dev'\".",
)
@click.option("--order-by", multiple=True, metavar="FIELD", help="Such as 'metrics.f1 DESC'.")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="Most runs; 20.")
@click.option("--deleted", is_flag=True, help="List deleted runs instead.")
@json_option
@store_option
def list_runs(experiment: str | None, deleted: bool, as_json: bool, **search: Any) -> None:
    """List runs, the newest first."""
    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    runs = search_runs(experiment, view=view, **search)
    store = current_store()
    described = [_facts(store, run) for run in runs]
    narrowed = experiment or deleted or search["name"] or search["filter"]
    empty = f"No run in {store.uri} is so." if narrowed else f"There are no runs in {store.uri}."
    emit(described, _runs, as_json=as_json, empty=empty)


def _facts(store: Store, run: Run) -> dict[str, Any]:
    tags = run.data.tags
    summaries = store.summaries.read(run.run_id)
    return {
        "run_id": run.run_id,
        "name": run.run_name,
        "experiment_id": run.experiment_id,
        "status": str(status_of(run)),
        "verdict": tags.get("evalkit.verdict"),
        "evaluation": tags.get(STATUS_TAG),
        "n_conditions": int(tags.get("evalkit.conditions", "1")),
        "start_time": run.info.start_time,
        "end_time": run.info.end_time,
        "judges": tags.get(JUDGES_TAG),
        "data": run.data.params.get("data"),
        "dataset_digest": tags.get("evalkit.dataset_digest"),
        "n_cases": max((summary.estimate.n_total for summary in summaries), default=None),
        "estimates": {
            summary.key: {name: getattr(summary.estimate, name) for name in _ESTIMATE}
            for summary in summaries
        },
    }


def _runs(runs: Sequence[dict[str, Any]]) -> Iterator[Part]:
    """Yield two lines a run: what it is, and below that its first metrics."""
    from rich.padding import Padding
    from rich.table import Table

    length = _distinct([run["run_id"] for run in runs])
    rows = [
        (
            styled(run["run_id"][:length]),
            styled(one_line(run["name"], 24), ""),
            styled(ago(run["start_time"]), ""),
            _status(run),
            _data(run),
        )
        for run in runs
    ]
    # A table of all runs would hold their metrics in one of its columns.
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for run, row in zip(runs, rows, strict=True):
        table = Table.grid(padding=(0, 2, 0, 0))
        for width in widths:
            table.add_column(width=width)
        table.add_column(overflow="fold")
        table.add_row(*row)
        yield table
        headline = _headline(run)
        if headline:
            yield Padding(styled(headline, "dim"), (0, 0, 0, length + 2))


def _data(run: Mapping[str, Any]) -> Text:
    cases = "" if run["n_cases"] is None else f" ({run['n_cases']:,})"
    judges = f"  judged by {one_line(run['judges'], 60)}" if run["judges"] else ""
    return styled(f"{one_line(run['data'] or '', 60)}{cases}{judges}".strip(), "")


def _status(run: Mapping[str, Any]) -> Text:
    # A run that is not finished, or had no conditions, has no verdict worth showing.
    finished = run["status"] == "FINISHED"
    if run["verdict"] in set(Verdict) and finished and run["n_conditions"]:
        return styled(run["verdict"], STYLES[Verdict(run["verdict"])])
    if finished:
        return styled("finished", "")
    return styled(_word(run), "yellow")


def _word(run: Mapping[str, Any]) -> str:
    """Return how a run ended, by its evaluation where that did not end the run as finished."""
    ended = run["evaluation"] if run["status"] == "KILLED" else None
    return str(ended or run["status"].lower())


def _headline(run: Mapping[str, Any]) -> str:
    metrics = [
        f"{one_line(key)}\u00a0{number(estimate['value'])}"
        for key, estimate in run["estimates"].items()
        if estimate["value"] is not None
    ]
    left = len(metrics) - _FIRST_METRICS
    return "  ".join([*metrics[:_FIRST_METRICS], *([f"and {left} more"] if left > 0 else [])])


def _distinct(ids: Sequence[str]) -> int:
    """Return the length at which the beginnings of *ids* differ, at least 8."""
    length = 8
    while len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return length


@command.command("show", example="evalkit runs show latest")
@run_argument
@json_option
@store_option
def show(run: str, as_json: bool) -> None:
    """Show one run: its estimates, params, tags and files."""
    kept = get_run(run)
    folder = local_folder(kept.info.artifact_uri)
    facts = _facts(current_store(), kept) | {
        "params": dict(kept.data.params),
        "tags": dict(kept.data.tags),
        "metrics": kept.data.metrics,
        "artifacts": str(folder),
        "files": [file.path for file in list_files(folder)],
    }
    emit(facts, _run, as_json=as_json)


def _run(facts: Mapping[str, Any]) -> Iterator[Part]:
    verdict = f", verdict {facts['verdict']}" if facts["verdict"] else ""
    status = f"{_word(facts)}{verdict}, begun {ago(facts['start_time'])}"
    pairs: list[tuple[str, Any]] = [("run", facts["run_id"]), ("status", status)]
    pairs += [("judged by", one_line(facts["judges"]))] if facts["judges"] else []
    keys = dict.fromkeys([*facts["estimates"], *facts["metrics"]])
    metrics = {key: _value(facts, key) for key in keys}
    sections = {"metrics": metrics, "params": facts["params"], "tags": facts["tags"]}
    for section, values in sections.items():
        lines = [f"{one_line(key)} = {one_line(value)}" for key, value in values.items()]
        pairs.append((section, lines))
    yield styled(one_line(facts["name"]))
    yield fields([*pairs, ("files", facts["artifacts"])])


def _value(facts: Mapping[str, Any], key: str) -> str:
    estimate = facts["estimates"].get(key)
    if estimate is None:
        return f"{facts['metrics'][key]:g}"
    limits = ""
    if estimate["low"] is not None and estimate["high"] is not None:
        limits = f" [{number(estimate['low'])}, {number(estimate['high'])}]"
    value = "no value" if estimate["value"] is None else f"{number(estimate['value'])}{limits}"
    return f"{value} (n={estimate['n_scored']}/{estimate['n_total']})"


@command.command("delete", example="evalkit runs delete 3f2a latest~1")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@store_option
def delete_runs(runs: tuple[str, ...]) -> None:
    """Mark runs deleted; their files stay, and `evalkit runs restore` brings them back."""
    # All are looked up before any is deleted: each deletion would move what 'latest' means.
    for run in [get_run(reference) for reference in runs]:
        current_store().runs.delete(run.run_id)
        write(f"Deleted {run.run_id} ({run.run_name}).")


@command.command("restore", example="evalkit runs restore 3f2a5c0b9d1e")
@click.argument("runs", nargs=-1, required=True, metavar="ID…")
@store_option
def restore_runs(runs: tuple[str, ...]) -> None:
    """Bring deleted runs back, named by their ids or the beginnings of these."""
    store = current_store()
    deleted = [run.run_id for run in store.runs.search(view=ViewType.DELETED_ONLY)]
    for beginning in runs:
        matches = [name for name in deleted if name.startswith(beginning)]
        if not matches:
            raise RunNotFoundError(beginning, deleted)
        if len(matches) > 1:
            raise AmbiguousRunError(beginning, matches)
        store.runs.restore(matches[0])
        write(f"Restored {matches[0]}.")
