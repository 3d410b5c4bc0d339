"""From a paired difference to PASS, FAIL or INCONCLUSIVE."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalkit._internal.words import plural
from evalkit.entities.estimate import Direction
from evalkit.errors import UsageError
from evalkit.gates.condition import ARGUMENTS, DEFAULTS, Condition
from evalkit.gates.planning import POWER, error_of, hint, more_cases
from evalkit.gates.verdict import ConditionVerdict, Verdict, number, verdict_on
from evalkit.stats.difference import PairedDifference

_TOST_POWER = 0.9
"""For each of the two one-sided tests of equivalence, which makes 80 % of both."""

FEWEST_PAIRS: Final = 10
"""Pairs below which no interval of a difference holds what it promises at the ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a gate that compares is decided by."""

    difference: PairedDifference
    """Difference of the system minus its baseline, its interval at `interval_level`."""

    direction: Direction
    bounds: tuple[float, float] | None
    baseline: str
    """Name of the baseline."""


def interval_level(condition: Condition, level: float) -> float:
    """Return the level of the two-sided interval that decides *condition*.

    `improves` takes the interval at the level itself; `no_regression` and both halves of
    `equivalent` are one-sided tests at that level, whose limits are those of a narrower interval.

    Examples:
        >>> from evalkit.gates.grammar import parse_gates
        >>> [round(interval_level(parse_gates(gate)[0], 0.95), 2)
        ...  for gate in ("improves(m)", "no_regression(m)", "no_regression(m) @ ci99")]
        [0.95, 0.9, 0.98]
    """
    wanted = condition.level or level
    return wanted if condition.kind == "improves" else max(0.5, 2 * wanted - 1)


def decide_difference(condition: Condition, compared: Compared) -> ConditionVerdict:
    """Decide a condition that compares by the interval of the paired difference.

    Examples:
        >>> from evalkit.gates.grammar import parse_gates
        >>> from evalkit.stats.paired import paired_difference
        >>> difference = paired_difference([1] * 60 + [0] * 40, [0] * 30 + [1] * 30 + [0] * 40,
        ...                                binary=True)
        >>> compared = Compared(difference=difference, direction="higher", bounds=(0, 1),
        ...                     baseline="old")
        >>> decide_difference(parse_gates("improves(m, by=0.1)")[0], compared).status.value
        'PASS'

    References:
        Schuirmann (1987) for equivalence; Tango (1998) and Liu et al. (2002) for paired rates.
    """
    status, why, numbers = _decide(condition, compared)
    difference = compared.difference
    text = f"{'+' if difference.difference > 0 else ''}{number(difference.difference)}"
    if difference.low is not None and difference.high is not None:
        text += f" [{number(difference.low)}, {number(difference.high)}]"
    text += f" ({difference.n} pairs) against {compared.baseline}"
    why = f"{text}; {why}" if why else text
    return verdict_on(condition, status, why, difference=difference, **numbers)


def margin_of(condition: Condition, bounds: tuple[float, float] | None) -> float | None:
    """Return the margin in the metric's unit; ``None`` where it must be written and is not.

    Raises:
        UsageError: If no two systems can differ by so much.
    """
    if condition.margin is not None:
        if bounds is not None and condition.margin >= bounds[1] - bounds[0]:
            margin, argument = condition.margin, ARGUMENTS[condition.kind]
            raise UsageError(
                f"{argument}={margin:g} is not below the metric's range "
                f"of {bounds[1] - bounds[0]:g}, so the gate decides nothing; "
                f"{argument}= is in the metric's unit, such as {0.02 * (bounds[1] - bounds[0]):g}"
            )
        return condition.margin
    share = DEFAULTS[condition.kind]
    if share == 0 or bounds is None:
        return share if share == 0 else None
    return share * (bounds[1] - bounds[0])


def region_of(kind: str, margin: float) -> tuple[float, float]:
    """Return the gains between which a condition that compares holds, these two left out."""
    if kind == "improves":
        return margin, math.inf
    return -margin, margin if kind == "equivalent" else math.inf


def _decide(condition: Condition, compared: Compared) -> tuple[Verdict, str, dict[str, Any]]:
    """Return the verdict, why, and how far an undecided one is from being decided."""
    kind, difference = condition.kind, compared.difference
    why = "the metric has no fixed range, so the gate must say margin= in the metric's unit"
    try:
        margin = margin_of(condition, compared.bounds)
    except UsageError as error:
        margin, why = None, str(error)
    if margin is None or (compared.direction == "none" and kind != "equivalent"):
        if margin is not None:
            why = "neither more nor less of it is better; only equivalent(…) can be asked"
        return Verdict.INCONCLUSIVE, why, {}
    sign = -1.0 if compared.direction == "lower" else 1.0
    value, (least, most) = sign * difference.difference, region_of(kind, margin)
    if condition.point:
        status = Verdict.PASS if least < value < most else Verdict.FAIL
        return status, "decided by the value alone", {}
    units, unit = difference.n, "pair"
    if difference.n_groups is not None:
        units, unit = difference.n_groups, "group"
    lacking = max(0, FEWEST_PAIRS - units)
    few = f"{plural(units, unit)} of the {FEWEST_PAIRS} without which it cannot pass"
    few = few if lacking else ""
    if difference.low is None or difference.high is None:
        why = few or "no variance, so there is no interval"
        return Verdict.INCONCLUSIVE, why, {"more_cases": lacking or None}
    low, high = sorted((sign * difference.low, sign * difference.high))
    if least < low and high < most:
        return Verdict.INCONCLUSIVE if few else Verdict.PASS, few, {"more_cases": lacking or None}
    if high <= least or low >= most:
        return Verdict.FAIL, "", {}
    distance = min(value - least, most - value)
    more = more_cases(
        distance,
        error_of(difference.standard_error, difference.low, difference.high, difference.level),
        units,
        level=difference.level,
        power=_TOST_POWER if kind == "equivalent" and distance > 0 else POWER,
    )
    more = more and max(more, lacking)
    numbers = {"more_cases": more, "straddles": True}
    why = f"{_undecided(kind, margin)}; {hint(more, difference.n_groups)}"
    return Verdict.INCONCLUSIVE, why, numbers


def _undecided(kind: str, margin: float) -> str:
    if kind == "improves":
        return f"a gain of {number(margin)} or less is possible, and so is more"
    if kind == "equivalent":
        return f"differences inside and outside ±{number(margin)} are possible"
    return f"a loss of {number(margin)} or more is possible, and so is less"


def without_chance_alarms(
    verdicts: Sequence[ConditionVerdict], alarms: Sequence[tuple[int, float, float]]
) -> list[ConditionVerdict]:
    """Return *verdicts* with those FAILs taken back that several looks would explain.

    That all gates must pass needs no correction: each of them would have to err.  That any of
    several FAILs raises an alarm does need one, and gets Holm's.

    Args:
        verdicts: Of all conditions.
        alarms: For each condition that compares: its place, the one-sided p-value of its failing
            by chance, and the level of its test.

    References:
        Berger (1982) for the intersection-union test; Holm (1979).
    """
    kept = list(verdicts)
    if len(alarms) < 2:  # noqa: PLR2004  one look is no family
        return kept
    from evalkit.stats.multiple import holm  # start-up: brings numpy

    adjusted = holm([p_value for _, p_value, _ in alarms]).tolist()
    for (place, _, alpha), p_value in zip(alarms, adjusted, strict=True):
        verdict = kept[place]
        if verdict.status is Verdict.FAIL and p_value > alpha:
            why = f"{verdict.why}; among {len(alarms)} comparisons that may be chance (Holm)"
            kept[place] = dataclasses.replace(verdict, status=Verdict.INCONCLUSIVE, why=why)
    return kept


def alarm_p_value(condition: Condition, compared: Compared) -> float | None:
    """Return the one-sided p-value of a system that just meets *condition* doing this badly."""
    from scipy.special import ndtr

    difference = compared.difference
    if condition.point or difference.low is None or difference.high is None:
        return None
    try:
        margin = margin_of(condition, compared.bounds)
    except UsageError:  # which decided nothing
        margin = None
    if margin is None:
        return None
    error = error_of(difference.standard_error, difference.low, difference.high, difference.level)
    sign = -1.0 if compared.direction == "lower" else 1.0
    value, (least, most) = sign * difference.difference, region_of(condition.kind, margin)
    distance = min(value - least, most - value)
    return float(ndtr(distance / error)) if error > 0 else None
