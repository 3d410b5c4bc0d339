"""CSV and TSV, with one type for each column."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Chunk, DataError
from evalkit_datasets.encoding import encoding_error

# A digit sequence that starts with 0, such as a postal code, is a text: a number would lose it.
_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = {"true": True, "false": False}
_LONGEST_CELL: Final = 2**31 - 1


def _to_boolean(cell: str) -> bool:
    return _BOOLEANS[cell.casefold()]


_KINDS: Final[Sequence[tuple[Callable[[str], object], Callable[[str], Any]]]] = (
    (_INTEGER.fullmatch, int),
    (_FLOAT.fullmatch, float),
    (lambda cell: cell.casefold() in _BOOLEANS, _to_boolean),
)
"""Test and converter of each type but text, in the order in which a column tries them."""


@dataclass(frozen=True, slots=True)
class Csv:
    """Reads comma- or tab-separated values with a header, in UTF-8.

    The type of a column is decided by all its cells, in a first pass: integer, else float, else
    boolean (``true``, ``false`` in any case), else text.  An empty cell is missing.  Digits with a
    leading zero are text.  Rows may span lines by quotes.
    """

    name: str = "csv"
    extensions: Sequence[str] = (".csv", ".tsv")
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If it is empty, not UTF-8, or a row has another number of cells than the
                header; names file and line.
        """
        path = Path(data)
        header, converters = _first_pass(path)
        rows = _rows(path)
        next(rows, None)
        while taken := list(islice(rows, chunk_rows)):
            columns = zip(*(cells for _, cells in taken), strict=True)
            typed = [
                [cell or None for cell in column]
                if convert is None
                else [convert(cell) if cell else None for cell in column]
                for convert, column in zip(converters, columns, strict=True)
            ]
            made = [dict(zip(header, row, strict=True)) for row in zip(*typed, strict=True)]
            yield Chunk(rows=made, file=str(path), lines=[line for line, _ in taken])


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each row starts in, and its cells; blank lines are passed over."""
    csv.field_size_limit(_LONGEST_CELL)  # the default refuses a cell of more than 128 KiB
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except UnicodeDecodeError:
            raise encoding_error(path) from None
        except csv.Error as error:
            raise DataError(f"this is not CSV: {error}", file=str(path), line=line) from None


def _first_pass(path: Path) -> tuple[list[str], list[Callable[[str], Any] | None]]:
    """Return the header and a converter for each column but texts, after a check of every row."""
    rows = _rows(path)
    first = next(rows, None)
    if first is None:
        raise DataError("the file is empty", file=str(path))
    header = _header(first[1], path)
    width = len(header)
    possible = [set(range(len(_KINDS))) for _ in header]
    filled = [False] * width
    while taken := list(islice(rows, 8192)):
        for line, cells in taken:
            if len(cells) != width:
                problem = f"the row has {len(cells)} cells, and the header has {width}"
                raise DataError(problem, file=str(path), line=line)
        for place, column in enumerate(zip(*(cells for _, cells in taken), strict=True)):
            known = [cell for cell in column if cell]
            filled[place] = filled[place] or bool(known)
            kinds = possible[place]
            kinds -= {kind for kind in kinds if not all(map(_KINDS[kind][0], known))}
    return header, [
        _KINDS[min(kinds)][1] if kinds and some else None
        for kinds, some in zip(possible, filled, strict=True)
    ]


def _header(cells: Sequence[str], path: Path) -> list[str]:
    names = [cell.strip() or f"unnamed_{place}" for place, cell in enumerate(cells, 1)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError("two columns have this name", file=str(path), line=1, column=name)
    return names
