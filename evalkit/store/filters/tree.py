"""What a filter says, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"
]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field beside a value.

    It is true or false, never unknown: what has no such field makes every comparison false but
    ``IS NULL``, also ``!=``.
    """

    place: str
    """``attribute``, or a collection of the noun such as ``tag``."""

    key: str
    operator: Operator
    value: str | float | tuple[str | float, ...] | None = None


@dataclass(frozen=True, slots=True)
class And:
    """True where all parts are."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where one part is."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is false."""

    part: Filter


Filter: TypeAlias = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by; what has no value comes last, whichever the direction."""

    place: str
    key: str
    descending: bool = False
