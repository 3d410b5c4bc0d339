"""Finding runs: by what they are, and by what a person calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from evalkit.entities.run import LifecycleStage, RunStatus, ViewType
from evalkit.errors import AmbiguousRunError, RunNotFoundError, UsageError
from evalkit.store.sql import experiments, runs, tables

SHORTEST_PREFIX = 4
"""Characters that the beginning of a run's id must have at least, as in Git."""

_LATEST = re.compile(r"latest(?:~([0-9]{1,9}))?")
_MOST_CANDIDATES = 5
_NAMES_TO_SUGGEST = 200
_RUN = tables.runs.c
_NEWEST_FIRST = (_RUN.start_time.desc(), _RUN.run_number.desc())


def newest(
    connection: Connection,
    experiment_ids: Sequence[str] | None,
    *,
    view: ViewType,
    statuses: Iterable[RunStatus] | None,
    tags: Mapping[str, str],
    name: str | None,
    parent_run_id: str | None,
    limit: int,
    after: str | None,
) -> Sequence[Row[Any]]:
    """Return rows of runs, the one started last first.

    Raises:
        ExperimentNotFoundError: If an id in *experiment_ids* is no experiment's.
        RunNotFoundError: If there is no run *after*.
        UsageError: If *limit* is below 1.
    """
    if limit < 1:
        raise UsageError(f"limit must be at least 1, got {limit}.")
    query = select(tables.runs).order_by(*_NEWEST_FIRST).limit(limit)
    if experiment_ids is not None:
        numbers = [experiments.find_by_id(connection, e).experiment_id for e in experiment_ids]
        query = query.where(_RUN.experiment_id.in_(numbers))
    if view is not ViewType.ALL:
        query = query.where(_RUN.lifecycle_stage == experiments.stage_of(view))
    if statuses is not None:
        query = query.where(_RUN.status.in_(list(statuses)))
    if name is not None:
        query = query.where(_RUN.name == name)
    if parent_run_id is not None:
        query = query.where(_RUN.parent_run_id == parent_run_id)
    if after is not None:
        last = runs.find_by_id(connection, after)
        query = query.where(
            or_(
                _RUN.start_time < last.start_time,
                and_(_RUN.start_time == last.start_time, _RUN.run_number < last.run_number),
            )
        )
    return connection.execute(_with_tags(query, tags)).all()


def _with_tags(query: Select[Any], tags: Mapping[str, str]) -> Select[Any]:
    column = tables.tags.c
    for key, value in tags.items():
        query = query.where(
            select(column.key)
            .where(column.run_number == _RUN.run_number, column.key == key, column.value == value)
            .exists()
        )
    return query


def resolve(connection: Connection, reference: str, experiment_id: str | None) -> Row[Any]:
    """Return the row of the active run that a person means by *reference*.

    Raises:
        ExperimentNotFoundError: If there is no such experiment.
        RunNotFoundError: If there is no such run.
        AmbiguousRunError: If several ids begin with *reference*.
    """
    query = select(tables.runs).where(_RUN.lifecycle_stage == LifecycleStage.ACTIVE)
    if experiment_id is not None:
        experiment = experiments.find_by_id(connection, experiment_id)
        query = query.where(_RUN.experiment_id == experiment.experiment_id)
    query = query.order_by(*_NEWEST_FIRST)
    counted = _LATEST.fullmatch(reference)
    if counted is not None:
        found = connection.execute(query.offset(int(counted[1] or 0)).limit(1)).first()
    else:
        found = _by_id_or_name(connection, query, reference)
    if found is None:
        names = connection.scalars(query.with_only_columns(_RUN.name).limit(_NAMES_TO_SUGGEST))
        raise RunNotFoundError(reference, set(names))
    return found


def _by_id_or_name(connection: Connection, query: Select[Any], reference: str) -> Row[Any] | None:
    for column in (_RUN.run_id, _RUN.name):
        found = connection.execute(query.where(column == reference).limit(1)).first()
        if found is not None:
            return found
    if len(reference) < SHORTEST_PREFIX:
        return None
    begins = func.substr(_RUN.run_id, 1, len(reference)) == reference
    rows = connection.execute(query.where(begins).limit(_MOST_CANDIDATES)).all()
    if len(rows) > 1:
        raise AmbiguousRunError(reference, [row.run_id for row in rows])
    return rows[0] if rows else None
