"""Chunks of rows into rows of the snapshot: mapped, validated, identified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from evalkit.data.columns import Mapper, cells
from evalkit.data.fields import PROBABILITIES
from evalkit.data.identity import Digests, IdSet, Occurrences, hashed_forms
from evalkit.data.plan import Leftover
from evalkit.data.selection import Selection
from evalkit.data.table import Table, transposed
from evalkit.data.traces.rows import traced
from evalkit.entities.dataset import Chunk
from evalkit.errors import DataError
from evalkit.llm.prices import Prices


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for the snapshot."""

    cells: dict[str, list[Any]]
    """Column of the snapshot to its cells, shape ``(n,)`` each."""

    forms: Mapping[str, Sequence[bytes]]
    """What is hashed of them."""

    new: Sequence[bool]
    """Whether each row is the first of its case, shape ``(n,)``."""

    @property
    def repeats(self) -> Sequence[int] | None:
        """Repeat of each row, shape ``(n,)``; ``None`` if the data has no repeats."""
        return self.cells.get("repeat")


class Tally:
    """Counts and hashes the rows that go into the snapshot.

    Examples:
        >>> tally = Tally()
        >>> tally.add(Rows({"id": ["a"], "outputs": [b'"x"']}, {"outputs": [b'"x"']}, [True]))
        >>> tally.n, sorted(tally.present)
        (1, ['id', 'outputs'])
    """

    def __init__(self) -> None:
        """Start without rows."""
        self.n = self.n_cases = 0
        self.present: set[str] = set()
        """Fields that some row fills."""
        self.digests = Digests()

    def facts(self) -> dict[str, Any]:
        """Return counts, digests and fields, as the snapshot notes them."""
        return {
            "n": self.n,
            "n_cases": self.n_cases,
            "dataset_digest": self.digests.dataset,
            "outputs_digest": self.digests.outputs,
            "fields": sorted(self.present - {"line", "file"}),
        }

    def add(self, rows: Rows) -> None:
        """Add rows, in the order of the snapshot."""
        self.n += len(rows.new)
        self.n_cases += sum(rows.new)
        self.digests.add(rows.cells["id"], rows.forms, rows.repeats, rows.new)
        for field, column in rows.cells.items():
            if field not in self.present:
                shown: Sequence[Any] = rows.forms.get(field, column)
                if any(cell is not None and cell != b"" for cell in shown):
                    self.present.add(field)


class Turns:
    """Numbers the turns of each session in the order of the data, where the data does not.

    Examples:
        >>> turns = Turns()
        >>> turns.fill({"session": ["a", "b", "a", None]}, None)
        >>> turns.fill({"session": ["a"]}, None)
    """

    def __init__(self) -> None:
        """Start without sessions."""
        self._next: Counter[tuple[str, int]] = Counter()

    def fill(self, cells: dict[str, list[Any]], repeats: Sequence[int] | None) -> None:
        """Fill ``turn`` and ``group`` of rows that have a session, in place.

        Args:
            cells: Fields to cells, shape ``(n,)`` each.
            repeats: Repeat of each row, if the data has them; each counts its own turns.
        """
        sessions: list[str | None] | None = cells.get("session")
        if sessions is None:
            return
        again = repeats or [0] * len(sessions)
        turns: list[int | None] = cells.get("turn") or [None] * len(sessions)
        for row, session in enumerate(sessions):
            if session is None:
                continue
            key = (session, again[row])
            turn = turns[row]
            if turn is None:
                turn = turns[row] = self._next[key]
            self._next[key] = max(self._next[key], turn + 1)
        cells["turn"] = turns
        groups: list[str | None] = cells.get("group") or [None] * len(sessions)
        cells["group"] = [
            group if group is not None else session
            for group, session in zip(groups, sessions, strict=True)
        ]


class DuplicateIdError(DataError):
    """A row has the id of a row in an earlier chunk; whoever keeps that one knows its line."""

    case_id: str = ""
    repeat: int = 0


class Intake:
    """Takes chunk after chunk and remembers what a whole data set has to fulfil."""

    def __init__(
        self,
        columns: Mapping[str, Any] | None,
        selection: Selection,
        *,
        has_model: bool = False,
        leftover: Leftover = "tags",
        prices: Prices | None = None,
    ) -> None:
        """Start without rows; raises `UsageError` where *columns* is wrong in itself."""
        self._prices = prices
        self.mapper = Mapper(columns, has_model=has_model, leftover=leftover)
        self.selection = selection
        self.dtypes: dict[str, str] = {}
        self.splits: Counter[str] = Counter()
        self.read = 0
        self.kept = 0
        self._next_line: dict[str | None, int] = {}
        self._occurrences = Occurrences()
        self._cases = IdSet()
        self._rows = IdSet()
        self._turns = Turns()

    @property
    def is_full(self) -> bool:
        """Whether ``limit`` rows were taken."""
        return self.selection.limit is not None and self.kept >= self.selection.limit

    def take(self, chunk: Chunk) -> Rows:
        """Return the rows of *chunk* that are selected, ready for the snapshot.

        Raises:
            DataError: If a row is wrong; names file, line and column.
        """
        line = self._next_line.get(chunk.file, 1)
        chunk = self._limited(traced(self._limited(chunk), line, self._prices))
        self._next_line[chunk.file] = line + len(chunk.rows)
        self.read += len(chunk.rows)
        table = transposed(chunk, line)
        fields = self.mapper.fields(table)
        self._note_dtypes(chunk.dtypes, table)
        made = {
            field: cells(field, values, table, self._column(field))
            for field, values in fields.items()
        }
        if "outputs" in made and str(chunk.file).lower().endswith((".csv", ".tsv")):
            # CSV has no null: an answer of no characters is an empty one.
            made["outputs"] = [b'""' if cell is None else cell for cell in made["outputs"]]
        made["line"] = list(table.lines)
        if table.file is not None:
            made["file"] = [table.file] * table.length
        return self._selected(self._identified(made, table))

    def _limited(self, chunk: Chunk) -> Chunk:
        """Leave out rows beyond the limit, so that they are not even looked at."""
        if self.selection.limit is None or self.selection.split is not None:
            return chunk
        left = self.selection.limit - self.kept
        if len(chunk.rows) <= left:
            return chunk
        lines = None if chunk.lines is None else chunk.lines[:left]
        return Chunk(rows=chunk.rows[:left], file=chunk.file, lines=lines, dtypes=chunk.dtypes)

    def _column(self, field: str) -> str:
        slots = self.mapper.plan.slots.get(field) or self.mapper.plan.slots[PROBABILITIES]
        return str(slots[0]) if len(slots) == 1 else field

    def _note_dtypes(self, dtypes: Mapping[str, str], table: Table) -> None:
        """Note the types of input columns, as a frame with the same missing values has them."""
        for slot in self.mapper.plan.slots.get("inputs", ()) if dtypes else ():
            if slot.path is not None or slot.column not in dtypes:
                continue
            name = slot.key or slot.column
            kind = self.dtypes.setdefault(name, dtypes[slot.column])
            if kind.startswith(("int", "uint", "bool")) and None in table.columns[slot.column]:
                nullable = {"bool": "object", "boolean": "boolean"}
                self.dtypes[name] = nullable.get(kind, "float64")

    def _identified(self, made: dict[str, list[Any]], table: Table) -> Rows:
        if "repeat" in made:
            made["repeat"] = [repeat or 0 for repeat in made["repeat"]]
        repeats: list[int] | None = made.get("repeat")
        self._turns.fill(made, repeats)
        forms = hashed_forms(made)
        given: list[str | None] | None = made.get("id")
        if given is None or None in given:
            derived = self._occurrences.ids(forms.get("inputs") or [b""] * table.length, repeats)
            held = given or [None] * table.length
            made["id"] = [name or other for name, other in zip(held, derived, strict=True)]
        ids: list[str] = made["id"]
        if given is not None:
            self._refuse_duplicates(ids, repeats, table)
        new = [True] * len(ids) if repeats is None else self._cases.add(ids)
        return Rows(made, forms, new)

    def _refuse_duplicates(
        self, ids: Sequence[str], repeats: Sequence[int] | None, table: Table
    ) -> None:
        keys = ids
        if repeats is not None:
            keys = [f"{name}\0{repeat}" for name, repeat in zip(ids, repeats, strict=True)]
        new = self._rows.add(keys)
        if all(new):
            return
        row = new.index(False)
        first = keys.index(keys[row])
        column = self._column("id")
        if first < row:
            problem = duplicate_id(ids[row], table.file, table.lines[first])
            raise table.error(problem, row, column)
        error = DuplicateIdError("", file=table.file, line=table.lines[row], column=column)
        error.case_id, error.repeat = ids[row], repeats[row] if repeats is not None else 0
        raise error

    def _selected(self, rows: Rows) -> Rows:
        """Leave out rows of other splits, and those beyond the limit."""
        rows = rows if self.selection.split is None else self._of_split(rows, self.selection.split)
        self.kept += len(rows.new)
        return rows

    def _of_split(self, rows: Rows, split: str) -> Rows:
        found = rows.cells.get("split") or [None] * len(rows.new)
        self.splits.update(name for name in found if name is not None)
        keep = [name == split for name in found]
        if self.selection.limit is not None:
            left = self.selection.limit - self.kept
            if sum(keep) > left:
                last = [row for row, kept in enumerate(keep) if kept][left]
                keep[last:] = [False] * (len(keep) - last)
        return chosen(rows, keep)


def chosen(rows: Rows, keep: Sequence[bool]) -> Rows:
    """Return the rows for which *keep* is true."""
    return Rows(
        {field: list(compress(column, keep)) for field, column in rows.cells.items()},
        {field: list(compress(column, keep)) for field, column in rows.forms.items()},
        list(compress(rows.new, keep)),
    )


def duplicate_id(name: str, file: str | None, line: int | None) -> str:
    """Return the problem that an id was used before, and where.

    Examples:
        >>> duplicate_id("q1", None, 3)
        "the id 'q1' was used before, in line 3; ids must differ"
    """
    place = "" if line is None else f", in line {line}" + (f" of {file}" if file else "")
    return f"the id {name!r} was used before{place}; ids must differ"
