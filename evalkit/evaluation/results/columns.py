"""Names of the columns that hold a metric, in tables and files: distinct, whatever its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

PARTS: Final = ("status", "label", "reason", "explanation", "metadata", "weight", "span_id")
"""What a metric has besides its values."""


def column_names(keys: Collection[str]) -> dict[tuple[str, str], str]:
    """Name the column of each part of each metric: ``m.status``, or ``m..status`` if that is taken.

    A scorer that gives both ``m`` and ``m.status`` as metrics is known only when it has run, and
    none of its columns may hide another.

    Examples:
        >>> names = column_names(["m", "m.status"])
        >>> names["m", "status"], names["m.status", "status"]
        ('m..status', 'm.status.status')
    """
    names: dict[tuple[str, str], str] = {}
    taken = set(keys)
    for key in keys:
        for part in PARTS:
            name = f"{key}.{part}"
            while name in taken:
                name = f"{name.removesuffix(part)}.{part}"
            taken.add(name)
            names[key, part] = name
    return names


def moved(keys: Collection[str]) -> Iterator[str]:
    """Say which columns are not called as they mostly are."""
    for (key, part), name in column_names(keys).items():
        usual = f"{key}.{part}"
        if name != usual:
            yield f"{usual} is a metric, so the column with the {part} of {key} is {name!r}."
