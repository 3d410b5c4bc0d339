"""What the ``columns`` argument asks for, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.data.fields import ALL_FIELDS, JSON_FIELDS, MAPPING_FIELDS
from evalkit.errors import UsageError, near_miss


@dataclass(frozen=True, slots=True)
class Wish:
    """One column that was asked for by name."""

    field: str
    """Field of a case to fill."""

    key: str | None
    """Key inside the field, where it is a mapping of several columns."""

    source: str
    """Column, or dotted path into one."""

    listed: bool = False
    """Whether the field is to be a list of its columns' values."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The whole ``columns`` argument."""

    wanted: Sequence[Wish]
    dropped: frozenset[str]
    """Fields that the data must not fill."""

    def names(self, field: str) -> bool:
        """Say whether the field as a whole was asked for or dropped."""
        return field in self.dropped or any(
            wish.field == field and (wish.key is None or wish.listed) for wish in self.wanted
        )


def read_wishes(columns: Mapping[str, Any] | None) -> Wishes:
    """Return what ``columns`` asks for.

    Raises:
        UsageError: If it names a field that a case does not have, or a list for a single value.

    Examples:
        >>> for wish in read_wishes({"tags": ["region"], "labels.ok": "human"}).wanted:
        ...     print(wish.field, wish.key, wish.source)
        tags region region
        labels ok human
    """
    wanted: list[Wish] = []
    dropped: set[str] = set()
    for name, source in (columns or {}).items():
        field, key = _field_and_key(name)
        if source is None or source == []:
            if key is not None:
                raise UsageError(
                    f"columns={{{name!r}: {source}}}: only a whole field can be dropped."
                )
            dropped.add(field)
        elif isinstance(source, str):
            wanted.append(Wish(field, key, source))
        else:
            wanted += _several(name, field, key, source)
    return Wishes(wanted, frozenset(dropped))


def _field_and_key(name: str) -> tuple[str, str | None]:
    field, dot, key = name.partition(".")
    if field not in ALL_FIELDS:
        raise UsageError(
            f"columns= names {name!r}, which is no field of a case.{near_miss(field, ALL_FIELDS)} "
            f"A case has: {', '.join(ALL_FIELDS)}."
        )
    if not dot:
        return field, None
    if field not in MAPPING_FIELDS or not key:
        raise UsageError(f"columns= names {name!r}, but {field} is not a mapping with keys.")
    return field, key


def _several(name: str, field: str, key: str | None, source: Any) -> list[Wish]:
    if isinstance(source, Mapping) and key is None and field in MAPPING_FIELDS:
        pairs = list(source.items())
    elif isinstance(source, Sequence) and key is None and field in JSON_FIELDS:
        pairs = _named(source)
    else:
        lists = ", or a list of names" if field in JSON_FIELDS and key is None else ""
        raise UsageError(f"columns={{{name!r}: {source!r}}}: give the name of one column{lists}.")
    if not all(isinstance(key, str) and isinstance(column, str) for key, column in pairs):
        raise UsageError(f"columns={{{name!r}: {source!r}}}: columns are named by texts.")
    kept = field in MAPPING_FIELDS
    return [Wish(field, key if kept else None, column, listed=True) for key, column in pairs]


def _named(columns: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Name each column by the end of its dotted path, unless two end alike."""
    ends = [str(column).rpartition(".")[2] for column in columns]
    if len(set(ends)) < len(ends):
        return [(column, column) for column in columns]
    return [
        (end if isinstance(column, str) else column, column)
        for end, column in zip(ends, columns, strict=True)
    ]
