"""JSON Lines: one object a line, in UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Chunk, DataError, parse_json
from evalkit_datasets.encoding import encoding_problem
from evalkit_datasets.json_text import TOO_DEEP, refuse_repeated_keys

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Reads JSON Lines; blank lines are passed over, and line numbers count them.

    NaN and infinities, which JSON does not know but Python writes, are read.
    """

    name: str = "jsonl"
    extensions: Sequence[str] = (".jsonl", ".ndjson")
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If a line is not UTF-8, not JSON or not an object; names file and line.
        """
        return read_lines(Path(data), chunk_rows)


def read_lines(path: Path, chunk_rows: int) -> Iterator[Chunk]:
    """Yield the rows of the JSON Lines file at *path*.

    Raises:
        DataError: If a line is not UTF-8, not JSON or not an object, or has a key twice; names
            file and line.
    """
    name = str(path)
    with path.open("rb") as stream:
        if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
            stream.seek(0)
        number = 1
        while lines := list(islice(stream, chunk_rows)):
            rows, numbers = _parsed(lines, number, name)
            if rows:
                yield Chunk(rows=rows, file=name, lines=numbers)
            number += len(lines)


def _parsed(
    lines: Sequence[bytes], first: int, name: str
) -> tuple[list[dict[str, Any]], Sequence[int]]:
    """Return the rows of *lines* and their numbers; blank lines have none."""
    numbers: Sequence[int] = range(first, first + len(lines))
    try:
        rows = [parse_json(line) for line in lines]
    except ValueError:
        kept = [(line, number) for line, number in zip(lines, numbers, strict=True) if line.strip()]
        rows = [_one(line, number, name) for line, number in kept]
        lines, numbers = [line for line, _ in kept], [number for _, number in kept]
    refuse_repeated_keys(lines, rows, numbers, name)
    if rows and set(map(type, rows)) != {dict}:
        for row, number in zip(rows, numbers, strict=True):
            if not isinstance(row, dict):
                problem = f"a line must hold a JSON object, and this one holds {kind(row)}"
                raise DataError(problem, file=name, line=number)
    return rows, numbers


def _one(line: bytes, number: int, name: str) -> Any:
    try:
        return parse_json(line)
    except json.JSONDecodeError as error:
        problem = encoding_problem(line)
        if problem is None:
            try:
                return json.loads(line)
            except RecursionError:
                problem = TOO_DEEP
            except ValueError:
                problem = f"this is not JSON: {error.msg}, at character {error.pos + 1}"
        raise DataError(problem, file=name, line=number) from None


def kind(value: Any) -> str:
    """Return what a JSON value is, in words.

    Examples:
        >>> kind([]), kind(None), kind(1.5)
        ('a list', 'null', 'a number')
    """
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        type(None): "null",
    }
    return names.get(type(value), "a number")
