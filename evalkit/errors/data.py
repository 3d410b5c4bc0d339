"""Errors of data, and of names that nothing carries."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from evalkit.errors.usage import EvalkitError, near_miss


class DataError(EvalkitError, ValueError):
    """The data cannot be used; says file, line and column where they are known."""

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = [] if self.file is None else [self.file]
        where += [] if self.line is None else [f"line {self.line}"]
        where += [] if self.column is None else [f"column {self.column!r}"]
        return f"{', '.join(where)}: {self.problem}" if where else self.problem

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_data_error, (type(self), self.problem, self.file, self.line, self.column))


def _rebuild_data_error(
    kind: type[DataError], problem: str, file: str | None, line: int | None, column: str | None
) -> DataError:
    return kind(problem, file=file, line=line, column=column)


class MissingColumnError(DataError, LookupError):
    """A column that was asked for is not in the data."""


class TraceError(DataError):
    """A trace cannot be read, or its spans make no tree."""


class NotFoundError(EvalkitError, LookupError):
    """Nothing carries the requested name."""

    kind: ClassVar[str] = "entry"
    see: ClassVar[str] = ""

    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        super().__init__(name, tuple(sorted(known)))
        self.name = name
        self.known = tuple(sorted(known))

    def __str__(self) -> str:
        see = f" {self.see}" if self.see else ""
        return f"No {self.kind} is called {self.name!r}.{near_miss(self.name, self.known)}{see}"


class UnknownScorerError(NotFoundError):
    """No loaded plug-in registers a scorer under the requested name."""

    kind = "scorer"
    see = "See 'evalkit scorers list'."


class UnknownSourceError(NotFoundError):
    """No loaded plug-in reads data of the requested kind."""

    kind = "data source"
    see = "See 'evalkit datasets sources'."

    def __str__(self) -> str:
        hint = near_miss(self.name, self.known)
        return f"No data source reads {self.name!r}.{hint} Known are: {', '.join(self.known)}."


class UnknownMetricError(NotFoundError, KeyError):
    """A result has no such metric."""

    kind = "metric of this result"

    def __init__(self, name: str, known: Collection[str] = (), why: str = "") -> None:
        super().__init__(name, known)
        self.why = why
        self.args = (name, self.known, why)

    def __str__(self) -> str:
        names = f" It has: {', '.join(self.known[:20])}." if self.known else ""
        near = f" {self.why}" if self.why else near_miss(self.name, self.known)
        return f"No metric of this result is {self.name!r}.{near}{names}"


class MissingExtraError(EvalkitError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(module, extra)
        self.module = module
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.module} is not installed; run: pip install 'evalkit-ai[{self.extra}]'"
