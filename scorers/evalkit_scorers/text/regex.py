"""Score whether the output matches a regular expression."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import (
    CaseBatch,
    MetricFacts,
    ScoreColumn,
    Status,
    UsageError,
    output_texts,
    references,
)


def regex(output: str, pattern: str, *, full: bool = False, ignore_case: bool = False) -> bool:
    r"""Return whether *pattern* matches somewhere in *output*.

    It is Python's, and may hold flags, as in ``(?s)``.  Settings are those of `Regex`.

    Raises:
        re.error: If *pattern* is no regular expression.

    Examples:
        >>> regex("Answer: 42", r"\d+"), regex("Answer: 42", r"\d+", full=True)
        (True, False)

    References:
        The ``re`` module of Python.
    """
    compiled = _compiled(pattern, ignore_case=ignore_case)
    return (compiled.fullmatch(output) if full else compiled.search(output)) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """Score each case with `regex`: whether the output matches any of its patterns.

    Without ``pattern`` the references of a case are its patterns; a case whose pattern does not
    compile fails.
    """

    name: str = "text.regex"
    pattern: str | None = None
    """Pattern for every case; ``None`` reads it from the expectations."""

    full: bool = False
    """The match has to be the whole output."""

    ignore_case: bool = False
    """Let letters match in either case."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=1.0, binary=True)
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if self.pattern is not None:
            try:
                _compiled(self.pattern, ignore_case=self.ignore_case)
            except re.error as error:
                raise UsageError(
                    f"pattern= is not a regular expression: {error}: {self.pattern!r}."
                ) from error

    @property
    def requires(self) -> frozenset[str]:
        """The output, and the expectations unless one pattern is for every case."""
        return frozenset({"outputs"} if self.pattern is not None else {"outputs", "expectations"})

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or pattern."""
        column = ScoreColumn.missing(len(batch), Status.SKIPPED)
        column.binary = True
        patterns = references(batch) if self.pattern is None else [[self.pattern]] * len(batch)
        for row, (output, listed) in enumerate(zip(output_texts(batch), patterns, strict=True)):
            if output is None or listed is None:
                continue
            try:
                column.values[row] = any(
                    regex(output, pattern, full=self.full, ignore_case=self.ignore_case)
                    for pattern in listed
                )
                column.status[row] = Status.OK
            except re.error as error:
                column.fail(row, "scorer_error", f"not a regular expression: {error}: {listed!r}")
        return column
