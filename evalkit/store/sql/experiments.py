"""Experiments in SQL.  Each function works in its caller's transaction and never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, delete, insert, select, update

from evalkit._internal import clock
from evalkit.entities.run import Experiment, LifecycleStage, ViewType
from evalkit.errors import AlreadyExistsError, ExperimentNotFoundError, UsageError
from evalkit.store.artifacts import LocalArtifacts
from evalkit.store.sql import checks, tables

_EXPERIMENT = tables.experiments.c
_TAG = tables.experiment_tags.c


def add_experiment(connection: Connection, name: str, tags: Mapping[str, str]) -> int:
    """Add an experiment and return its number.

    Raises:
        AlreadyExistsError: If the name is taken.
        UsageError: If the name is empty or too long.
    """
    if not name.strip():
        raise UsageError("An experiment's name is empty; give it one.")
    name = checks.text("experiment's name", name, tables.EXPERIMENT_NAME_LENGTH)
    taken = find_by_name(connection, name)
    if taken is not None:
        deleted = taken.lifecycle_stage == LifecycleStage.DELETED
        advice = "it is deleted: restore it, or take another name" if deleted else "use that one"
        raise AlreadyExistsError("an experiment", name, advice)
    now = clock.now_milliseconds()
    added = connection.execute(
        insert(tables.experiments).values(
            name=name,
            lifecycle_stage=LifecycleStage.ACTIVE,
            creation_time=now,
            last_update_time=now,
        )
    )
    number = inserted_number(added)
    put_tags(connection, number, tags)
    return number


def inserted_number(added: CursorResult[Any]) -> int:
    """Return the number that the database gave the one row of an insert."""
    primary_key = added.inserted_primary_key
    if primary_key is None:  # pragma: no cover  only for inserts of several rows
        raise TypeError("the insert added no single row")
    return int(primary_key[0])


def find_by_name(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of the experiment *name*, deleted or not."""
    return connection.execute(select(tables.experiments).where(_EXPERIMENT.name == name)).first()


def find_by_id(connection: Connection, experiment_id: str) -> Row[Any]:
    """Return the row of an experiment, deleted or not.

    Raises:
        ExperimentNotFoundError: If there is none.
    """
    found = None
    if experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) < 10:  # noqa: PLR2004  fits in 32 bits
        query = select(tables.experiments).where(_EXPERIMENT.experiment_id == int(experiment_id))
        found = connection.execute(query).first()
    if found is None:
        raise ExperimentNotFoundError(experiment_id)
    return found


def active_number(connection: Connection, experiment_id: str) -> int:
    """Return the number of an experiment that runs can be put into.

    Raises:
        ExperimentNotFoundError: If there is none, or it is deleted.
    """
    row = find_by_id(connection, experiment_id)
    if row.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ExperimentNotFoundError(experiment_id)
    return int(row.experiment_id)


def newest(connection: Connection, view: ViewType, limit: int) -> Sequence[Row[Any]]:
    """Return rows of experiments, newest first."""
    query = select(tables.experiments).order_by(
        _EXPERIMENT.creation_time.desc(), _EXPERIMENT.experiment_id.desc()
    )
    if view is not ViewType.ALL:
        query = query.where(_EXPERIMENT.lifecycle_stage == stage_of(view))
    return connection.execute(query.limit(limit)).all()


def stage_of(view: ViewType) -> LifecycleStage:
    """Return the one stage that a view other than ``ALL`` shows."""
    return LifecycleStage.ACTIVE if view is ViewType.ACTIVE_ONLY else LifecycleStage.DELETED


def set_stage(connection: Connection, experiment_id: str, stage: LifecycleStage) -> None:
    """Delete or restore an experiment.

    Raises:
        ExperimentNotFoundError: If there is none.
    """
    number = find_by_id(connection, experiment_id).experiment_id
    connection.execute(
        update(tables.experiments)
        .where(_EXPERIMENT.experiment_id == number)
        .values(lifecycle_stage=stage, last_update_time=clock.now_milliseconds())
    )


def put_tags(connection: Connection, number: int, tags: Mapping[str, str]) -> None:
    """Set tags on an experiment.

    Raises:
        UsageError: If a key or value is too long.
    """
    fitting = checks.pairs("tag", tags, tables.TAG_LENGTH)
    if not fitting:
        return
    connection.execute(
        delete(tables.experiment_tags).where(
            _TAG.experiment_id == number, _TAG.key.in_(list(fitting))
        )
    )
    connection.execute(
        insert(tables.experiment_tags),
        [{"experiment_id": number, "key": k, "value": v} for k, v in fitting.items()],
    )


def to_entities(
    connection: Connection, rows: Sequence[Row[Any]], artifacts: LocalArtifacts
) -> list[Experiment]:
    """Return what the rows say, with the experiments' tags."""
    tags: dict[int, dict[str, str]] = {row.experiment_id: {} for row in rows}
    query = select(tables.experiment_tags).where(_TAG.experiment_id.in_(list(tags)))
    for row in connection.execute(query.order_by(_TAG.key)):
        tags[row.experiment_id][row.key] = row.value
    return [
        Experiment(
            experiment_id=str(row.experiment_id),
            name=row.name,
            artifact_location=row.artifact_location
            or artifacts.experiment_uri(str(row.experiment_id)),
            lifecycle_stage=LifecycleStage(row.lifecycle_stage),
            creation_time=row.creation_time,
            last_update_time=row.last_update_time,
            tags=tags[row.experiment_id],
        )
        for row in rows
    ]
