"""What several nouns do with rows.

Nothing here commits.  A row that is not there is the `NotFoundError` of its noun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, select, tuple_

from evalkit.entities.run import LifecycleStage, ViewType
from evalkit.errors import DeletedRunError, ExperimentNotFoundError, RunNotFoundError
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHUNK = 400
"""Keys in one ``IN (…)``; SQLite's smallest limit of variables is 999, and a key may be a pair."""

T = TypeVar("T")
Entity = TypeVar("Entity", bound="DataclassInstance")


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield *values* in pieces of at most *size*.

    Examples:
        >>> list(chunks([1, 2, 3, 4, 5], 2))
        [[1, 2], [3, 4], [5]]
    """
    for start in range(0, len(values), size):
        yield values[start : start + size]


def entity(kind: type[Entity], row: Row[Any], **others: Any) -> Entity:
    """Return the *kind* of entity that *row* holds.

    A field is the column of its name, unless it is among *others*.
    """
    columns = row._asdict() | others  # pyright: ignore[reportPrivateUsage]
    return kind(**{field.name: columns[field.name] for field in fields(kind) if field.init})


def experiment_row(connection: Connection, experiment_id: str) -> Row[Any]:
    """Return the row of an experiment, deleted or not."""
    table = tables.experiments
    row = None
    if experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) < 10:  # noqa: PLR2004  fits in 32 bits
        query = select(table).where(table.c.experiment_id == int(experiment_id))
        row = connection.execute(query).first()
    if row is None:
        raise ExperimentNotFoundError(experiment_id)
    return row


def active_experiment(connection: Connection, experiment_id: str) -> int:
    """Return the number of an experiment that runs can be put into; a deleted one is none."""
    row = experiment_row(connection, experiment_id)
    if row.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ExperimentNotFoundError(experiment_id)
    return int(row.experiment_id)


def run_row(connection: Connection, run_id: str) -> Row[Any]:
    """Return the row of a run, deleted or not."""
    row = connection.execute(select(tables.runs).where(tables.runs.c.run_id == run_id)).first()
    if row is None:
        raise RunNotFoundError(run_id)
    return row


def writable_run(connection: Connection, run_id: str) -> int:
    """Return the number of a run that may be written, and hold it until the transaction ends.

    Raises:
        DeletedRunError: If it is deleted.
    """
    # Where several may write at once, its row is locked: who logs to one run does so in turn.
    query = select(tables.runs).where(tables.runs.c.run_id == run_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise RunNotFoundError(run_id)
    if row.lifecycle_stage != LifecycleStage.ACTIVE:
        raise DeletedRunError(run_id)
    return int(row.run_number)


def in_view(query: Select[Any], column: ColumnElement[str], view: ViewType) -> Select[Any]:
    """Narrow *query* to the lifecycle stages that *view* shows."""
    if view is ViewType.ALL:
        return query
    active = view is ViewType.ACTIVE_ONLY
    return query.where(column == (LifecycleStage.ACTIVE if active else LifecycleStage.DELETED))


# A table of tags or params has the key of their owner, a column or two, then ``key`` and ``value``.


def put_tags(
    database: Database,
    connection: Connection,
    table: Table,
    owner: tuple[int, ...],
    tags: Mapping[str, str],
) -> dict[str, str]:
    """Set tags of *owner* and return them as they were kept, if keys and values fit."""
    prose = table.c.value.type is tables.LONG_TEXT
    longest = tables.LONG_TEXT_LENGTH if prose else tables.TAG_LENGTH
    fitting = checks.pairs("tag", tags, longest)
    database.put(connection, table, label_rows(table, owner, fitting))
    return fitting


def label_rows(
    table: Table, owner: tuple[int, ...], labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return tags or params as rows of *table*."""
    names = [column.name for column in table.c]
    return [dict(zip(names, (*owner, *label), strict=True)) for label in labels.items()]


def drop_tag(connection: Connection, table: Table, owner: tuple[int, ...], key: str) -> None:
    """Take a tag from *owner*, if it has it."""
    columns = list(table.c)[:-2]
    own = [column == value for column, value in zip(columns, owner, strict=True)]
    connection.execute(delete(table).where(*own, table.c.key == key))


def read_labels(
    connection: Connection, table: Table, owners: Sequence[tuple[int, ...]]
) -> dict[tuple[int, ...], dict[str, str]]:
    """Return the tags or params of many owners, by owner and key; keys in order."""
    labels: dict[tuple[int, ...], dict[str, str]] = {owner: {} for owner in owners}
    for some in chunks(owners):
        query = select(table).where(among(list(table.c)[:-2], some)).order_by(table.c.key)
        for *owner, key, value in connection.execute(query):
            labels[tuple(owner)][key] = value
    return labels


def labels_of(
    table: Table, owner: ColumnElement[int], key: str
) -> tuple[Select[Any], ColumnElement[str]]:
    """Return the query for the row of *key* that *owner* has in *table*, and the value's column."""
    own = next(iter(table.c))
    return select(table.c.key).where(own == owner, table.c.key == key), table.c.value


def among(columns: Sequence[Any], keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Return the condition that *columns* are one of *keys*."""
    if len(columns) == 1:
        return columns[0].in_([key for (key,) in keys])  # type: ignore[no-any-return]
    return tuple_(*columns).in_(keys)


def with_tags(query: Select[Any], table: Table, tags: Mapping[str, str] | None) -> Select[Any]:
    """Narrow *query* to the owners that have all of *tags*; the owner's key has the same name."""
    owners = {column.name: column for column in query.selected_columns}
    own = [column == owners[column.name] for column in list(table.c)[:-2]]
    for key, value in (tags or {}).items():
        has = select(table.c.key).where(*own, table.c.key == key, table.c.value == value)
        query = query.where(has.exists())
    return query
