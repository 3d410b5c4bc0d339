"""A batch of cases, held as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from evalkit.entities.case import Case

FIELDS: Final = tuple(Case.__dataclass_fields__)
_UNFILLED: Final = Case()


class CaseBatch:
    """Cases as columns: one list a field, all of one length.

    A column is decoded when it is first asked for, and a `Case` is made only when the batch is
    iterated, so that a vectorised scorer never pays for either.  Batches are read-only by
    agreement: a scorer must not change a column.

    Examples:
        >>> batch = CaseBatch.of([Case(id="a", outputs="x"), Case(id="b")])
        >>> batch.column("outputs")
        ['x', None]
        >>> [case.id for case in batch]
        ['a', 'b']
    """

    __slots__ = ("_columns", "_lazy", "_length", "_rows")

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        *,
        length: int,
        lazy: Mapping[str, Callable[[], Sequence[Any]]] | None = None,
    ) -> None:
        """Hold *columns* (field to values, shape ``(length,)``) and *lazy* ones made on demand."""
        self._columns: dict[str, Sequence[Any]] = dict(columns)
        self._lazy = dict(lazy or {})
        self._length = length
        self._rows: list[tuple[str, Sequence[Any]]] | None = None

    @classmethod
    def of(cls, cases: Sequence[Case]) -> CaseBatch:
        """Return *cases* as a batch, in order."""
        columns = {name: [getattr(case, name) for case in cases] for name in FIELDS}
        return cls(columns, length=len(cases))

    def __len__(self) -> int:
        return self._length

    def has(self, name: str) -> bool:
        """Say whether the field was filled for any case of the batch's source."""
        return name in self._columns or name in self._lazy

    def column(self, name: str) -> Sequence[Any]:
        """Return one field of every case, shape ``(n,)``; defaults where it was never filled."""
        values = self._columns.get(name)
        if values is None:
            make = self._lazy.pop(name, None)
            values = make() if make is not None else [getattr(_UNFILLED, name, None)] * self._length
            self._columns[name] = values
        return values

    @property
    def ids(self) -> Sequence[str]:
        """Case ids, shape ``(n,)``."""
        return self.column("id")

    @property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """Inputs of each case, shape ``(n,)``."""
        return self.column("inputs")

    @property
    def outputs(self) -> Sequence[Any]:
        """Outputs of each case, shape ``(n,)``; ``None`` where there is none."""
        return self.column("outputs")

    @property
    def expectations(self) -> Sequence[Mapping[str, Any]]:
        """Expectations of each case, shape ``(n,)``."""
        return self.column("expectations")

    def case(self, row: int) -> Case:
        """Return row *row* as a `Case`."""
        if self._rows is None:
            self._rows = [(name, self.column(name)) for name in FIELDS if self.has(name)]
        return Case(**{name: column[row] for name, column in self._rows})

    def __iter__(self) -> Iterator[Case]:
        return (self.case(row) for row in range(self._length))

    def take(self, rows: Sequence[int]) -> CaseBatch:
        """Return the batch of *rows*, in the order given; repeats are allowed."""

        def picked(name: str) -> Callable[[], Sequence[Any]]:
            return lambda: [self.column(name)[row] for row in rows]

        names = [*self._columns, *self._lazy]
        return CaseBatch({}, length=len(rows), lazy={name: picked(name) for name in names})

    def replacing(self, **columns: Sequence[Any]) -> CaseBatch:
        """Return the batch with some columns replaced or added, shape ``(n,)`` each."""

        def passed(name: str) -> Callable[[], Sequence[Any]]:
            return lambda: self.column(name)

        names = [name for name in (*self._columns, *self._lazy) if name not in columns]
        return CaseBatch(columns, length=self._length, lazy={name: passed(name) for name in names})
