"""JSON: an array of objects, an object that holds one as ``cases`` or ``data``, or a trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Chunk, DataError, is_trace
from evalkit_datasets.encoding import read_text
from evalkit_datasets.inspect_log import is_inspect_log, read_inspect_json
from evalkit_datasets.json_text import DECODER, TOO_DEEP
from evalkit_datasets.jsonl import kind

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LISTS: Final = ("cases", "data", "traces")


@dataclass(frozen=True, slots=True)
class Json:
    """Reads a JSON file as a whole; an Inspect log in its JSON form is told by its keys."""

    name: str = "json"
    extensions: Sequence[str] = (".json",)
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If it is not UTF-8, not JSON, has a key twice, or holds no list of objects.
        """
        path = Path(data)
        name = str(path)
        text = read_text(path)
        start = _end_of_space(text, 0)
        if text[start : start + 1] == "[":
            yield from _chunks(*_items(text, start, name), name, chunk_rows)
            return
        found = _parsed(text, name)
        if is_inspect_log(found):
            yield from read_inspect_json(found, name, chunk_rows)
            return
        if is_trace(found):
            yield Chunk(rows=[found], file=name, lines=[1])
            return
        rows = _list_of(found, name)
        yield from _chunks(rows, range(1, len(rows) + 1), name, chunk_rows)


def _chunks(
    rows: Sequence[Any], lines: Sequence[int], name: str, chunk_rows: int
) -> Iterator[Chunk]:
    for row, line in zip(rows, lines, strict=True):
        if not isinstance(row, dict):
            raise DataError(f"a case must be an object, not {kind(row)}", file=name, line=line)
    for start in range(0, len(rows), chunk_rows):
        stop = start + chunk_rows
        yield Chunk(rows=rows[start:stop], file=name, lines=lines[start:stop])


def _items(text: str, start: int, name: str) -> tuple[list[Any], list[int]]:
    """Return the items of the array that starts at *start*, and the line that each begins in."""
    decode = DECODER.raw_decode
    items: list[Any] = []
    lines: list[int] = []
    line, counted = 1, 0
    at = _end_of_space(text, start + 1)
    try:
        while text[at : at + 1] != "]":
            line += text.count("\n", counted, at)
            counted = at
            item, at = decode(text, at)
            items.append(item)
            lines.append(line)
            at = _end_of_space(text, at)
            if text[at : at + 1] == ",":
                at = _end_of_space(text, at + 1)
            elif text[at : at + 1] != "]":
                raise json.JSONDecodeError("expected ',' or ']'", text, at)
        if _end_of_space(text, at + 1) != len(text):
            raise json.JSONDecodeError("more follows the end of the array", text, at + 1)
    except (ValueError, RecursionError) as error:
        line += text.count("\n", counted, at)
        raise _not_json(error, name, line) from None
    return items, lines


def _parsed(text: str, name: str) -> Any:
    if not text.strip():
        raise DataError("the file is empty", file=name)
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(error, name) from None


def _not_json(error: Exception, name: str, line: int | None = None) -> DataError:
    if isinstance(error, json.JSONDecodeError):
        message = f"this is not JSON: {error.msg}, at character {error.colno}"
        return DataError(message, file=name, line=error.lineno)
    told = TOO_DEEP if isinstance(error, RecursionError) else str(error)
    return DataError(told, file=name, line=line)


def _list_of(found: Any, name: str) -> list[Any]:
    if isinstance(found, Mapping):
        for key in _LISTS:
            rows = found.get(key)
            if isinstance(rows, list):
                return rows
    raise DataError(
        f"the file must hold a list of objects, or an object with such a list as 'cases' or "
        f"'data', and it holds {kind(found)}",
        file=name,
    )


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
