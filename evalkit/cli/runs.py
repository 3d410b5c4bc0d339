"""``evalkit runs``: what the store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.options import json_option, run_argument, store_option
from evalkit.cli.output import show, tell, write, write_json

if TYPE_CHECKING:
    from rich.text import Text

    from evalkit.entities.run import Run
    from evalkit.store import TrackingStore

_SHOWN_METRICS: Final = 3
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


@click.group("runs", cls=Group)
def command() -> None:
    """List, show and delete runs."""


@command.command("list", cls=Command, example="evalkit runs list --experiment demo --limit 5")
@click.option("--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("--name", metavar="NAME", help="Only runs of this name.")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="Most runs; 20.")
@click.option("--deleted", is_flag=True, help="List deleted runs instead.")
@json_option
@store_option
def list_runs(
    experiment: str | None, name: str | None, limit: int, deleted: bool, as_json: bool
) -> None:
    """List runs, the newest first."""
    from evalkit.entities.run import ViewType
    from evalkit.tracking.place import current_store
    from evalkit.tracking.search import search_runs

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    runs = search_runs(experiment, name=name, limit=limit, view=view)
    store = current_store()
    found = [facts_of(store, run) for run in runs]
    if as_json:
        write_json(found)
    elif found:
        _show_runs(found)
    else:
        tell(f"There are no runs in {store.uri}.")


def facts_of(store: TrackingStore, run: Run) -> dict[str, Any]:
    """Return what lists and pages show of *run*, as plain values."""
    tags = run.data.tags
    summaries = store.evaluation_summaries(run.run_id)
    return {
        "run_id": run.run_id,
        "name": run.run_name,
        "experiment_id": run.experiment_id,
        "status": str(run.status),
        "verdict": tags.get("evalkit.verdict"),
        "start_time": run.info.start_time,
        "end_time": run.info.end_time,
        "data": run.data.params.get("data"),
        "dataset_digest": tags.get("evalkit.dataset_digest"),
        "n_cases": max((summary.n_total for summary in summaries), default=None),
        "estimates": {
            summary.key: {
                name: getattr(summary, name)
                for name in ("value", "low", "high", "n_scored", "n_total", "n_failed", "direction")
            }
            for summary in summaries
        },
    }


def _show_runs(found: Sequence[dict[str, Any]]) -> None:
    """Print two lines a run: what it is, and below that its first metrics."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.report.texts import one_line

    now, length = now_milliseconds(), _distinct([facts["run_id"] for facts in found])
    rows: list[list[Text]] = []
    for facts in found:
        cases = "" if facts["n_cases"] is None else f" ({facts['n_cases']:,})"
        rows.append(
            [
                Text(facts["run_id"][:length], "bold"),
                Text(one_line(facts["name"], 24)),
                Text(ago(now - facts["start_time"])),
                _status(facts),
                Text(f"{one_line(facts['data'] or '', 60)}{cases}".strip()),
            ]
        )
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for facts, row in zip(found, rows, strict=True):
        grid = Table.grid(padding=(0, 2, 0, 0))
        for width in widths:
            grid.add_column(width=width)
        grid.add_column(overflow="fold")
        grid.add_row(*row)
        headline = _headline(facts)
        below = [Padding(Text(headline, "dim"), (0, 0, 0, length + 2))] if headline else []
        show(grid, *below)


def _status(facts: dict[str, Any]) -> Text:
    from rich.text import Text

    from evalkit.gates.verdict import Verdict
    from evalkit.report.table import STYLES

    # A run that is not finished has no verdict worth showing.
    if facts["verdict"] in set(Verdict) and facts["status"] == "FINISHED":
        return Text(facts["verdict"], STYLES[Verdict(facts["verdict"])])
    return Text(facts["status"].lower(), "yellow")


def _headline(facts: dict[str, Any]) -> str:
    from evalkit.gates.verdict import number
    from evalkit.report.texts import one_line

    metrics = [
        f"{one_line(key)}\u00a0{number(estimate['value'])}"
        for key, estimate in facts["estimates"].items()
        if estimate["value"] is not None
    ]
    left = len(metrics) - _SHOWN_METRICS
    return "  ".join([*metrics[:_SHOWN_METRICS], *([f"and {left} more"] if left > 0 else [])])


def _distinct(ids: Sequence[str]) -> int:
    """Return the length at which the beginnings of *ids* differ, at least 8."""
    length = 8
    while len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return length


def ago(milliseconds: int) -> str:
    """Return a time span in its largest unit.

    Examples:
        >>> ago(90_000), ago(200), ago(3 * 86_400_000)
        ('1 min ago', 'now', '3 d ago')
    """
    for size, unit in _UNITS:
        if milliseconds >= size:
            return f"{milliseconds // size} {unit} ago"
    return "now"


@command.command("show", cls=Command, example="evalkit runs show latest")
@run_argument
@json_option
@store_option
def show_run(run: str, as_json: bool) -> None:
    """Show one run: its estimates, params, tags and files."""
    from evalkit.store.artifacts import list_files, local_folder
    from evalkit.tracking.place import current_store
    from evalkit.tracking.search import get_run

    store, found = current_store(), get_run(run)
    folder = local_folder(found.info.artifact_uri)
    facts = facts_of(store, found) | {
        "params": dict(found.data.params),
        "tags": dict(found.data.tags),
        "metrics": found.data.metrics,
        "artifacts": str(folder),
        "files": [file.path for file in list_files(folder)],
    }
    if as_json:
        write_json(facts)
    else:
        _show_run(facts)


def _show_run(facts: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.gates.verdict import number
    from evalkit.report.texts import one_line

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("run", Text(facts["run_id"]))
    when = ago(now_milliseconds() - facts["start_time"])
    verdict = f", verdict {facts['verdict']}" if facts["verdict"] else ""
    grid.add_row("status", f"{facts['status'].lower()}{verdict}, begun {when}")
    keys = dict.fromkeys([*facts["estimates"], *facts["metrics"]])
    rows = [(key, _measured(key, facts, number)) for key in keys]
    sections = {"metrics": rows, "params": facts["params"].items(), "tags": facts["tags"].items()}
    for section, pairs in sections.items():
        for place, (key, value) in enumerate(pairs):
            text = Text(f"{one_line(key)} = {one_line(value)}")
            grid.add_row("" if place else section, text)
    grid.add_row("files", Text(facts["artifacts"]))
    show(Text(one_line(facts["name"]), "bold"), grid)


def _measured(key: str, facts: dict[str, Any], number: Any) -> str:
    estimate = facts["estimates"].get(key)
    if estimate is None:
        return f"{facts['metrics'][key]:g}"
    if estimate["value"] is None:
        return f"no value (n={estimate['n_scored']}/{estimate['n_total']})"
    limits = ""
    if estimate["low"] is not None and estimate["high"] is not None:
        limits = f" [{number(estimate['low'])}, {number(estimate['high'])}]"
    return f"{number(estimate['value'])}{limits} (n={estimate['n_scored']}/{estimate['n_total']})"


@command.command("delete", cls=Command, example="evalkit runs delete 3f2a latest~1")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@store_option
def delete_runs(runs: tuple[str, ...]) -> None:
    """Mark runs deleted; their files stay, and `evalkit runs restore` brings them back."""
    from evalkit.tracking.place import current_store
    from evalkit.tracking.search import get_run

    # All are found before any is deleted: each deletion would move what 'latest' means.
    for run in [get_run(reference) for reference in runs]:
        current_store().delete_run(run.run_id)
        write(f"Deleted {run.run_id} ({run.run_name}).")


@command.command("restore", cls=Command, example="evalkit runs restore 3f2a5c0b9d1e")
@click.argument("runs", nargs=-1, required=True, metavar="ID…")
@store_option
def restore_runs(runs: tuple[str, ...]) -> None:
    """Bring deleted runs back, named by their ids or the beginnings of these."""
    from evalkit.entities.run import ViewType
    from evalkit.errors import AmbiguousRunError, RunNotFoundError
    from evalkit.tracking.place import current_store

    store = current_store()
    deleted = [run.run_id for run in store.search_runs(view=ViewType.DELETED_ONLY)]
    for beginning in runs:
        found = [name for name in deleted if name.startswith(beginning)]
        if not found:
            raise RunNotFoundError(beginning, deleted)
        if len(found) > 1:
            raise AmbiguousRunError(beginning, found)
        store.restore_run(found[0])
        write(f"Restored {found[0]}.")
