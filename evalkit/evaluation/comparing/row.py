"""One metric of one pair of systems, and p-values adjusted for the number of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit.entities.estimate import Direction
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

    def facts(self, p_adjusted: float | None) -> dict[str, Any]:
        """Return the numbers of the row by name, as tables and files have them."""
        metric, paired = self.pairs.metric.facts, self.difference
        return {
            "a": self.a,
            "b": self.b,
            "metric": self.metric,
            "direction": metric.direction,
            "unit": metric.unit,
            "value_a": self.value_a,
            "value_b": self.value_b,
            "difference": paired.difference,
            "low": paired.low,
            "high": paired.high,
            "outcome": outcome_of(paired, metric.direction, p_adjusted),
            "p_value": paired.p_value,
            "p_adjusted": p_adjusted,
            "method": paired.method,
            "test": paired.test,
            "effect_size": paired.effect_size,
            "correlation": paired.correlation,
            "standard_error": paired.standard_error,
            "power": paired.power,
            "smallest_detectable": paired.smallest_detectable,
            "n_pairs": paired.n,
            "n_groups": paired.n_groups,
            "n_unmatched": self.pairs.n_unmatched,
        }

    def changed(self, *, better: bool) -> npt.NDArray[np.int64]:
        """Return the places of the pairs that ``b`` has better (or worse), largest change first."""
        value_b, value_a = self.pairs.values
        sign = -1.0 if self.pairs.metric.facts.direction == "lower" else 1.0
        gain = np.nan_to_num(value_b - value_a) * (sign if better else -sign)
        order = np.argsort(-gain, kind="stable")
        return order[: int((gain > 0).sum())]


def outcome_of(
    paired: PairedDifference, direction: Direction, p_adjusted: float | None = None
) -> str:
    """Return ``better``, ``worse`` or ``different`` of a difference that is clear, else a blank.

    It is clear where interval, p-value and, if there is one, the p-value that allows for the number
    of rows say so: the one owner of this claim, in words, colours and marks alike.
    """
    if not paired.is_clear or (p_adjusted is not None and p_adjusted >= 1 - paired.level):
        return ""
    if direction == "none":
        return "different"
    return "better" if (paired.difference > 0) == (direction == "higher") else "worse"


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
