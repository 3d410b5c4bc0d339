"""Regular expressions that come with the data: none may hold the process."""

from __future__ import annotations

import functools
import re
from collections import deque
from typing import Any, Final

SECONDS: Final = 1.0
"""Longest time for one text, which a sane pattern needs a thousandth of."""


class PatternTimeoutError(TimeoutError):
    """A pattern took too long on a text; some take years on forty characters."""


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Any:
    """Return *pattern*, in Python's syntax, as one whose matching can be stopped.

    Raises:
        re.error: If it is no regular expression.
    """
    # start-up: few scorers read patterns
    import regex  # type: ignore[import-untyped]

    flags = re.IGNORECASE if ignore_case else 0
    re.compile(pattern, flags)  # what Python refuses is refused
    try:
        return regex.compile(pattern, flags | regex.VERSION0)
    except regex.error as error:
        raise re.error(str(error)) from error


def pattern_matches(pattern: Any, text: str, *, full: bool = False) -> bool:
    """Say whether a compiled pattern matches somewhere in *text*, or with *full* all of it.

    Raises:
        PatternTimeoutError: If that takes longer than `SECONDS`.
    """
    try:
        match = pattern.fullmatch if full else pattern.search
        return match(text, timeout=SECONDS) is not None
    except TimeoutError as error:
        raise _too_long(pattern) from error


def last_match(pattern: Any, text: str) -> str | None:
    """Return the first group, or else the whole, of the last match in *text*.

    Raises:
        PatternTimeoutError: If that takes longer than `SECONDS`.
    """
    try:
        found = deque(pattern.finditer(text, timeout=SECONDS), maxlen=1)
    except TimeoutError as error:
        raise _too_long(pattern) from error
    if not found:
        return None
    cut: str | None = found[0].group(1) if pattern.groups else found[0].group(0)
    return cut


def _too_long(pattern: Any) -> PatternTimeoutError:
    return PatternTimeoutError(
        f"The pattern {pattern.pattern!r:.80} took longer than {SECONDS:g} s on this text."
    )
