"""One condition of a gate, as data."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evalkit.gates.key import Key

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
CALIBRATED: Final = "calibrated"
"""Kind of the conditions on a judge's card."""

ARGUMENTS: Final = {"no_regression": "margin", "improves": "by", "equivalent": "margin"}
"""Name of each gate that compares -> the argument that it takes besides the key."""

DEFAULTS: Final = {"no_regression": 0.02, "improves": 0.0, "equivalent": 0.01}
"""Margin of each, as a share of the metric's range, where none is written."""

PAIRED: Final = tuple(ARGUMENTS)
"""Kinds of conditions that compare with a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a gate.

    `kind` is ``metric``, ``coverage``, ``cost``, ``must_pass``, ``calibrated``, or one of `PAIRED`.
    """

    text: str
    kind: str
    key: Key | None = None
    op: str = ">="
    threshold: float = 0.0
    level: float | None = None
    """Confidence level that was written; ``None`` means the result's own."""

    point: bool = False
    """Whether the value alone decides."""

    tags: tuple[tuple[str, str], ...] = ()
    """Of ``must_pass``: tag values of the cases that must pass."""

    key_text: str | None = None
    """The key as it was written."""

    margin: float | None = None
    """Of a kind that compares: its margin in the metric's unit; ``None`` means the default."""

    judge: str | None = None
    """Of ``calibrated``: metric whose card is meant."""

    figure: str | None = None
    """Of ``calibrated``: figure of the card."""

    @property
    def compares(self) -> bool:
        """Whether a baseline is needed."""
        return self.kind in PAIRED
