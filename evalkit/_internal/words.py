"""Counts in words."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples:
        >>> plural(1, "case"), plural(12000, "case")
        ('1 case', '12,000 cases')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
