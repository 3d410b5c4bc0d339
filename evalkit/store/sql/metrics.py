"""Metrics of runs in SQL: the history of each, and its last value."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, case, delete, select

from evalkit.entities.run import Metric
from evalkit.store.interface import Metrics
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.rows import chunks, run_row

_FINITE, _NAN, _PLUS_INFINITY, _MINUS_INFINITY = range(4)
_HISTORY = tables.metrics.c
_LATEST = tables.latest_metrics.c


class _Point(NamedTuple):
    """A measurement as it is stored; a greater one is later, and NaN is before any number."""

    key_number: int
    step: int
    timestamp: int
    value: float
    kind: int

    @property
    def age(self) -> tuple[int, int, bool, float]:
        value = _restored(self.value, self.kind)
        return self.step, self.timestamp, self.kind != _NAN, 0.0 if self.kind == _NAN else value


@dataclass(frozen=True)
class SqlMetrics(Metrics):
    """See `Metrics`."""

    database: Database

    def history(self, run_id: str, key: str) -> list[Metric]:
        with self.database.read() as connection:
            number = run_row(connection, run_id).run_number
            query = (
                select(tables.metrics)
                .join(tables.metric_keys)
                .where(_HISTORY.run_number == number, tables.metric_keys.c.key == key)
                .order_by(_HISTORY.step, _HISTORY.timestamp, _HISTORY.value, _HISTORY.kind)
            )
            return [_metric(key, row) for row in connection.execute(query)]


def add_metrics(
    database: Database, connection: Connection, number: int, metrics: Sequence[Metric]
) -> None:
    """Add measurements to a run's history, each once, and move its last values on."""
    if not metrics:
        return
    keys = {metric.key: checks.key("metric", metric.key) for metric in metrics}
    numbers = _key_numbers(database, connection, set(keys.values()))
    points = list(dict.fromkeys(_point(metric, numbers[keys[metric.key]]) for metric in metrics))
    database.add_new(connection, tables.metrics, [_row(number, point) for point in points])
    last = _last_points(connection, number, [point.key_number for point in points])
    moved: dict[int, _Point] = {}
    for point in points:
        before = moved.get(point.key_number) or last.get(point.key_number)
        if before is None or point.age > before.age:
            moved[point.key_number] = point
    latest = [_row(number, point) for point in moved.values()]
    database.put(connection, tables.latest_metrics, latest)


def drop_metrics(connection: Connection, number: int, keys: Collection[str]) -> None:
    """Forget what a run has of metrics."""
    for some in chunks(sorted(keys)):
        of_keys = select(tables.metric_keys.c.key_number).where(tables.metric_keys.c.key.in_(some))
        for table in (tables.metrics, tables.latest_metrics):
            own = table.c.run_number == number
            connection.execute(delete(table).where(own, table.c.key_number.in_(of_keys)))


def last_metrics(
    connection: Connection, run_numbers: Sequence[int]
) -> dict[int, tuple[Metric, ...]]:
    """Return the last value of each metric of many runs, by run; sorted by key."""
    metrics: dict[int, list[Metric]] = {number: [] for number in run_numbers}
    for some in chunks(run_numbers):
        query = (
            select(tables.latest_metrics, tables.metric_keys.c.key)
            .join(tables.metric_keys)
            .where(_LATEST.run_number.in_(some))
            .order_by(tables.metric_keys.c.key)
        )
        for row in connection.execute(query):
            metrics[row.run_number].append(_metric(row.key, row))
    return {number: tuple(of_run) for number, of_run in metrics.items()}


def metric_of(owner: ColumnElement[int], key: str) -> tuple[Select[Any], ColumnElement[float]]:
    """Return the query for the last value of *key* that the run *owner* has, and its column.

    NaN is null there, and infinities are the greatest and the smallest float.
    """
    most = sys.float_info.max
    kinds = {_FINITE: _LATEST.value, _PLUS_INFINITY: most, _MINUS_INFINITY: -most}
    query = select(_LATEST.key_number).join(tables.metric_keys)
    query = query.where(_LATEST.run_number == owner, tables.metric_keys.c.key == key)
    return query, case(kinds, value=_LATEST.kind)


def _key_numbers(
    database: Database, connection: Connection, keys: Collection[str]
) -> dict[str, int]:
    """Return the number of each key, given to those that have none."""
    numbers = _read_key_numbers(connection, sorted(keys))
    new = sorted(set(keys) - set(numbers))
    if new:
        database.add_new(connection, tables.metric_keys, [{"key": key} for key in new], by=["key"])
        numbers |= _read_key_numbers(connection, new)
    return numbers


def _read_key_numbers(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    column = tables.metric_keys.c
    return {
        key: number
        for some in chunks(keys)
        for key, number in connection.execute(
            select(column.key, column.key_number).where(column.key.in_(some))
        )
    }


def _last_points(
    connection: Connection, number: int, key_numbers: Sequence[int]
) -> dict[int, _Point]:
    points: dict[int, _Point] = {}
    for some in chunks(list(dict.fromkeys(key_numbers))):
        query = select(*(_LATEST[name] for name in _Point._fields))
        query = query.where(_LATEST.run_number == number, _LATEST.key_number.in_(some))
        for row in connection.execute(query):
            points[row.key_number] = _Point(*row)
    return points


def _point(metric: Metric, key_number: int) -> _Point:
    value = float(metric.value)
    kind = _FINITE
    if math.isnan(value):
        kind = _NAN
    elif math.isinf(value):
        kind = _PLUS_INFINITY if value > 0 else _MINUS_INFINITY
    return _Point(
        key_number,
        checks.whole_number("metric's step", metric.step),
        checks.whole_number("metric's timestamp", metric.timestamp),
        value if kind == _FINITE else 0.0,
        kind,
    )


def _row(number: int, point: _Point) -> dict[str, Any]:
    return {"run_number": number, **point._asdict()}


def _restored(value: float, kind: int) -> float:
    return (value, math.nan, math.inf, -math.inf)[kind]


def _metric(key: str, row: Row[Any]) -> Metric:
    return Metric(key, _restored(row.value, row.kind), row.timestamp, row.step)
