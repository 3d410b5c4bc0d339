"""Runs in SQL.  Each function works in its caller's transaction and never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from evalkit._internal import clock, ids
from evalkit.entities.run import (
    LifecycleStage,
    Run,
    RunData,
    RunInfo,
    RunStatus,
)
from evalkit.errors import AlreadyExistsError, DeletedRunError, RunNotFoundError
from evalkit.store.artifacts import LocalArtifacts
from evalkit.store.sql import checks, experiments, labels, metrics, tables

_RUN = tables.runs.c


def add_run(
    connection: Connection,
    experiment_id: str,
    *,
    run_id: str | None,
    name: str | None,
    parent_run_id: str | None,
    user: str,
    tags: Mapping[str, str],
    start_time: int | None,
) -> str:
    """Add a running run and return its id.

    Raises:
        ExperimentNotFoundError: If there is no such active experiment.
        RunNotFoundError: If there is no such parent.
        AlreadyExistsError: If the id is taken.
        UsageError: If something is too long.
    """
    experiment = experiments.active_number(connection, experiment_id)
    parent_run_id = parent_run_id or tags.get(labels.PARENT_TAG)
    if parent_run_id is not None:
        find_by_id(connection, parent_run_id)
    if run_id is None:
        run_id = ids.new_run_id()
    elif find(connection, checks.run_id(run_id)) is not None:
        raise AlreadyExistsError("a run", run_id, "give another id, or none")
    name = name or tags.get(labels.RUN_NAME_TAG) or ids.new_name(run_id)
    added = connection.execute(
        insert(tables.runs).values(
            run_id=run_id,
            experiment_id=experiment,
            name=checks.text("run's name", name, tables.RUN_NAME_LENGTH),
            user_id=checks.text("user's name", user, 256),
            status=RunStatus.RUNNING,
            start_time=clock.now_milliseconds() if start_time is None else start_time,
            lifecycle_stage=LifecycleStage.ACTIVE,
            parent_run_id=parent_run_id,
        )
    )
    own = {labels.RUN_NAME_TAG: name}
    if parent_run_id is not None:
        own[labels.PARENT_TAG] = parent_run_id
    labels.put_tags(connection, experiments.inserted_number(added), {**tags, **own})
    return run_id


def find(connection: Connection, run_id: str) -> Row[Any] | None:
    """Return the row of a run, deleted or not."""
    return connection.execute(select(tables.runs).where(_RUN.run_id == run_id)).first()


def find_by_id(connection: Connection, run_id: str) -> Row[Any]:
    """Return the row of a run, deleted or not.

    Raises:
        RunNotFoundError: If there is none.
    """
    row = find(connection, run_id)
    if row is None:
        raise RunNotFoundError(run_id)
    return row


def writable_number(connection: Connection, run_id: str) -> int:
    """Return the number of a run that may be written.

    Raises:
        RunNotFoundError: If there is none.
        DeletedRunError: If it is deleted.
    """
    row = find_by_id(connection, run_id)
    if row.lifecycle_stage != LifecycleStage.ACTIVE:
        raise DeletedRunError(run_id)
    return int(row.run_number)


def change(
    connection: Connection,
    run_id: str,
    *,
    status: RunStatus | None,
    end_time: int | None,
    name: str | None,
) -> None:
    """Change a run's status, end or name.

    Raises:
        RunNotFoundError: If there is none.
        DeletedRunError: If it is deleted.
    """
    number = writable_number(connection, run_id)
    values: dict[str, Any] = {}
    if status is not None:
        values["status"] = status
        values["end_time"] = None
        if status.is_final:
            values["end_time"] = clock.now_milliseconds() if end_time is None else end_time
    elif end_time is not None:
        values["end_time"] = end_time
    if values:
        connection.execute(update(tables.runs).where(_RUN.run_number == number).values(values))
    if name is not None:
        labels.put_tags(connection, number, {labels.RUN_NAME_TAG: name})


def set_stage(connection: Connection, run_id: str, stage: LifecycleStage) -> None:
    """Delete or restore a run.

    Raises:
        RunNotFoundError: If there is none.
    """
    number = find_by_id(connection, run_id).run_number
    connection.execute(
        update(tables.runs).where(_RUN.run_number == number).values(lifecycle_stage=stage)
    )


def to_entities(
    connection: Connection, rows: Sequence[Row[Any]], artifacts: LocalArtifacts
) -> list[Run]:
    """Return what the rows say, with what was logged: three more queries for up to 500 runs."""
    numbers = [int(row.run_number) for row in rows]
    latest = metrics.read_latest(connection, numbers)
    params = labels.read(connection, tables.params, numbers)
    tags = labels.read(connection, tables.tags, numbers)
    return [
        Run(
            info=_info(row, artifacts),
            data=RunData(
                latest_metrics=latest[row.run_number],
                params=params[row.run_number],
                tags=tags[row.run_number],
            ),
        )
        for row in rows
    ]


def _info(row: Row[Any], artifacts: LocalArtifacts) -> RunInfo:
    return RunInfo(
        run_id=row.run_id,
        run_name=row.name,
        experiment_id=str(row.experiment_id),
        user_id=row.user_id,
        status=RunStatus(row.status),
        start_time=row.start_time,
        end_time=row.end_time,
        artifact_uri=artifacts.run_uri(str(row.experiment_id), row.run_id),
        lifecycle_stage=LifecycleStage(row.lifecycle_stage),
        parent_run_id=row.parent_run_id,
    )
