"""What the tables can hold: lengths and characters, refused before anything is written.

Each check returns its value, and raises `UsageError` for one that does not fit, saying how it can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import overload

from evalkit._internal.surrogates import without_surrogates
from evalkit.errors import UsageError
from evalkit.store.sql import tables

_RUN_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{tables.RUN_ID_LENGTH}}}")
_RESERVED_FOLDERS = frozenset({"models", "traces"})
_LARGEST = 2**63 - 1


def text(kind: str, value: str, limit: int) -> str:
    """Return *value* as `storable` has it, if it has at most *limit* characters."""
    if len(value) > limit:
        raise UsageError(
            f"A {kind} has at most {limit:,} characters, and {value[:40] + '…'!r} has "
            f"{len(value):,}; shorten it, or log the text as an artifact."
        )
    return storable(value)


@overload
def storable(value: str) -> str: ...
@overload
def storable(value: str | None) -> str | None: ...
def storable(value: str | None) -> str | None:
    """Return *value* without what no database takes, lone surrogates and nulls."""
    return value if value is None else without_surrogates(value).replace("\0", "\ufffd")


def key(kind: str, value: str) -> str:
    """Return the key of a metric, param or tag, neither empty nor too long."""
    if not value:
        raise UsageError(f"The key of a {kind} is empty; give it a name.")
    return text(f"key of a {kind}", value, tables.KEY_LENGTH)


def pairs(kind: str, values: Mapping[str, object], limit: int) -> dict[str, str]:
    """Return params or tags with keys and values that fit; what is no text is its ``str``."""
    what = f"value of a {kind}"
    return {key(kind, name): text(what, str(value), limit) for name, value in values.items()}


def description(value: str) -> str:
    """Return a description that is not too long."""
    return text("description", value, tables.LONG_TEXT_LENGTH)


def run_id(value: str) -> str:
    """Return *value* if it can be a run's id, which is also a folder's name."""
    if _RUN_ID.fullmatch(value) is None or value in _RESERVED_FOLDERS:
        raise UsageError(
            f"{value!r} cannot be a run's id: give 1 to {tables.RUN_ID_LENGTH} letters, digits, "
            f"'-' or '_', other than {' and '.join(sorted(_RESERVED_FOLDERS))}."
        )
    return value


def limit(value: int) -> int:
    """Return *value* if a page can have that length."""
    if value < 1:
        raise UsageError(f"limit= is at least 1; got {value}.")
    return value


def whole_number(kind: str, value: int) -> int:
    """Return *value* if it fits in 64 bits."""
    if not -_LARGEST <= value <= _LARGEST:
        raise UsageError(f"A {kind} has at most 64 bits, and {value} has more.")
    return int(value)
