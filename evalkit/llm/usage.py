"""What model calls have cost so far, by role: calls, tokens and dollars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PARTS: Final = frozenset({"cached_tokens", "cache_write_tokens", "reasoning_tokens"})
"""Parts of other counts of tokens, which a sum over all must not count again."""

_HALVES: Final = frozenset({"input_tokens", "output_tokens", "prompt_tokens", "completion_tokens"})

ROLES: Final = ("target", "judge")
"""Who asks: what is evaluated, and what judges it."""


@dataclass(slots=True)
class Spent:
    """What the calls of one role have cost.

    Examples:
        >>> spent = Spent()
        >>> spent.add(Charge(tokens={"input_tokens": 9}, cost=0.5))
        >>> spent.add(Charge(tokens={"input_tokens": 1}))
        >>> spent.tokens["input_tokens"], spent.price
        (10, None)
    """

    calls: int = 0
    """Calls that were made; what came from a recording or an equal call is not among them."""

    cached: int = 0
    """Calls that were answered by a recording, or by an equal call that was on its way."""

    failed: int = 0
    """Calls that gave no answer."""

    tokens: dict[str, int] = field(default_factory=dict[str, int])
    """By kind; ``total_tokens`` only of calls that told nothing finer, so nothing counts twice."""

    cost: float = 0.0
    """US dollars of the calls whose price is known."""

    unpriced: int = 0
    """Calls whose price is unknown, although they were answered or may have been."""

    @property
    def price(self) -> float | None:
        """US dollars; ``None`` where the price of any call that may have to be paid is unknown."""
        return None if self.unpriced else self.cost

    def add(self, charge: Charge) -> None:
        """Count one more call."""
        if charge.cached:
            self.cached += 1
            return
        self.calls += 1
        self.failed += charge.failed
        tokens: Mapping[str, Any] = charge.tokens or {}  # a user's target may report anything
        for kind, count in tokens.items():
            if isinstance(count, int) and not (kind == "total_tokens" and _HALVES & tokens.keys()):
                self.tokens[kind] = self.tokens.get(kind, 0) + count
        if charge.cost is not None:
            self.cost += charge.cost
        elif charge.lost or not charge.failed:
            self.unpriced += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one call has cost."""

    cached: bool = False
    """Whether it was answered without being made."""

    failed: bool = False
    lost: bool = False
    """Whether it failed here although it may have been answered, and so have to be paid."""

    tokens: Mapping[str, int] | None = None
    cost: float | None = None
    """US dollars; ``None`` means unknown."""

    line: str | None = None
    """Line of a batch that was answered: however often it is fetched, it is paid once."""


class Ledger:
    """What has been spent, by role.

    Examples:
        >>> ledger = Ledger()
        >>> ledger.add("judge", Charge(cost=0.25))
        >>> ledger["judge"].calls, ledger["target"].calls
        (1, 0)
    """

    def __init__(self) -> None:
        """Begin with nothing spent."""
        self.roles: dict[str, Spent] = {}
        self._lines: set[str] = set()
        self.on_charge: Callable[[str, Charge], None] | None = None
        """Called with each charge before it is counted; keeps it where a kill cannot reach."""

    def __getitem__(self, role: str) -> Spent:
        return self.roles.get(role) or Spent()

    def add(self, role: str, charge: Charge) -> None:
        """Count one more call of *role*, and tell `on_charge`; no line of a batch counts twice."""
        if charge.line in self._lines:
            return
        if self.on_charge is not None:
            self.on_charge(role, charge)
        self.restore(role, charge)

    def merge(self, role: str, spent: Spent) -> None:
        """Count what was spent before, all at once."""
        own = self.roles.setdefault(role, Spent())
        for name in ("calls", "cached", "failed", "cost", "unpriced"):
            setattr(own, name, getattr(own, name) + getattr(spent, name))
        for kind, count in spent.tokens.items():
            own.tokens[kind] = own.tokens.get(kind, 0) + count

    def restore(self, role: str, charge: Charge) -> None:
        """Count a call that was told before, in this process or an earlier one."""
        if charge.line is not None:
            self._lines.add(charge.line)
        self.roles.setdefault(role, Spent()).add(charge)
