"""``evalkit runs``: what the store keeps."""

from __future__ import annotations

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.options import json_option, run_argument, store_option
from evalkit.cli.output import tell, write, write_json
from evalkit.cli.runs_shown import facts_of, show_run, show_runs


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
        show_runs(found)
    else:
        tell(f"There are no runs in {store.uri}.")


@command.command("show", cls=Command, example="evalkit runs show latest")
@run_argument
@json_option
@store_option
def show(run: str, as_json: bool) -> None:
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
        show_run(facts)


@command.command("delete", cls=Command, example="evalkit runs delete 3f2a latest~1")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@store_option
def delete_runs(runs: tuple[str, ...]) -> None:
    """Mark runs deleted; their files stay, and `evalkit runs restore` brings them back."""
    from evalkit.tracking.place import current_store
    from evalkit.tracking.search import get_run

    # All are found before any is deleted: each deletion would move what 'latest' means.
    for run in [get_run(reference) for reference in runs]:
        current_store().runs.delete(run.run_id)
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
    deleted = [run.run_id for run in store.runs.search(view=ViewType.DELETED_ONLY)]
    for beginning in runs:
        found = [name for name in deleted if name.startswith(beginning)]
        if not found:
            raise RunNotFoundError(beginning, deleted)
        if len(found) > 1:
            raise AmbiguousRunError(beginning, found)
        store.runs.restore(found[0])
        write(f"Restored {found[0]}.")
