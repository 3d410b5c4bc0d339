"""CSV and TSV, with one type for each column."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from evalkit.plugin import Chunk, DataError, near_miss, written_number
from evalkit_datasets.encoding import encoding_error

# A digit sequence that starts with 0, such as a postal code, is a text: a number would lose it.
_INTEGER: Final = re.compile(r"-?[1-9][0-9]*|0")
_FLOAT: Final = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = {"True": True, "False": False}
_LONGEST_CELL: Final = 2**31 - 1
_DELIMITERS: Final = ",;\t|"
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WORDS: Final = {"tab": "\t", "comma": ",", "semicolon": ";"}

_KINDS: Final[Sequence[tuple[Callable[[str], object], Callable[[str], Any]]]] = (
    (_INTEGER.fullmatch, int),
    (_FLOAT.fullmatch, written_number),
    (_BOOLEANS.__contains__, _BOOLEANS.__getitem__),
)
"""Test and converter of each type but text, in the order in which a column tries them."""


@dataclass(frozen=True, slots=True)
class Csv:
    """Reads values separated by commas, semicolons, tabs or bars with a header, in UTF-8.

    The header says what separates: the one of the four that it has most of.  The type of a column
    is decided by all its cells, in a first pass: integer, else float, else boolean (``True``,
    ``False``), else text.  As a text a cell is what was written, whatever the type: a number
    remembers that it was ``1.10``, and ``true`` and digits with a leading zero are texts.  An
    empty cell is missing.  Rows may span lines by quotes.  ``csv:FILE?delimiter=;&encoding=cp1252``
    says what neither header nor file can (``tab`` is a word for one, too).
    """

    name: str = "csv"
    extensions: Sequence[str] = (".csv", ".tsv")
    schemes: Sequence[str] = ("csv",)

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If it is empty, not in its encoding, or a row has another number of cells
                than the header; names file and line.
        """
        form = _form(str(data))
        path = form.path
        header, converters = _first_pass(form)
        rows = _rows(form)
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


@dataclass(frozen=True, slots=True)
class _Form:
    """A file, and how it is written."""

    path: Path
    encoding: str
    delimiter: str = ","


def _form(data: str) -> _Form:
    """Return the form that a path or ``csv:`` address names, or else the header shows."""
    name, _, asked = (
        data.removeprefix("csv:").partition("?") if data[:4] == "csv:" else (data, "", "")
    )
    path, wanted = Path(name).expanduser(), dict(parse_qsl(asked.replace("+", "%2B")))
    for option in wanted.keys() - {"delimiter", "encoding"}:
        hint = near_miss(option, ["delimiter", "encoding"])
        problem = f"{option!r} is no option of CSV.{hint} There are delimiter and encoding"
        raise DataError(problem, file=name)
    if not path.is_file():
        raise DataError("there is no such file", file=name)
    with path.open("rb") as stream:
        encoding = wanted.get("encoding") or _MARKS.get(stream.read(2), "utf-8-sig")
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise DataError(f"there is no encoding {encoding!r}", file=name) from None
    form = _Form(path, encoding)
    delimiter = _WORDS.get(wanted.get("delimiter", ""), wanted.get("delimiter"))
    delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else _most_frequent(form))
    if len(delimiter) != 1:
        raise DataError(f"a delimiter is one character, not {delimiter!r}", file=name)
    return _Form(path, encoding, delimiter)


def _most_frequent(form: _Form) -> str:
    """Return what separates the cells of the header; a comma where nothing does."""
    with _lines(form) as lines:
        header = next((line for line in lines if line.strip()), "")
    header = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=header.count)


@contextmanager
def _lines(form: _Form) -> Generator[Iterator[str]]:
    try:
        with form.path.open(encoding=form.encoding, newline="") as stream:
            yield stream
    except UnicodeError as error:
        if form.encoding != "utf-8-sig":
            problem = f"this is not {form.encoding}: {error}"
            raise DataError(problem, file=str(form.path)) from None
        raise encoding_error(form.path, "csv:FILE?encoding=cp1252") from None


def _rows(form: _Form) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each row starts in, and its cells; blank lines are passed over."""
    csv.field_size_limit(_LONGEST_CELL)  # the default refuses a cell of more than 128 KiB
    with _lines(form) as lines:
        reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"this is not CSV: {error}", file=str(form.path), line=line) from None


def _first_pass(form: _Form) -> tuple[list[str], list[Callable[[str], Any] | None]]:
    """Return the header and a converter for each column but texts, after a check of every row."""
    rows, path = _rows(form), form.path
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
                raise DataError(
                    _other_width(cells, header, form.delimiter), file=str(path), line=line
                )
        for place, column in enumerate(zip(*(cells for _, cells in taken), strict=True)):
            known = [cell for cell in column if cell]
            filled[place] = filled[place] or bool(known)
            kinds = possible[place]
            kinds -= {kind for kind in kinds if not all(map(_KINDS[kind][0], known))}
    return header, [
        _KINDS[min(kinds)][1] if kinds and some else None
        for kinds, some in zip(possible, filled, strict=True)
    ]


def _other_width(cells: Sequence[str], header: Sequence[str], delimiter: str) -> str:
    shown = {"\t": "a tab"}.get(delimiter, repr(delimiter))
    return (
        f"the row has {len(cells)} cells, and the header has {len(header)}, separated by {shown}; "
        "put quotes around a cell that holds it"
    )


def _header(cells: Sequence[str], path: Path) -> list[str]:
    names = [cell.strip() or f"unnamed_{place}" for place, cell in enumerate(cells, 1)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError("two columns have this name", file=str(path), line=1, column=name)
    return names
