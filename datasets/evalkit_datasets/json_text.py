"""JSON as a file has it: no key twice, no digit lost, no depth that ends the process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from evalkit.plugin import DataError, canonical_json


class RepeatedKeyError(ValueError):
    """An object has a key twice, and nobody can say which of the values is meant."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedKeyError(f"the key {twice!r} stands twice in one object")
    return made


DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique)
"""Reads what Python's ``json`` reads, and refuses a repeated key by a `RepeatedKeyError`."""

TOO_DEEP: Final = "this is nested too deeply to be read"


def refuse_repeated_keys(
    lines: Sequence[bytes], rows: Sequence[Any], numbers: Sequence[int], file: str
) -> None:
    """Refuse a line in which an object has a key twice.

    Args:
        lines: JSON texts, shape ``(n,)``.
        rows: What they hold, a repeated key's last value alone, shape ``(n,)``.
        numbers: Line numbers, shape ``(n,)``.
        file: Their file, as the user named it.

    Raises:
        DataError: Naming file, line and key.
    """
    # A quote before a colon ends a key, or stands escaped in a text, here and there alike: only a
    # key that was lost makes fewer of them.
    if _keys(b"".join(lines)) <= _keys(_written(rows, numbers, file)):
        return
    for line, number in zip(lines, numbers, strict=True):
        try:
            DECODER.decode(line.decode("utf-8"))
        except RepeatedKeyError as error:
            raise DataError(str(error), file=file, line=number) from None


def _written(rows: Sequence[Any], numbers: Sequence[int], file: str) -> bytes:
    try:
        return canonical_json(rows)
    except TypeError:
        if len(rows) > 1:
            parts = zip(rows, numbers, strict=True)
            return b"".join(_written([row], [number], file) for row, number in parts)
        raise DataError(TOO_DEEP, file=file, line=numbers[0]) from None


def _keys(text: bytes) -> int:
    return text.count(b'":') + text.count(b'" :')
