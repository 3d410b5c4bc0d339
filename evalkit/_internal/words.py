"""Counts and shares in words."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples:
        >>> plural(1, "case"), plural(12000, "case")
        ('1 case', '12,000 cases')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share, in [0, 1], in per cent, never rounded up to all or down to nothing.

    Args:
        share: What is written; ``None`` is the empty text.
        digits: How many stand behind the point at most.

    Examples:
        >>> percent(0.0588), percent(0.002), percent(0.99999), percent(0.00001), percent(1.0)
        ('5.9 %', '0.2 %', '99.9 %', '< 0.1 %', '100 %')
        >>> percent(0.9995, 2), percent(0.95, 2), percent(None)
        ('99.95 %', '95 %', '')
    """
    if share is None or share in {0.0, 1.0}:
        return "" if share is None else f"{100 * share:g} %"
    steps = 10**digits
    # The small addition undoes what binary fractions lose: 0.0715 * 1000 is just below 71.5.
    parts = min(int(share * 100 * steps + 0.5 + 1e-9), 100 * steps - 1)
    return f"{parts / steps:.12g} %" if parts else f"< {1 / steps:g} %"
