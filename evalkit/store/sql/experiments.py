"""Experiments in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select, update

from evalkit._internal import clock
from evalkit.entities.run import Experiment, LifecycleStage, ViewType
from evalkit.errors import AlreadyExistsError, UsageError
from evalkit.store.artifacts import ArtifactRoot
from evalkit.store.filters import EXPERIMENTS
from evalkit.store.filters.sql import Fields, Search
from evalkit.store.interface import Experiments
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.rows import (
    active_experiment,
    entity,
    experiment_row,
    in_view,
    labels_of,
    put_tags,
    read_labels,
)

_TABLE = tables.experiments
_SEARCH = Search(
    EXPERIMENTS,
    Fields(
        attributes={name: _TABLE.c[name] for name in EXPERIMENTS.attributes},
        collections={"tag": partial(labels_of, tables.experiment_tags, _TABLE.c.experiment_id)},
    ),
    ((_TABLE.c.creation_time, True), (_TABLE.c.experiment_id, True)),
)
_ACTIVE = "use that one"
_DELETED = "it is deleted: restore it, or take another name"


@dataclass(frozen=True)
class SqlExperiments(Experiments):
    """See `Experiments`."""

    database: Database
    artifacts: ArtifactRoot

    def create(self, name: str, *, tags: Mapping[str, str] | None = None) -> Experiment:
        with self.database.write() as connection:
            new, row = self._add(connection, name)
            if not new:
                deleted = row.lifecycle_stage == LifecycleStage.DELETED
                raise AlreadyExistsError("an experiment", name, _DELETED if deleted else _ACTIVE)
            owner = (row.experiment_id,)
            put_tags(self.database, connection, tables.experiment_tags, owner, tags or {})
            return self._entities(connection, [row])[0]

    def get_or_create(self, name: str) -> Experiment:
        experiment = self.find(name)
        if experiment is None:
            with self.database.write() as connection:
                _, row = self._add(connection, name)  # another process may have been first
                experiment = self._entities(connection, [row])[0]
        if experiment.lifecycle_stage is LifecycleStage.DELETED:
            raise AlreadyExistsError("an experiment", name, _DELETED)
        return experiment

    def get(self, experiment_id: str) -> Experiment:
        with self.database.read() as connection:
            return self._entities(connection, [experiment_row(connection, experiment_id)])[0]

    def find(self, name: str) -> Experiment | None:
        with self.database.read() as connection:
            rows = connection.execute(select(_TABLE).where(_TABLE.c.name == name)).all()
            return next(iter(self._entities(connection, rows)), None)

    def search(
        self,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        filter: str = "",  # noqa: A002  MLflow's word
        order_by: str | Sequence[str] = (),
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Experiment]:
        query = in_view(select(_TABLE), _TABLE.c.lifecycle_stage, view)
        query = query.limit(checks.limit(limit))
        own = _TABLE.c.experiment_id
        with self.database.read() as connection:
            last = None if after is None else own == experiment_row(connection, after).experiment_id
            return self._entities(
                connection, _SEARCH.page(connection, query, filter, order_by, last)
            )

    def set_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        with self.database.write() as connection:
            owner = (active_experiment(connection, experiment_id),)
            put_tags(self.database, connection, tables.experiment_tags, owner, tags)

    def delete(self, experiment_id: str) -> None:
        self._set_stage(experiment_id, LifecycleStage.DELETED)

    def restore(self, experiment_id: str) -> None:
        self._set_stage(experiment_id, LifecycleStage.ACTIVE)

    def _set_stage(self, experiment_id: str, stage: LifecycleStage) -> None:
        with self.database.write() as connection:
            number = experiment_row(connection, experiment_id).experiment_id
            change = update(_TABLE).where(_TABLE.c.experiment_id == number)
            now = clock.now_milliseconds()
            connection.execute(change.values(lifecycle_stage=stage, last_update_time=now))

    def _add(self, connection: Connection, name: str) -> tuple[bool, Row[Any]]:
        """Add an experiment, if its name is free; return whether it was, and the row."""
        if not name.strip():
            raise UsageError("An experiment's name is empty; give it one.")
        name = checks.text("experiment's name", name, tables.EXPERIMENT_NAME_LENGTH)
        now = clock.now_milliseconds()
        row = {
            "name": name,
            "lifecycle_stage": LifecycleStage.ACTIVE,
            "creation_time": now,
            "last_update_time": now,
        }
        new = self.database.add_new(connection, _TABLE, [row], by=["name"])
        return bool(new), connection.execute(select(_TABLE).where(_TABLE.c.name == name)).one()

    def _entities(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Experiment]:
        owners = [(row.experiment_id,) for row in rows]
        tags = read_labels(connection, tables.experiment_tags, owners)
        return [
            entity(
                Experiment,
                row,
                experiment_id=str(row.experiment_id),
                artifact_location=row.artifact_location
                or self.artifacts.uri_of(str(row.experiment_id)),
                lifecycle_stage=LifecycleStage(row.lifecycle_stage),
                tags=tags[row.experiment_id,],
            )
            for row in rows
        ]
