"""What an evaluation will ask of models and cost: from a sample, before anything is called."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

LEVEL: Final = 0.95
_SURE: Final = 1.96


@dataclass(frozen=True, slots=True)
class Expected:
    """An expected amount, and the interval in which it lies as far as the sample tells.

    Examples:
        >>> Expected(10.0, 8.0, 12.0) + Expected(1.0, 1.0, 1.0)
        Expected(value=11.0, low=9.0, high=13.0)
    """

    value: float
    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Expected:
        """Return an amount that is known."""
        return cls(value, value, value)

    def __add__(self, other: Expected) -> Expected:
        """Return the sum; its ends are those of both at once, which is wider than need be."""
        return Expected(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, other: Expected) -> Expected:
        """Return the product of two amounts that are not negative."""
        return Expected(self.value * other.value, self.low * other.low, self.high * other.high)


NOTHING: Final = Expected.exactly(0.0)


def total_of(sample: Sequence[float], n: int) -> Expected:
    """Return the total over *n* cases, of which *sample* was drawn without putting back.

    The interval is the normal one of a mean, at 95 %, with the correction for a finite population:
    where all cases are in the sample, the total is known.  It never goes below what was seen.

    Args:
        sample: Amounts of the cases that were drawn, at least one, none negative.
        n: How many cases there are; at least as many.

    Examples:
        >>> total_of([3.0, 5.0], 2)
        Expected(value=8.0, low=8.0, high=8.0)
        >>> total_of([4.0, 4.0], 100)
        Expected(value=400.0, low=400.0, high=400.0)

    References:
        Cochran (1977), *Sampling Techniques*, 3rd edition, section 2.6.
    """
    drawn = len(sample)
    mean = math.fsum(sample) / drawn
    seen = math.fsum(sample)
    if drawn == n:
        return Expected.exactly(seen)
    if drawn == 1:
        return Expected(mean * n, seen, math.inf)
    variance = math.fsum((x - mean) ** 2 for x in sample) / (drawn - 1)
    half = _SURE * n * math.sqrt(variance / drawn * (1.0 - drawn / n))
    return Expected(mean * n, max(seen, mean * n - half), mean * n + half)


def mean_of(values: Sequence[float]) -> Expected:
    """Return the mean of two *values* or more with its normal interval at 95 %, above 0.

    Examples:
        >>> mean_of([2.0, 2.0, 2.0])
        Expected(value=2.0, low=2.0, high=2.0)
    """
    mean = math.fsum(values) / len(values)
    variance = math.fsum((x - mean) ** 2 for x in values) / (len(values) - 1)
    half = _SURE * math.sqrt(variance / len(values))
    return Expected(mean, max(0.0, mean - half), mean + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one asker (the target, or one judge with one model) is expected to use."""

    role: str
    name: str
    """The target, or the judge."""

    model: str | None
    """Model string; ``None`` for code of the user's own."""

    calls: Expected
    """Calls that will be made."""

    recorded: Expected
    """Calls that recordings, or batches on their way, will answer."""

    input_tokens: Expected | None = None
    output_tokens: Expected | None = None
    usd: Expected | None = None
    """US dollars; ``None`` where the price is unknown."""

    batched: bool = False
    method: tuple[str, ...] = ()
    """How the numbers were come by, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an evaluation is expected to use, by role."""

    sampled: int
    """Cases that were looked at."""

    cases: int
    shares: tuple[Share, ...]
    notes: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that ask, in order."""
        return tuple(dict.fromkeys(share.role for share in self.shares))

    def of(self, role: str | None, what: str) -> Expected | None:
        """Return an amount of a role, or of all; ``None`` where a part of it is unknown.

        Args:
            role: ``target`` or ``judge``; ``None`` for both.
            what: ``calls``, ``recorded``, ``input_tokens``, ``output_tokens`` or ``usd``.
        """
        parts = [getattr(share, what) for share in self.shares if role in {None, share.role}]
        return None if None in parts else sum(parts, NOTHING)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        names = ("calls", "recorded", "input_tokens", "output_tokens", "usd")

        def sums(role: str | None) -> dict[str, Any]:
            amounts = {name: self.of(role, name) for name in names}
            return {name: amount and dataclasses.asdict(amount) for name, amount in amounts.items()}

        return {
            "sampled": self.sampled,
            "cases": self.cases,
            "level": LEVEL,
            "total": sums(None),
            "roles": {role: sums(role) for role in self.roles},
            "askers": [dataclasses.asdict(share) for share in self.shares],
            "notes": list(self.notes),
        }
