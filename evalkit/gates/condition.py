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

COUNTED: Final = ("n", "skipped")
"""Kinds of the conditions on how many cases a metric has a value of, and on the share left out."""

RANGES: Final[dict[str, tuple[float, float | None]]] = {
    "n": (0, None),
    "skipped": (0, 1),
    "coverage": (0, 1),
    "cost": (0, None),
}
"""Kinds of conditions on plain numbers, and what these can be."""

ARGUMENTS: Final = {"no_regression": "margin", "improves": "by", "equivalent": "margin"}
"""Name of each gate that compares -> the argument that it takes besides the key."""

DEFAULTS: Final = {"no_regression": 0.02, "improves": 0.0, "equivalent": 0.01}
"""Margin of each, as a share of the metric's range, where none is written."""

PAIRED: Final = tuple(ARGUMENTS)
"""Kinds of conditions that compare with a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a gate.

    `kind` is ``metric``, ``coverage``, ``cost``, ``must_pass``, ``calibrated``, or one of `COUNTED`
    or `PAIRED`.
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

    def vacuous_in(self, low: float | None, high: float | None) -> str | None:
        """Return why the condition decides nothing of values from *low* to *high*, or ``None``.

        Examples:
            >>> Condition(text="m >= 85", kind="metric", threshold=85).vacuous_in(0, 1)
            'it can never be met, the range is [0, 1]; for a share write 85 %'
        """
        holds, ends = OPERATORS[self.op], (low, high)
        if self.op in {"==", "!="}:
            outside = (low is not None and self.threshold < low) or (
                high is not None and self.threshold > high
            )
            met: tuple[bool, ...] = (self.op == "!=",) if outside else ()
        else:  # the end that is hardest to meet, and the easiest
            hardest, easiest = ends if self.op in {">=", ">"} else ends[::-1]
            met = tuple(
                always
                for end, always in ((hardest, True), (easiest, False))
                if end is not None and holds(end, self.threshold) is always
            )
        if not met:
            return None
        word = "is always met" if met[0] else "can never be met"
        shown = ", ".join("…" if end is None else f"{end:g}" for end in ends)
        share = (low, high) == (0, 1) and 1 < self.threshold <= 100  # noqa: PLR2004  per cent
        hint = f"; for a share write {self.threshold:g} %" if share else ""
        return f"it {word}, the range is [{shown}]{hint}"
