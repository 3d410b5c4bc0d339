"""One metric of one pair of systems, and p-values adjusted for the number of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.pairs import Pairs
from evalkit.stats.difference import PairedDifference
from evalkit.stats.multiple import benjamini_hochberg, holm

_ADJUST: Final = {"holm": holm, "benjamini-hochberg": benjamini_hochberg}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one pair of systems: ``b`` against the baseline ``a``."""

    a: str
    b: str
    metric: str
    value_a: float | None
    value_b: float | None
    """Of the paired cases where these are not all, so that the difference is the values' own; a
    corpus metric keeps that of its whole result."""

    difference: PairedDifference
    """Difference ``b - a``."""

    pairs: Pairs

    @property
    def outcome(self) -> str:
        """``better``, ``worse`` or ``different`` where the whole interval says so, else a blank."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high:
            return ""
        direction = self.pairs.metric.facts.direction
        if direction == "none":
            return "different"
        return "better" if (low > 0) == (direction == "higher") else "worse"

    def cells(self, difference: PairedDifference) -> dict[str, Any]:
        """Return what tables show of *difference*: this one, or that of some of its cases."""
        return {
            "a": self.a,
            "b": self.b,
            "metric": self.metric,
            "difference": difference.difference,
            "low": difference.low,
            "high": difference.high,
            "p_value": difference.p_value,
            "n_pairs": difference.n,
        }

    def changed(self, *, better: bool) -> npt.NDArray[np.int64]:
        """Return the places of the pairs that ``b`` has better (or worse), largest change first."""
        value_b, value_a = self.pairs.values
        sign = -1.0 if self.pairs.metric.facts.direction == "lower" else 1.0
        gain = np.nan_to_num(value_b - value_a) * (sign if better else -sign)
        order = np.argsort(-gain, kind="stable")
        return order[: int((gain > 0).sum())]


def adjusted(p_values: Iterable[float | None], adjust: str) -> list[float | None]:
    """Return p-values adjusted for their number; missing ones stay missing.

    Raises:
        UsageError: If *adjust* is no method.

    Examples:
        >>> adjusted([0.01, None, 0.04], "holm")
        [0.02, None, 0.04]
    """
    if adjust not in _ADJUST:
        raise UsageError(f"adjust={adjust!r} is none of {', '.join(_ADJUST)}.")
    listed = list(p_values)
    present = [p for p in listed if p is not None]
    left = iter(_ADJUST[adjust](present).tolist() if present else [])
    return [None if p is None else next(left) for p in listed]
