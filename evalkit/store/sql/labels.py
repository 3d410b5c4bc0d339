"""Params and tags of runs in SQL.  Nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, delete, insert, select, update

from evalkit.errors import ParamChangedError
from evalkit.store.sql import checks, tables
from evalkit.store.sql.chunks import chunks

RUN_NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"


def add_params(connection: Connection, number: int, run_id: str, given: Mapping[str, str]) -> None:
    """Add params to a run; one that it has with the same value is left as it is.

    Raises:
        ParamChangedError: If it has one with another value.
        UsageError: If a key or value is too long.
    """
    fitting = checks.pairs("param", given, tables.PARAM_LENGTH)
    logged: dict[str, str] = {}
    column = tables.params.c
    for keys in chunks(list(fitting)):
        query = select(column.key, column.value).where(
            column.run_number == number, column.key.in_(keys)
        )
        logged |= {row.key: row.value for row in connection.execute(query)}
    for key, value in logged.items():
        if value != fitting[key]:
            raise ParamChangedError(run_id, key, value, fitting[key])
    new = {key: value for key, value in fitting.items() if key not in logged}
    if new:
        connection.execute(insert(tables.params), _rows(number, new))


def put_tags(connection: Connection, number: int, given: Mapping[str, str]) -> None:
    """Set tags on a run, and what the run's own columns repeat of them.

    Raises:
        UsageError: If a key or value is too long.
    """
    fitting = checks.pairs("tag", given, tables.TAG_LENGTH)
    if not fitting:
        return
    column = tables.tags.c
    for keys in chunks(list(fitting)):
        connection.execute(
            delete(tables.tags).where(column.run_number == number, column.key.in_(keys))
        )
    connection.execute(insert(tables.tags), _rows(number, fitting))
    repeated: dict[str, str] = {}
    if RUN_NAME_TAG in fitting:
        name = fitting[RUN_NAME_TAG]
        repeated["name"] = checks.text("run's name", name, tables.RUN_NAME_LENGTH)
    if PARENT_TAG in fitting:
        repeated["parent_run_id"] = checks.run_id(fitting[PARENT_TAG])
    if repeated:
        connection.execute(
            update(tables.runs).where(tables.runs.c.run_number == number).values(repeated)
        )


def remove_tag(connection: Connection, number: int, key: str) -> None:
    """Take a tag from a run, if it has it."""
    column = tables.tags.c
    connection.execute(delete(tables.tags).where(column.run_number == number, column.key == key))


def read(connection: Connection, table: Table, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the params or tags of many runs, by run and key; keys in order."""
    found: dict[int, dict[str, str]] = {number: {} for number in numbers}
    for some in chunks(numbers):
        query = select(table).where(table.c.run_number.in_(some)).order_by(table.c.key)
        for row in connection.execute(query):
            found[row.run_number][row.key] = row.value
    return found


def _rows(number: int, values: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"run_number": number, "key": key, "value": value} for key, value in values.items()]
