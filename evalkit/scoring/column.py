"""The scores of one metric over many cases, as arrays, and mergeable sufficient statistics.

A corpus metric (BLEU, F1, ROC AUC) is not a mean of cells.  Its scorer keeps, for each case, what
the metric can be computed from, and the metric is computed once over all cases.  Shards add up
exactly, and intervals come from resampling these statistics instead of the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.score import Score, Status
from evalkit.scoring.facts import MetricFacts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SPARSE: Final = ("labels", "reasons", "explanations", "metadata")
"""What few cells have, by row."""

_ROWS: Final = "rows."


@dataclass(frozen=True, slots=True)
class Additive:
    """A vector for each case whose sum over cases is all that the metric needs."""

    vectors: npt.NDArray[np.float64]
    """Shape ``(n, k)``; rows of cases without a value are ignored."""

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Any) -> Additive:
        """Return the statistics of *rows* (indices or mask), in order."""
        return Additive(self.vectors[rows])

    def spread(self, rows: Any, n: int) -> Additive:
        """Return *n* rows of statistics, with these at places *rows* and nothing elsewhere."""
        return Additive(_spread(self.vectors, rows, n))

    @staticmethod
    def concatenate(parts: Sequence[Additive]) -> Additive:
        """Return the statistics of all *parts*, one after the other."""
        import numpy as np

        return Additive(np.concatenate([part.vectors for part in parts]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Named columns kept for each case, from which the metric is computed as a whole."""

    columns: Mapping[str, npt.NDArray[Any]]
    """Arrays of shape ``(n,)`` or ``(n, m)``: numbers, or texts with dtype ``object``."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Any) -> Rows:
        """Return the statistics of *rows* (indices or mask), in order."""
        return Rows({name: column[rows] for name, column in self.columns.items()})

    def spread(self, rows: Any, n: int) -> Rows:
        """Return *n* rows of statistics, with these at places *rows* and nothing elsewhere."""
        return Rows({name: _spread(column, rows, n) for name, column in self.columns.items()})

    @staticmethod
    def concatenate(parts: Sequence[Rows]) -> Rows:
        """Return the statistics of all *parts*, one after the other."""
        import numpy as np

        joined = {
            name: np.concatenate([part.columns[name] for part in parts])
            for name in parts[0].columns
        }
        return Rows(joined)


def _spread(column: npt.NDArray[Any], rows: Any, n: int) -> npt.NDArray[Any]:
    import numpy as np

    whole = np.zeros((n, *column.shape[1:]), dtype=column.dtype)
    if column.dtype == object:
        whole[...] = None
    whole[rows] = column[: len(rows)]
    return whole


Statistics = Additive | Rows


@dataclass(slots=True)
class ScoreColumn:
    """One metric's verdicts on ``n`` cases.

    Values and outcomes are arrays; what few cells have (reasons, explanations, metadata, labels)
    is kept sparsely, by row.

    Examples:
        >>> column = ScoreColumn.from_values([1.0, None, 0.5])
        >>> column.values.tolist(), column.cell(1).status.word
        ([1.0, nan, 0.5], 'skipped')
    """

    values: npt.NDArray[np.float64]
    """Shape ``(n,)``; NaN where the cell has no value."""

    status: npt.NDArray[np.int8]
    """Shape ``(n,)``; codes of `Status`."""

    binary: bool = False
    """Whether every value was declared or returned as a bool."""

    weights: npt.NDArray[np.float64] | None = None
    """Shape ``(n,)``; ``None`` means 1 each."""

    labels: dict[int, str] = field(default_factory=dict[int, str])
    reasons: dict[int, str] = field(default_factory=dict[int, str])
    explanations: dict[int, str] = field(default_factory=dict[int, str])
    metadata: dict[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])

    statistics: Statistics | None = None
    """Of a corpus metric: one row a case, also for cases without a value."""

    @classmethod
    def from_values(
        cls, values: Sequence[float | bool | None], *, binary: bool = False
    ) -> ScoreColumn:
        """Return a column of plain values; ``None`` and NaN mean that the scorer does not apply."""
        import numpy as np

        array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        missing = ~np.isfinite(array)
        array[missing] = np.nan
        status = np.where(missing, Status.SKIPPED, Status.OK).astype(np.int8)
        return cls(array, status, binary=binary)

    @classmethod
    def from_scores(cls, scores: Sequence[Score]) -> ScoreColumn:
        """Return a column of *scores*, in order."""
        import numpy as np

        valued = [score.value for score in scores if score.value is not None]
        column = cls(
            np.array([np.nan if s.value is None else s.value for s in scores], dtype=np.float64),
            np.array([s.status for s in scores], dtype=np.int8),
            binary=bool(valued) and all(isinstance(value, (bool, np.bool_)) for value in valued),
        )
        if any(score.weight != 1.0 for score in scores):
            column.weights = np.array([score.weight for score in scores], dtype=np.float64)
        column.labels = {i: s.label for i, s in enumerate(scores) if s.label is not None}
        column.reasons = {i: s.reason for i, s in enumerate(scores) if s.reason is not None}
        column.explanations = {i: s.explanation for i, s in enumerate(scores) if s.explanation}
        column.metadata = {i: s.metadata for i, s in enumerate(scores) if s.metadata}
        return column

    @classmethod
    def missing(cls, n: int, status: Status, *, reason: str | None = None) -> ScoreColumn:
        """Return a column of *n* cells without value, all with one outcome."""
        import numpy as np

        column = cls(np.full(n, np.nan), np.full(n, status, dtype=np.int8))
        if reason is not None:
            column.reasons = dict.fromkeys(range(n), reason)
        return column

    def __len__(self) -> int:
        return len(self.values)

    def cell(self, row: int) -> Score:
        """Return one cell as a `Score`."""
        status = Status(int(self.status[row]))
        value = float(self.values[row])
        number = None if status is not Status.OK or value != value else value  # noqa: PLR0124  NaN
        if number is None and row not in self.labels and status is Status.OK:
            status = Status.SKIPPED  # a corpus metric may score it by its statistics alone
        return Score(
            bool(number) if self.binary and number is not None else number,
            self.labels.get(row),
            self.explanations.get(row),
            1.0 if self.weights is None else float(self.weights[row]),
            self.metadata.get(row),
            status,
            self.reasons.get(row),
        )

    def fail(self, row: int, reason: str, explanation: str | None = None) -> None:
        """Turn one cell into a failure."""
        import numpy as np

        self.values[row] = np.nan
        self.status[row] = Status.FAILED
        self.reasons[row] = reason
        if explanation is not None:
            self.explanations[row] = explanation

    def slice(self, start: int, stop: int) -> ScoreColumn:
        """Return the cells from *start* up to *stop*."""
        rows = range(start, stop)
        return self._cells(slice(start, stop), rows, rows.index)

    def take(self, rows: Sequence[int]) -> ScoreColumn:
        """Return the cells at *rows*, each at most once, in that order."""
        places = {int(row): place for place, row in enumerate(rows)}
        return self._cells(rows, places, places.__getitem__)

    def _cells(
        self, rows: Any, chosen: Container[int], place_of: Callable[[int], int]
    ) -> ScoreColumn:
        parts = {
            name: {place_of(row): cell for row, cell in part.items() if row in chosen}
            if name in SPARSE
            else part[rows]
            for name, part in column_parts(self).items()
        }
        return column_of(parts, binary=self.binary)

    @staticmethod
    def concatenate(parts: Sequence[ScoreColumn]) -> ScoreColumn:
        """Return all *parts*, one after the other; at least one part."""
        import numpy as np

        if len(parts) == 1:
            return parts[0]
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).tolist()
        valued = [part for part in parts if (part.status == Status.OK).any()]
        joined = ScoreColumn(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.status for part in parts]),
            binary=bool(valued) and all(part.binary for part in valued),
        )
        if any(part.weights is not None for part in parts):
            joined.weights = np.concatenate(
                [np.ones(len(p)) if p.weights is None else p.weights for p in parts]
            )
        for start, part in zip(starts, parts, strict=False):
            for name in SPARSE:
                shifted = {start + row: cell for row, cell in getattr(part, name).items()}
                getattr(joined, name).update(shifted)
        statistics: list[Any] = [part.statistics for part in parts]
        if None not in statistics:
            joined.statistics = statistics[0].concatenate(statistics)  # all of one kind
        return joined


def column_parts(column: ScoreColumn) -> dict[str, Any]:
    """Name what *column* has: arrays, and mappings by row of what few cells have, for files.

    Returns:
        ``values, status``, and of ``weights``, those of `SPARSE`, ``additive`` and ``rows.NAME``
        those that there are.
    """
    parts: dict[str, Any] = {"values": column.values, "status": column.status}
    if column.weights is not None:
        parts["weights"] = column.weights
    for name in SPARSE:
        if cells := getattr(column, name):
            parts[name] = cells
    if isinstance(column.statistics, Additive):
        parts["additive"] = column.statistics.vectors
    elif isinstance(column.statistics, Rows):
        parts |= {f"{_ROWS}{name}": array for name, array in column.statistics.columns.items()}
    return parts


def column_of(parts: Mapping[str, Any], *, binary: bool) -> ScoreColumn:
    """Make a column of what `column_parts` names."""
    own = dict(parts)
    rows = {name.removeprefix(_ROWS): own.pop(name) for name in parts if name.startswith(_ROWS)}
    additive = own.pop("additive", None)
    statistics = Rows(rows) if rows else None if additive is None else Additive(additive)
    return ScoreColumn(**own, binary=binary, statistics=statistics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of a result: its scores over all cells, and what is known of it."""

    key: str
    """Key in the result: the scorer's name, with ``.key`` where it has several metrics."""

    scorer: str
    """Name of the scorer."""

    column: ScoreColumn
    """Scores of all cells, case by case."""

    facts: MetricFacts
    signature: str

    source: Any = None
    """The scorer itself where it computes a corpus value; ``None`` for a mean of cells."""
