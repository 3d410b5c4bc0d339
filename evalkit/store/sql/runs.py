"""Runs in SQL, with their params and tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from evalkit._internal import clock, ids
from evalkit.entities.run import LifecycleStage, Metric, Run, RunData, RunInfo, RunStatus, ViewType
from evalkit.errors import (
    AlreadyExistsError,
    AmbiguousRunError,
    ParamChangedError,
    RunNotFoundError,
)
from evalkit.store.artifacts import ArtifactRoot, make_if_local
from evalkit.store.filters import RUNS
from evalkit.store.filters.sql import Fields, Search
from evalkit.store.interface import DEFAULT_EXPERIMENT_ID, Runs
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.metrics import add_metrics, last_metrics, metric_of
from evalkit.store.sql.rows import (
    active_experiment,
    chunks,
    drop_tag,
    entity,
    experiment_row,
    in_view,
    label_rows,
    labels_of,
    put_tags,
    read_labels,
    run_row,
    with_tags,
    writable_run,
)

SHORTEST_PREFIX = 4
"""Characters that the beginning of a run's id must have at least, as in Git."""

RUN_NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"

_LATEST = re.compile(r"latest(?:~([0-9]{1,9}))?")
_MOST_CANDIDATES = 5
_NAMES_TO_SUGGEST = 200
_TABLE = tables.runs
_RUN = _TABLE.c
_NEWEST_FIRST = ((_RUN.start_time, True), (_RUN.run_number, True))
_FIELDS = Fields(
    attributes={
        "run_id": _RUN.run_id,
        "run_name": _RUN.name,
        "status": _RUN.status,
        "user_id": _RUN.user_id,
        "start_time": _RUN.start_time,
        "end_time": _RUN.end_time,
    },
    collections={
        "tag": partial(labels_of, tables.tags, _RUN.run_number),
        "param": partial(labels_of, tables.params, _RUN.run_number),
        "metric": partial(metric_of, _RUN.run_number),
    },
)
_SEARCH = Search(RUNS, _FIELDS, _NEWEST_FIRST)


@dataclass(frozen=True)
class SqlRuns(Runs):
    """See `Runs`."""

    database: Database
    artifacts: ArtifactRoot

    def create(
        self,
        experiment_id: str = DEFAULT_EXPERIMENT_ID,
        *,
        run_id: str | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        user: str = "",
        tags: Mapping[str, str] | None = None,
        start_time: int | None = None,
    ) -> Run:
        tags = tags or {}
        parent_run_id = parent_run_id or tags.get(PARENT_TAG)
        run_id = ids.new_run_id() if run_id is None else checks.run_id(run_id)
        name = name or tags.get(RUN_NAME_TAG) or ids.new_name(run_id)
        values: dict[str, Any] = {
            "run_id": run_id,
            "name": checks.text("run's name", name, tables.RUN_NAME_LENGTH),
            "user_id": checks.text("user's name", user, 256),
            "status": RunStatus.RUNNING,
            "start_time": clock.now_milliseconds() if start_time is None else start_time,
            "lifecycle_stage": LifecycleStage.ACTIVE,
            "parent_run_id": parent_run_id,
        }
        own = {RUN_NAME_TAG: name}
        with self.database.write() as connection:
            values["experiment_id"] = number = active_experiment(connection, experiment_id)
            if not self.artifacts.beside:
                values["artifact_uri"] = self.artifacts.run_uri(str(number), run_id)
            if parent_run_id is not None:
                run_row(connection, parent_run_id)
                own[PARENT_TAG] = parent_run_id
            if not self.database.add_new(connection, _TABLE, [values], by=["run_id"]):
                raise AlreadyExistsError("a run", run_id, "give another id, or none")
            number = run_row(connection, run_id).run_number
            self._put_tags(connection, number, {**tags, **own})
            return self._entities(connection, [run_row(connection, run_id)])[0]

    def get(self, run_id: str) -> Run:
        with self.database.read() as connection:
            return self._entities(connection, [run_row(connection, run_id)])[0]

    def resolve(self, reference: str, *, experiment_id: str | None = None) -> Run:
        query = select(_TABLE).where(_RUN.lifecycle_stage == LifecycleStage.ACTIVE)
        latest = _LATEST.fullmatch(reference)
        with self.database.read() as connection:
            if experiment_id is not None:
                number = experiment_row(connection, experiment_id).experiment_id
                query = query.where(_RUN.experiment_id == number)
            query = query.order_by(*(column.desc() for column, _ in _NEWEST_FIRST))
            if latest is not None:
                row = connection.execute(query.offset(int(latest[1] or 0)).limit(1)).first()
            else:
                row = _by_id_or_name(connection, query, reference)
            if row is None:
                names = query.with_only_columns(_RUN.name).limit(_NAMES_TO_SUGGEST)
                raise RunNotFoundError(reference, set(connection.scalars(names)))
            return self._entities(connection, [row])[0]

    def search(
        self,
        experiment_ids: Sequence[str] | None = None,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        statuses: Iterable[RunStatus] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        filter: str = "",  # noqa: A002  MLflow's word
        order_by: str | Sequence[str] = (),
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Run]:
        query = select(_TABLE).limit(checks.limit(limit))
        query = with_tags(in_view(query, _RUN.lifecycle_stage, view), tables.tags, tags)
        if statuses is not None:
            query = query.where(_RUN.status.in_(list(statuses)))
        if name is not None:
            query = query.where(_RUN.name == name)
        if parent_run_id is not None:
            query = query.where(_RUN.parent_run_id == parent_run_id)
        with self.database.read() as connection:
            if experiment_ids is not None:
                numbers = [experiment_row(connection, e).experiment_id for e in experiment_ids]
                query = query.where(_RUN.experiment_id.in_(numbers))
            last = None if after is None else _RUN.run_id == run_row(connection, after).run_id
            return self._entities(
                connection, _SEARCH.page(connection, query, filter, order_by, last)
            )

    def update(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time: int | None = None,
        name: str | None = None,
    ) -> Run:
        values: dict[str, Any] = {} if end_time is None else {"end_time": end_time}
        if status is not None:
            values["status"] = status
            if not status.is_final:
                values["end_time"] = None
            elif end_time is None:
                values["end_time"] = clock.now_milliseconds()
        with self.database.write() as connection:
            number = writable_run(connection, run_id)
            if values:
                connection.execute(update(_TABLE).where(_RUN.run_number == number).values(values))
            if name is not None:
                self._put_tags(connection, number, {RUN_NAME_TAG: name})
            return self._entities(connection, [run_row(connection, run_id)])[0]

    def log(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        with self.database.write() as connection:
            number = writable_run(connection, run_id)
            self._add_params(connection, number, run_id, params or {})
            self._put_tags(connection, number, tags or {})
            add_metrics(self.database, connection, number, metrics)

    def delete_tag(self, run_id: str, key: str) -> None:
        with self.database.write() as connection:
            drop_tag(connection, tables.tags, (writable_run(connection, run_id),), key)

    def delete(self, run_id: str) -> None:
        self._set_stage(run_id, LifecycleStage.DELETED)

    def restore(self, run_id: str) -> None:
        self._set_stage(run_id, LifecycleStage.ACTIVE)

    def artifact_uri(self, run_id: str) -> str:
        with self.database.read() as connection:
            row = run_row(connection, run_id)
        return make_if_local(self._artifact_uri(row))

    def _artifact_uri(self, row: Row[Any]) -> str:
        uri: str | None = row.artifact_uri
        return uri or self.artifacts.run_uri(str(row.experiment_id), row.run_id)

    def _set_stage(self, run_id: str, stage: LifecycleStage) -> None:
        with self.database.write() as connection:
            number = run_row(connection, run_id).run_number
            change = update(_TABLE).where(_RUN.run_number == number)
            connection.execute(change.values(lifecycle_stage=stage))

    def _add_params(
        self, connection: Connection, number: int, run_id: str, params: Mapping[str, str]
    ) -> None:
        """Add params to a run; one that it has with the same value is left as it is."""
        fitting = checks.pairs("param", params, tables.PARAM_LENGTH)
        table = tables.params
        self.database.add_new(connection, table, label_rows(table, (number,), fitting))
        for keys in chunks(list(fitting)):
            query = select(table.c.key, table.c.value)
            query = query.where(table.c.run_number == number, table.c.key.in_(keys))
            for key, value in connection.execute(query):
                if value != fitting[key]:
                    raise ParamChangedError(run_id, key, value, fitting[key])

    def _put_tags(self, connection: Connection, number: int, tags: Mapping[str, str]) -> None:
        """Set tags on a run, and what the run's own columns repeat of them."""
        fitting = put_tags(self.database, connection, tables.tags, (number,), tags)
        values: dict[str, str] = {}
        if RUN_NAME_TAG in fitting:
            name = fitting[RUN_NAME_TAG]
            values["name"] = checks.text("run's name", name, tables.RUN_NAME_LENGTH)
        if PARENT_TAG in fitting:
            values["parent_run_id"] = checks.run_id(fitting[PARENT_TAG])
        if values:
            connection.execute(update(_TABLE).where(_RUN.run_number == number).values(values))

    def _entities(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Run]:
        """Return what the rows say, with what was logged: three more queries for a page."""
        numbers = [int(row.run_number) for row in rows]
        latest = last_metrics(connection, numbers)
        params = read_labels(connection, tables.params, [(number,) for number in numbers])
        tags = read_labels(connection, tables.tags, [(number,) for number in numbers])
        return [
            Run(
                info=entity(
                    RunInfo,
                    row,
                    run_name=row.name,
                    experiment_id=str(row.experiment_id),
                    status=RunStatus(row.status),
                    artifact_uri=self._artifact_uri(row),
                    lifecycle_stage=LifecycleStage(row.lifecycle_stage),
                ),
                data=RunData(
                    latest_metrics=latest[row.run_number],
                    params=params[row.run_number,],
                    tags=tags[row.run_number,],
                ),
            )
            for row in rows
        ]


def _by_id_or_name(connection: Connection, query: Select[Any], reference: str) -> Row[Any] | None:
    for column in (_RUN.run_id, _RUN.name):
        row = connection.execute(query.where(column == reference).limit(1)).first()
        if row is not None:
            return row
    if len(reference) < SHORTEST_PREFIX:
        return None
    begins = func.substr(_RUN.run_id, 1, len(reference)) == reference
    rows = connection.execute(query.where(begins).limit(_MOST_CANDIDATES)).all()
    if len(rows) > 1:
        raise AmbiguousRunError(reference, [row.run_id for row in rows])
    return rows[0] if rows else None
