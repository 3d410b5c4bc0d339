"""The only place that reads the time."""

from __future__ import annotations

import time


def now_milliseconds() -> int:
    """Return the wall-clock time in whole milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def day(milliseconds: int) -> str:
    """Return the day of a moment, in UTC.

    Examples:
        >>> day(0)
        '1970-01-01'
    """
    return time.strftime("%Y-%m-%d", time.gmtime(milliseconds / 1000))


def monotonic() -> float:
    """Return seconds of a clock that never goes back; only differences mean something."""
    return time.perf_counter()
