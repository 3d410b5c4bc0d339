"""The root of all errors, and those of what was asked."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import ClassVar


class EvalkitError(Exception):
    """Base of every error that evalkit raises on purpose."""

    exit_code: ClassVar[int] = 2


def near_miss(name: str, known: Collection[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest of *known*, or an empty text.

    Examples:
        >>> near_miss("text.exact_mach", ["text.exact_match", "text.bleu"])
        " Did you mean 'text.exact_match'?"
        >>> near_miss("zzz", ["a"])
        ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


class UsageError(EvalkitError, ValueError):
    """What was asked cannot be done as asked; the text says what can."""


class BindingError(UsageError):
    """A target or function names parameters that its cases do not have."""


class SpecificationError(UsageError):
    """A specification file holds a wrong word or value."""


class GateSyntaxError(UsageError):
    """A gate does not parse."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(text, position, expected)
        self.text = text
        self.position = position
        self.expected = expected

    def __str__(self) -> str:
        pointer = " " * self.position + "^"
        return f"The gate does not parse: expected {self.expected}.\n  {self.text}\n  {pointer}"
