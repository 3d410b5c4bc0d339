"""From estimates to PASS, FAIL, INCONCLUSIVE, INFRA or BUDGET."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.estimate import Estimate
from evalkit.gates.condition import OPERATORS, Condition
from evalkit.gates.planning import hint, more_for

if TYPE_CHECKING:
    from evalkit.stats.difference import PairedDifference

COVERAGE: Final = 0.98
"""Least coverage with which a gate can pass, unless a gate of its own says otherwise."""

INFRASTRUCTURE: Final = frozenset({"rate_limited", "connection", "provider_error"})
"""Reasons of failure that are neither the target's nor the scorer's."""


class Verdict(enum.StrEnum):
    """Outcome of a gate."""

    PASS = "PASS"  # noqa: S105  a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INFRA = "INFRA"
    BUDGET = "BUDGET"


_GRAVITY: Final = (
    Verdict.FAIL,
    Verdict.BUDGET,
    Verdict.INFRA,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
)
EXIT_CODES: Final = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.INCONCLUSIVE: 3,
    Verdict.INFRA: 4,
    Verdict.BUDGET: 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionVerdict:
    """One condition with the numbers that decided it."""

    condition: str
    status: Verdict
    why: str
    estimate: Estimate | None = None
    difference: PairedDifference | None = None
    """Of a condition that compares: the system minus its baseline."""

    more_cases: int | None = None
    """Of an undecided condition: about how many more cases would decide it, with 80 % power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """The verdict on all gates of a result."""

    status: Verdict
    conditions: tuple[ConditionVerdict, ...] = ()
    note: str = ""
    """Why conditions that were asked for are not among these."""

    def __str__(self) -> str:
        head = f"{self.status} ({self.note})" if self.note else str(self.status)
        return "\n".join([head, *(f"  {c.status}  {c.why}" for c in self.conditions)])

    def to_json(self) -> dict[str, Any]:
        """Turn the verdict into JSON values, whole: it is never worked out again."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | str) -> GateVerdict:
        """Read what `to_json` wrote; an older release wrote the status alone."""
        if isinstance(content, str):
            return cls(status=Verdict(content))
        return cls(
            status=Verdict(content["status"]),
            conditions=tuple(_condition(fields) for fields in content["conditions"]),
            note=content.get("note", ""),
        )


def _condition(fields: Mapping[str, Any]) -> ConditionVerdict:
    from evalkit.stats.difference import PairedDifference  # start-up: few verdicts have one

    estimate, difference = fields["estimate"], fields["difference"]
    return ConditionVerdict(
        condition=fields["condition"],
        status=Verdict(fields["status"]),
        why=fields["why"],
        estimate=None if estimate is None else Estimate(**estimate),
        difference=None if difference is None else PairedDifference(**difference),
        more_cases=fields["more_cases"],
    )


def together(conditions: Sequence[ConditionVerdict]) -> GateVerdict:
    """Return the verdict on all *conditions*, as grave as the gravest of theirs."""
    status = gravest(condition.status for condition in conditions)
    return GateVerdict(status=status, conditions=tuple(conditions))


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest: FAIL, then BUDGET, INFRA, INCONCLUSIVE, PASS, which is that of none.

    Examples:
        >>> str(gravest([Verdict.PASS, Verdict.INFRA])), str(gravest([]))
        ('INFRA', 'PASS')
    """
    return min(verdicts, key=_GRAVITY.index, default=Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What besides the estimate decides a condition."""

    infrastructure_failures: int = 0
    """Cases of the metric that failed for reasons in `INFRASTRUCTURE`."""

    out_of_budget: bool = False
    least_coverage: float = COVERAGE


def decide(condition: Condition, estimate: Estimate, around: Circumstances) -> ConditionVerdict:
    """Decide ``metric op number`` by the estimate's whole interval, or by its value ``@ point``.

    Examples:
        >>> from evalkit.gates.condition import parse_gates
        >>> wide = Estimate(key="m", value=0.7, low=0.5, high=0.9, n_total=9, n_scored=9)
        >>> decide(parse_gates("m >= 0.6")[0], wide, Circumstances()).status.value
        'INCONCLUSIVE'
    """
    status, why = _decide(condition, estimate, around)
    shown = f"{condition.text}: {describe(estimate)}"
    undecided = status is Verdict.INCONCLUSIVE and not estimate.n_not_run
    return ConditionVerdict(
        condition=condition.text,
        status=status,
        why=f"{shown}{'; ' if why else ''}{why}",
        estimate=estimate,
        more_cases=more_for(estimate, condition.threshold) if undecided else None,
    )


def _decide(condition: Condition, estimate: Estimate, around: Circumstances) -> tuple[Verdict, str]:
    found = [_compare(condition, estimate)]
    lacking = lacks_coverage(estimate, around)
    if lacking is not None:
        found.append(lacking)
    if estimate.n_not_run:
        left = f"{estimate.n_not_run} cases were not run"
        if around.out_of_budget:
            found.append((Verdict.BUDGET, f"{left}: the budget is spent"))
        else:
            found.append((Verdict.INCONCLUSIVE, left))
    return min(reversed(found), key=lambda outcome: _GRAVITY.index(outcome[0]))


def lacks_coverage(estimate: Estimate, around: Circumstances) -> tuple[Verdict, str] | None:
    """Return verdict and reason where too few cases have a value for any gate to pass."""
    coverage = estimate.coverage
    if coverage is None or coverage >= around.least_coverage:
        return None
    why = f"coverage {coverage:.1%} is below {around.least_coverage:.0%}"
    own = estimate.n_failed - around.infrastructure_failures
    if own and estimate.n_scored / (estimate.n_scored + own) < around.least_coverage:
        return Verdict.FAIL, f"{why}: {own} cases failed in target or scorer"
    return Verdict.INFRA, f"{why}: {around.infrastructure_failures} cases failed on the way there"


def _compare(condition: Condition, estimate: Estimate) -> tuple[Verdict, str]:
    holds = OPERATORS[condition.op]
    if estimate.value is None:
        return Verdict.INCONCLUSIVE, estimate.note or "nothing was measured"
    numbers = (estimate.value, estimate.low, estimate.high)
    if not all(math.isfinite(one) for one in numbers if one is not None):
        return Verdict.INCONCLUSIVE, "its numbers are not finite"
    if condition.point:
        met = holds(estimate.value, condition.threshold)
        return (Verdict.PASS if met else Verdict.FAIL), "decided by the value alone"
    if estimate.low is None or estimate.high is None:
        return Verdict.INCONCLUSIVE, estimate.note or "there is no interval"
    status, why = _compare_interval(condition, estimate.low, estimate.high)
    if status is Verdict.INCONCLUSIVE and condition.op not in {"==", "!="}:
        why = f"{why}; {hint(more_for(estimate, condition.threshold))}"
    return status, why


def _compare_interval(condition: Condition, low: float, high: float) -> tuple[Verdict, str]:
    holds = OPERATORS[condition.op]
    ends = holds(low, condition.threshold), holds(high, condition.threshold)
    inside = low < condition.threshold < high
    if condition.op in {"==", "!="} and inside:
        return Verdict.INCONCLUSIVE, "the interval holds the threshold and other values"
    if all(ends):
        return Verdict.PASS, ""
    if not any(ends):
        return Verdict.FAIL, ""
    return Verdict.INCONCLUSIVE, f"the interval holds {condition.threshold:g}"


def decide_number(condition: Condition, value: float | None, unit: str) -> ConditionVerdict:
    """Decide a condition on a plain number, such as coverage or cost; unknown never passes."""
    if value is None:
        status, why = Verdict.INCONCLUSIVE, f"{condition.text}: the {unit} is unknown"
    else:
        met = OPERATORS[condition.op](value, condition.threshold)
        status, why = (Verdict.PASS if met else Verdict.FAIL), f"{condition.text}: {value:.4g}"
    return ConditionVerdict(condition=condition.text, status=status, why=why)


def describe(estimate: Estimate) -> str:
    """Return value, interval and denominators in a few words.

    Examples:
        >>> describe(Estimate(key="m", value=1.0, n_total=500, n_scored=1, n_failed=499))
        '1.00 (n=1/500)'
    """
    count = f"(n={estimate.n_scored}/{estimate.n_total})"
    if estimate.value is None:
        return f"no value {count}"
    if estimate.low is None or estimate.high is None:
        return f"{number(estimate.value)} {count}"
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}] {count}"


def number(value: float) -> str:
    """Return *value* as tables show it: two to four significant digits, never ``-0.00``.

    Examples:
        >>> number(1.0), number(0.98765), number(1234.5), number(0.00123)
        ('1.00', '0.988', '1234', '0.00123')
    """
    size = abs(value)
    if size >= 1000:  # noqa: PLR2004
        return f"{value:.0f}"
    if size >= 1 or size == 0.0:
        return f"{value + 0.0:.2f}"
    return f"{value:.3f}" if size >= 0.01 else f"{value:.3g}"  # noqa: PLR2004
