"""A score: one scorer's verdict on one case."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Status(enum.IntEnum):
    """Outcome of one cell; the numbers are what columns and files hold."""

    OK = 0
    SKIPPED = 1
    FAILED = 2
    NOT_RUN = 3

    @property
    def word(self) -> str:
        """The outcome as it is written in tables and files."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's verdict on one case: a value, a label, or why there is neither.

    Missing is never zero: estimates count skipped and failed scores apart, so that a broken scorer
    cannot look like a bad model.

    Examples:
        >>> Score(0.5, explanation="half of the facts").value
        0.5
        >>> Score.failed("off_menu", "the judge said 'maybe'").status.word
        'failed'
    """

    value: float | bool | None = None
    """Finite value in the scorer's unit; ``None`` where there is only a label or nothing."""

    label: str | None = None
    """Category, such as ``polite``; each label has a rate in the result."""

    explanation: str | None = None
    """Why, in prose."""

    weight: float = 1.0
    """Share of this case in a weighted mean; at least 0."""

    metadata: Mapping[str, Any] | None = None
    """Anything that JSON can hold."""

    status: Status = Status.OK
    """Outcome; use `skipped` and `failed` rather than setting it."""

    reason: str | None = None
    """Machine-readable code of a failure, such as ``off_menu``."""

    def __post_init__(self) -> None:
        if self.status is Status.OK and self.value is None and self.label is None:
            raise ValueError("a score needs a value or a label; for neither use Score.skipped()")
        if self.status is not Status.OK and self.value is not None:
            raise ValueError("only a score whose status is OK has a value")
        for name in ("label", "explanation", "reason"):
            text: object = getattr(self, name)
            if text is not None and not isinstance(text, str):
                raise TypeError(f"a score's {name} must be a text, got {type(text).__name__}")
        if isinstance(self.value, str):
            raise TypeError(f"a score's value must be a number, got {self.value!r:.60}; use label=")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a score's value must be finite, got {self.value}")
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"a score's weight must be finite and at least 0, got {self.weight}")

    @classmethod
    def skipped(cls, explanation: str | None = None) -> Score:
        """Return the verdict that the scorer does not apply to this case."""
        return cls(status=Status.SKIPPED, explanation=explanation)

    @classmethod
    def failed(cls, reason: str, explanation: str | None = None) -> Score:
        """Return the verdict that the scorer tried and could not; *reason* is a code."""
        return cls(status=Status.FAILED, reason=reason, explanation=explanation)
