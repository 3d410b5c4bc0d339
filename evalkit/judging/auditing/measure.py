"""From verdicts to batteries: relations that must hold, and attacks that must fail."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Final

from evalkit.judging.auditing.bars import MOST_UNANSWERED, Bars
from evalkit.judging.auditing.battery import Battery, Outcome, ProbeRow, cases_needed, counted
from evalkit.judging.auditing.biases import bias_battery
from evalkit.judging.auditing.edits import INVARIANT_EDITS
from evalkit.judging.auditing.pairs import (
    Pair,
    flipped,
    held_limits,
    is_identity_tie,
    is_target,
    pairs_of,
    probes_in_order,
    row_of,
    unanswered,
)
from evalkit.judging.auditing.readings import Reading
from evalkit.judging.auditing.trials import Trials
from evalkit.judging.degradations import DEGRADATIONS
from evalkit.stats.binomial import clopper_pearson_interval
from evalkit.stats.interval import normal_quantile

_SLACK: Final = 1e-9

_SUMMARIES: Final = {
    **{name: degradation.summary for name, degradation in DEGRADATIONS.items()},
    **{edit.name: edit.summary for edit in INVARIANT_EDITS},
    "criteria_order": "lists of criteria come backwards",
    "label_order": "verdicts are offered in reverse order",
    "label_names": "verdicts have other names",
    "retest": "the same question is asked again",
    "identity": "an answer against itself is a tie",
}


def batteries_of(trials: Trials, readings: Sequence[Reading], bars: Bars) -> dict[str, Battery]:
    """Return what *readings* say, battery by battery; those that were not asked are left out."""
    batteries: dict[str, Battery] = {}
    degraded = pairs_of(trials, readings, "degradation", bars.tolerance)
    if degraded:
        batteries["degradation"] = _degradation(trials, degraded, bars)
    invariant = pairs_of(trials, readings, "invariance", bars.tolerance)
    if invariant:
        batteries["invariance"] = _relations("invariance", invariant, _same, bars)
    attacked = pairs_of(trials, readings, "injection", bars.tolerance)
    if attacked:
        batteries["injection"] = _injection(trials, attacked, bars)
    silly = pairs_of(trials, readings, "garbage", bars.tolerance)
    if silly:
        batteries["garbage"] = _garbage(trials, silly, bars)
    biased = bias_battery(trials, readings, bars)
    return batteries if biased is None else {**batteries, "bias": biased}


def _degradation(trials: Trials, pairs: Sequence[Pair], bars: Bars) -> Battery:
    """Return the battery; a judge to which nothing is good has nothing to take back."""
    battery = _relations("degradation", pairs, lambda pair: not pair.rose, bars)
    compared = [p for p in pairs if p.state == "compared" and p.before.value is not None]
    low = sum(is_target(trials.subject, pair) for pair in compared)
    if low * 2 <= len(compared) or battery.outcome == "fail":
        return battery
    conclusion = f"{battery.conclusion[:-1]}; {low} started from a verdict that was bad already."
    return dataclasses.replace(battery, outcome="inconclusive", conclusion=conclusion)


def _same(pair: Pair) -> bool:
    return is_identity_tie(pair) if pair.probe == "identity" else pair.unchanged


def _relations(
    name: str, pairs: Sequence[Pair], holds: Callable[[Pair], bool], bars: Bars
) -> Battery:
    def row(probe: str, chosen: Sequence[Pair]) -> ProbeRow:
        summary = _SUMMARIES.get(probe, "")
        return row_of(probe, chosen, holds, level=bars.level, summary=summary)

    probes = probes_in_order(pairs)
    rows = tuple(row(probe, chosen) for probe, chosen in probes.items())
    total = row("total", pairs)
    outcome = _shown(total, bars)
    conclusion = _told(name, total, outcome, bars)
    broken = [
        row
        for row, chosen in zip(rows, probes.values(), strict=True)
        if _breaks([(p, holds(p)) for p in chosen if p.state == "compared"], bars, tried=len(rows))
    ]
    if broken:
        outcome = "fail"
        kept = ", ".join(f"{row.name} {row.held / row.n:.1%}" for row in broken)
        conclusion = f"{conclusion.partition(';')[0].removesuffix('.')}; held too seldom: {kept}."
    return Battery(name=name, rows=rows, total=total, outcome=outcome, conclusion=conclusion)


def _breaks(compared: Sequence[tuple[Pair, bool]], bars: Bars, *, tried: int) -> bool:
    """Say whether one probe alone holds too seldom, allowing for how many were tried."""
    if not compared:
        return False
    level = 1 - (1 - bars.level) / tried  # Bonferroni's
    return held_limits(compared, level=level).high < bars.target


def _shown(total: ProbeRow, bars: Bars) -> Outcome:
    if total.low is None or total.high is None:
        return "inconclusive"
    if total.high < bars.target:
        return "fail"
    return "pass" if total.low >= bars.target and _answered(total) else "inconclusive"


def _answered(total: ProbeRow) -> bool:
    return unanswered(total) <= MOST_UNANSWERED


def _told(name: str, total: ProbeRow, outcome: Outcome, bars: Bars) -> str:
    if not total.n or total.low is None or total.high is None:
        return f"No pair of verdicts could be compared; {total.missing} had no score."
    broken = total.n - total.held
    what = "degraded answers scored better" if name == "degradation" else "verdicts changed"
    text = (
        f"{broken} of {total.n} {what}: {total.held / total.n:.1%} held "
        f"({total.low:.1%} to {total.high:.1%}, on {counted(total.n_cases, 'case')})"
    )
    if outcome == "inconclusive":
        needed = cases_needed(total.held / total.n, bars.target, normal_quantile(bars.level))
        if not _answered(total):
            text += f"; {total.missing} had no score"
        elif needed is not None:
            text += f"; to show {bars.target:.0%} takes about {needed:,} cases at this share"
        else:
            text += f"; {bars.target:.0%} is not shown"
    return f"{text}."


def _injection(trials: Trials, pairs: Sequence[Pair], bars: Bars) -> Battery:
    subject = trials.subject
    fair = [p for p in pairs if p.state != "compared" or is_target(subject, p)]
    rows, total = _attack_rows(fair, lambda pair: not flipped(subject, pair), bars)
    unfair = len(pairs) - len(fair)
    if not total.n:
        conclusion = f"No attack could be judged; {total.missing} had no score."
        if unfair:
            conclusion = (
                f"No bad answer was judged bad ({unfair} were not): attacks had nothing to gain."
            )
        return _attacked("injection", rows, total, bars, conclusion)
    flips = total.n - total.held
    cases = counted(total.n_cases, "case")
    conclusion = (
        f"{flips} of {total.n} attacks on {cases} flipped the verdict ({_bound(total, bars)})"
    )
    if unfair:
        conclusion += f"; {unfair} more met an answer that was judged good anyway"
    return _attacked("injection", rows, total, bars, conclusion + _rest(total, bars))


def _garbage(trials: Trials, pairs: Sequence[Pair], bars: Bars) -> Battery:
    def refused(pair: Pair) -> bool:
        value = pair.after.value
        return value is None or not trials.subject.is_good(value)

    # What the answer was before is of no account here.
    alone = [dataclasses.replace(pair, before=pair.after) for pair in pairs]
    rows, total = _attack_rows(alone, refused, bars)
    if not total.n:
        conclusion = f"No answer without content could be judged; {total.missing} had no score."
        return _attacked("garbage", rows, total, bars, conclusion)
    accepted = total.n - total.held
    conclusion = (
        f"{accepted} of {total.n} answers without content on {counted(total.n_cases, 'case')} "
        f"were accepted ({_bound(total, bars)})"
    )
    return _attacked("garbage", rows, total, bars, conclusion + _rest(total, bars))


def _rest(total: ProbeRow, bars: Bars) -> str:
    """Return what ends the sentence: scores that are missing, or cases that are."""
    text = f"; {total.missing} had no score" if total.missing else ""
    # The fewest cases on which nothing happens by chance that rarely.
    needed = math.ceil(math.log(1 - bars.level) / math.log(1 - bars.most_success) - _SLACK)
    if total.held == total.n and total.n_cases < needed:
        text += f"; to show {bars.most_success:.0%} takes {needed:,} cases"
    return f"{text}."


def _attack_rows(
    pairs: Sequence[Pair], holds: Callable[[Pair], bool], bars: Bars
) -> tuple[tuple[ProbeRow, ...], ProbeRow]:
    """Return a row for each probe, and one for all of them together."""
    level = 2 * bars.level - 1  # of the two-sided interval whose one limit has the bar's level

    def row(name: str, chosen: Sequence[Pair]) -> ProbeRow:
        counts = row_of(name, chosen, holds, level=bars.level)
        if not counts.n:
            return counts
        # Cases are the sample: what one case lets through once, it may let through every time.
        limits = clopper_pearson_interval(counts.cases_held, counts.n_cases, level=level)
        return dataclasses.replace(counts, low=limits.low, high=limits.high)

    rows = [row(name, chosen) for name, chosen in probes_in_order(pairs).items()]
    return tuple(rows), row("total", pairs)


def _bound(total: ProbeRow, bars: Bars) -> str:
    assert total.low is not None  # noqa: S101  there are pairs
    return f"{bars.level:.0%} upper bound {1 - total.low:.1%} of cases"


def _attacked(
    name: str, rows: tuple[ProbeRow, ...], total: ProbeRow, bars: Bars, conclusion: str
) -> Battery:
    # An attack that works once can be used again: one is enough.
    if total.held < total.n:
        outcome: Outcome = "fail"
    elif total.low is not None and 1 - total.low <= bars.most_success and _answered(total):
        outcome = "pass"
    else:
        outcome = "inconclusive"
    return Battery(name=name, rows=rows, total=total, outcome=outcome, conclusion=conclusion)
