"""How much may be spent, for all roles together and for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evalkit.errors import BudgetSpentError, UsageError, near_miss
from evalkit.llm.usage import PARTS, ROLES, Ledger, Spent

UNITS: Final = ("usd", "tokens", "calls", "seconds")
_FORMS: Final = {"usd": "${:g}", "tokens": "{:,.0f} tokens", "calls": "{:,.0f} calls"}


@dataclass(slots=True)
class Reserve:
    """What calls that were promised, and not paid yet, are expected to use."""

    tokens: float = 0.0
    usd: float = 0.0
    """US dollars, of the calls whose price is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Most to spend; nothing is limited where nothing is said.

    Examples:
        >>> budget = Budget.of({"usd": 1.0, "judge": {"usd": 0.5}})
        >>> budget.total, budget.roles
        ({'usd': 1.0}, {'judge': {'usd': 0.5}})
    """

    total: Mapping[str, float] = field(default_factory=dict[str, float])
    roles: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    own_target: bool = False
    """Whether the target asks no model through evalkit: its calls count for its role alone."""

    @classmethod
    def of(cls, given: float | str | Mapping[str, Any] | None) -> Budget:
        """Read dollars, a text as of `limits_of`, or a mapping of units, or of roles to such ones.

        Raises:
            UsageError: If a unit or role is unknown, or a limit is below 0.
        """
        if given is None:
            return cls()
        given = limits_of([given]) if isinstance(given, str) else given
        if not isinstance(given, Mapping):
            return cls(total=_limits({"usd": given}))
        roles = {
            str(role): _limits(
                limits if isinstance(limits, Mapping) else {"usd": limits}, str(role)
            )
            for role, limits in given.items()
            if role in ROLES
        }
        total = {unit: limit for unit, limit in given.items() if unit not in ROLES}
        return cls(total=_limits(total), roles=roles)

    def to_json(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return {**self.total, **{role: dict(limits) for role, limits in self.roles.items()}}

    def __bool__(self) -> bool:
        return bool(self.total or self.roles)

    def check(
        self,
        ledger: Ledger,
        role: str,
        seconds: float,
        under_way: Mapping[str, int] | None = None,
        reserved: Mapping[str, Reserve] | None = None,
    ) -> None:
        """Refuse a call of *role* when any limit is reached; unknown prices count as nothing.

        Args:
            ledger: What was spent.
            role: Who asks.
            seconds: Time since the work began.
            under_way: Calls by role that were begun and not counted yet.
            reserved: What calls in batches are expected to use, by role.

        Raises:
            BudgetSpentError: Naming the limit and what was spent.
        """
        calls, reserves = under_way or {}, reserved or {}
        if self.total:
            _check(self.total, self._sums(ledger, seconds, calls, reserves), "")
        if role in self.roles:
            own = [reserves[role]] if role in reserves else []
            spent = _sums([ledger[role]], seconds, calls.get(role, 0), own)
            _check(self.roles[role], spent, f" for {role} calls")

    def left(self, ledger: Ledger, seconds: float) -> dict[str, Any]:
        """Return, as `of` reads it, what *ledger* and *seconds* leave of it."""
        roles = {
            role: _less(limits, _sums([ledger[role]], seconds, 0, ()))
            for role, limits in self.roles.items()
        }
        return {**_less(self.total, self._sums(ledger, seconds, {}, {})), **roles}

    def _sums(
        self,
        ledger: Ledger,
        seconds: float,
        under_way: Mapping[str, int],
        reserved: Mapping[str, Reserve],
    ) -> dict[str, float]:
        sums = _sums(ledger.roles.values(), seconds, sum(under_way.values()), reserved.values())
        if self.own_target:
            sums["calls"] -= ledger["target"].calls + under_way.get("target", 0)
        return sums


def limits_of(texts: Iterable[str]) -> dict[str, Any]:
    """Return limits by unit, and by role and unit, as the command line has them.

    Raises:
        UsageError: If a text is neither a number, in US dollars, nor a unit's.

    Examples:
        >>> limits_of(["1.5", "calls=500", "judge=0.5"])
        {'usd': 1.5, 'calls': 500.0, 'judge': {'usd': 0.5}}
    """
    budget: dict[str, Any] = {}
    for text in texts:
        unit, equals, number = text.partition("=")
        unit, number = (unit.strip(), number) if equals else ("usd", unit)
        unit = f"{unit}.usd" if unit in ROLES else unit
        role, dot, of_role = unit.rpartition(".")
        limits = budget.setdefault(role, {}) if dot else budget
        try:
            limits[of_role] = float(number)
        except ValueError:
            raise UsageError(f"{text!r} is neither US dollars nor UNIT=NUMBER.") from None
    return budget


def _less(limits: Mapping[str, float], spent: Mapping[str, float]) -> dict[str, float]:
    return {unit: max(0.0, limit - spent[unit]) for unit, limit in limits.items()}


def _limits(given: Mapping[Any, Any], role: str | None = None) -> dict[str, float]:
    limits: dict[str, float] = {}
    for unit, limit in given.items():
        if unit not in UNITS:
            words = UNITS if role else (*UNITS, *ROLES)
            raise UsageError(
                f"budget= has no unit {unit!r}.{near_miss(str(unit), words)} "
                f"It has: {', '.join(words)}."
            )
        if isinstance(limit, Mapping) or not float(limit) >= 0:
            raise UsageError(f"budget= of {unit} must be at least 0, got {limit}.")
        limits[str(unit)] = float(limit)
    return limits


def _sums(
    spent: Iterable[Spent], seconds: float, under_way: int, reserved: Iterable[Reserve]
) -> dict[str, float]:
    sums = {"usd": 0.0, "calls": float(under_way), "tokens": 0.0, "seconds": seconds}
    for entry in spent:
        sums["usd"] += entry.cost
        sums["calls"] += entry.calls
        sums["tokens"] += sum(n for kind, n in entry.tokens.items() if kind not in PARTS)
    for reserve in reserved:
        sums["usd"] += reserve.usd
        sums["tokens"] += reserve.tokens
    return sums


def _check(limits: Mapping[str, float], spent: Mapping[str, float], whose: str) -> None:
    for unit, limit in limits.items():
        if spent[unit] >= limit:
            form = _FORMS.get(unit, "{:g} seconds")
            raise BudgetSpentError(form.format(limit) + whose, form.format(spent[unit]))
