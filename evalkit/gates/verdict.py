"""From estimates to PASS, FAIL, INCONCLUSIVE, INFRA or BUDGET; NONE where nothing was asked."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.words import percent, plural
from evalkit.entities.estimate import Estimate
from evalkit.gates.condition import OPERATORS, Condition
from evalkit.gates.planning import hint, more_for

if TYPE_CHECKING:
    from evalkit.stats.difference import PairedDifference

_USUAL_LEVEL: Final = 0.95
_DIGITS: Final = 9
"""Digits by which two shares are told apart at most."""

COVERAGE: Final = 0.98
"""Least coverage with which a gate can pass, unless a gate of its own says otherwise."""

WHERE: Final = "where "
"""Begins the note of an estimate that is the worst of several slices."""


class Verdict(enum.StrEnum):
    """Outcome of a gate."""

    PASS = "PASS"  # noqa: S105  a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INFRA = "INFRA"
    BUDGET = "BUDGET"
    NONE = "NONE"
    """No condition was asked."""


_GRAVITY: Final = (
    Verdict.FAIL,
    Verdict.BUDGET,
    Verdict.INFRA,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.NONE,
)
EXIT_CODES: Final = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.INCONCLUSIVE: 3,
    Verdict.INFRA: 4,
    Verdict.BUDGET: 5,
    Verdict.NONE: 0,
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

    straddles: bool = False
    """Whether it is undecided only since its interval holds the threshold and both sides of it."""

    more_cases: int | None = None
    """Of an undecided condition: about how many more cases (groups, where they are grouped) would
    decide it, with 80 % power."""


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
        """Read what `to_json` wrote; an older release wrote the status alone, or PASS for NONE."""
        if isinstance(content, str):
            return cls(status=Verdict(content))
        unasked = content["status"] == Verdict.PASS and not content["conditions"]
        return cls(
            status=Verdict.NONE if unasked else Verdict(content["status"]),
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
        straddles=fields.get("straddles", False),
        more_cases=fields["more_cases"],
    )


def verdict_on(condition: Condition, status: Verdict, why: str, **numbers: Any) -> ConditionVerdict:
    """Return the verdict on *condition*, which begins the reason; *numbers* are further fields."""
    text = f"{condition.text}: {why}"
    return ConditionVerdict(condition=condition.text, status=status, why=text, **numbers)


def together(conditions: Sequence[ConditionVerdict]) -> GateVerdict:
    """Return the verdict on all *conditions*, as grave as the gravest of theirs."""
    status = gravest(condition.status for condition in conditions)
    return GateVerdict(status=status, conditions=tuple(conditions))


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest: FAIL, then BUDGET, INFRA, INCONCLUSIVE, PASS; NONE of none.

    Examples:
        >>> str(gravest([Verdict.PASS, Verdict.INFRA])), str(gravest([]))
        ('INFRA', 'NONE')
    """
    return min(verdicts, key=_GRAVITY.index, default=Verdict.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What besides the estimate decides a condition."""

    infrastructure_failures: int = 0
    """Cases of the metric that infrastructure lost."""

    out_of_budget: bool = False
    outage: bool = False
    """Whether the evaluation stopped since a provider would have answered nothing."""

    least_coverage: float = COVERAGE
    where: str = ""
    """Which cases they are, where the estimate does not say it."""

    unjudged: tuple[str, ...] = ()
    """What else keeps the condition from passing, in words."""


Outcome = tuple[Verdict, str]
"""What one reason makes of a condition: the verdict, and the reason in words."""


def decide(
    condition: Condition, estimate: Estimate, circumstances: Circumstances
) -> ConditionVerdict:
    """Decide ``metric op number`` by the estimate's whole interval, or by its value ``@ point``.

    Examples:
        >>> from evalkit.gates.grammar import parse_gates
        >>> wide = Estimate(key="m", value=0.7, low=0.5, high=0.9, n_total=9, n_scored=9)
        >>> decide(parse_gates("m >= 0.6")[0], wide, Circumstances()).status.value
        'INCONCLUSIVE'
    """
    others = list(lacks(estimate, circumstances))
    status, why = gravest_outcome(_compare(condition, estimate), *others)
    straddles = status is Verdict.INCONCLUSIVE and not others and estimate.low is not None
    text = f"{describe(estimate)}{circumstances.where and f' where {circumstances.where}'}"
    if condition.op in {"<", "<="} and estimate.direction == "higher":
        why = "; ".join(part for part in (why, "mind that higher is better") if part)
    return verdict_on(
        condition,
        status,
        f"{text}; {why}" if why else text,
        estimate=estimate,
        straddles=straddles,
        more_cases=more_for(estimate, condition.threshold) if straddles else None,
    )


def gravest_outcome(*outcomes: Outcome) -> Outcome:
    """Return the gravest of *outcomes*, the last where several are as grave."""
    return min(reversed(outcomes), key=lambda outcome: _GRAVITY.index(outcome[0]))


def lacks(estimate: Estimate, circumstances: Circumstances) -> Iterator[Outcome]:
    """Yield what keeps any gate from passing: cases without a value, cases that were not run."""
    yield from lacks_coverage(estimate, circumstances)
    for why in circumstances.unjudged:
        yield Verdict.INCONCLUSIVE, why
    if estimate.n_not_run:
        left = f"{plural(estimate.n_not_run, 'case')} not run"
        if circumstances.out_of_budget:
            yield Verdict.BUDGET, f"{left}: the budget is spent"
        elif circumstances.outage:
            yield Verdict.INFRA, f"{left}: nothing answers"
        else:
            yield Verdict.INCONCLUSIVE, left


def lacks_coverage(estimate: Estimate, circumstances: Circumstances) -> Iterator[Outcome]:
    """Yield an outcome where too few cases have a value for any gate to pass."""
    coverage, least = estimate.coverage, circumstances.least_coverage
    if coverage is None or coverage >= least:
        return
    digits = 1
    while digits < _DIGITS and percent(coverage, digits) == percent(least, digits):
        digits += 1
    why = f"coverage {percent(coverage, digits)} is below {percent(least, digits)}"
    elsewhere = min(circumstances.infrastructure_failures, estimate.n_failed)
    own = estimate.n_failed - elsewhere
    if own and estimate.n_scored / (estimate.n_scored + own) < least:
        yield Verdict.FAIL, f"{why}: {plural(own, 'case')} failed in target or scorer"
    else:
        yield Verdict.INFRA, f"{why}: {plural(elsewhere, 'case')} failed on the way there"


def _compare(condition: Condition, estimate: Estimate) -> tuple[Verdict, str]:
    holds = OPERATORS[condition.op]
    if estimate.value is None:
        return Verdict.INCONCLUSIVE, estimate.note or "nothing was measured"
    numbers = (estimate.value, estimate.low, estimate.high)
    if not all(math.isfinite(x) for x in numbers if x is not None):
        return Verdict.INCONCLUSIVE, "its numbers are not finite"
    if condition.point:
        met = holds(estimate.value, condition.threshold)
        return (Verdict.PASS if met else Verdict.FAIL), "decided by the value alone"
    if estimate.low is None or estimate.high is None:
        return Verdict.INCONCLUSIVE, estimate.note or "there is no interval"
    status, why = _compare_interval(condition, estimate.low, estimate.high)
    if status is Verdict.INCONCLUSIVE and condition.op not in {"==", "!="}:
        why = f"{why}; {hint(more_for(estimate, condition.threshold), estimate.n_groups)}"
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


def decide_number(
    condition: Condition, value: float | None, unit: str, counts: str = ""
) -> ConditionVerdict:
    """Decide a condition on a plain number, such as coverage or cost; unknown never passes.

    *counts* says what the number is made of.
    """
    if value is None:
        return verdict_on(condition, Verdict.INCONCLUSIVE, f"the {unit} is unknown")
    met = OPERATORS[condition.op](value, condition.threshold)
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return verdict_on(condition, Verdict.PASS if met else Verdict.FAIL, f"{shown}{counts}")


def describe(estimate: Estimate) -> str:
    """Return value, interval and denominators in a few words.

    Examples:
        >>> describe(Estimate(key="m", value=1.0, n_total=500, n_scored=1, n_failed=499))
        '1.00 (n=1/500)'
    """
    count = f"(n={estimate.n_scored}/{estimate.n_total})"
    if estimate.note is not None and estimate.note.startswith(WHERE):
        count = f"{estimate.note.partition('; ')[0]} {count}"
    if estimate.value is None:
        return f"no value {count}"
    if estimate.low is None or estimate.high is None:
        return f"{number(estimate.value)} {count}"
    level = "" if estimate.level == _USUAL_LEVEL else f" at {percent(estimate.level, 2)}"
    interval = f"[{number(estimate.low)}, {number(estimate.high)}]{level}"
    return f"{number(estimate.value)} {interval} {count}"


def number(value: float) -> str:
    """Return *value* as tables show it: two to four significant digits, never ``-0.00``.

    Examples:
        >>> number(1.0), number(0.98765), number(1234.5), number(0.00123), number(1.23e308)
        ('1.00', '0.988', '1234', '0.00123', '1.23e+308')
    """
    size = abs(value)
    if size >= 1e15:  # noqa: PLR2004  a row of digits, most of which no float holds
        return f"{value:.3g}"
    if size >= 1000:  # noqa: PLR2004
        return f"{value:.0f}"
    if size >= 1 or size == 0.0:
        return f"{value + 0.0:.2f}"
    return f"{value:.3f}" if size >= 0.01 else f"{value:.3g}"  # noqa: PLR2004
