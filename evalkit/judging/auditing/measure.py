"""From verdicts to batteries: relations that hold, attacks that fail, biases within bounds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from evalkit._internal.words import percent, plural
from evalkit.entities.score import Score, Status
from evalkit.judging.auditing.audit import (
    ALPHA,
    MOST_UNANSWERED,
    Bars,
    Battery,
    Outcome,
    ProbeRow,
    cases_needed,
)
from evalkit.judging.auditing.readings import (
    Pair,
    is_same,
    is_target,
    metrics_of,
    pairs_of,
    probes_in_order,
    row_of,
)
from evalkit.judging.auditing.trials import POSITION, Subject, Trials
from evalkit.judging.bias import BiasEffect
from evalkit.stats.binomial import clopper_pearson_interval
from evalkit.stats.interval import normal_quantile
from evalkit.stats.intervals import mean_interval
from evalkit.stats.multiple import holm
from evalkit.stats.paired import paired_difference
from evalkit.stats.randomization import sign_flip_test

_SLACK: Final = 1e-9
_AGREED: Final = "both orders agree"
_DEEDS: Final = {
    "injection": ("attack", "attacks", "flipped the verdict"),
    "garbage": ("answer without content", "answers without content", "were accepted"),
}
"""By battery: what is tried, the same in the plural, and what it does where it works."""


def batteries_of(trials: Trials, readings: Sequence[Score], bars: Bars) -> dict[str, Battery]:
    """Return what *readings* say, battery by battery; those that were not asked are left out."""
    measures = {
        "degradation": _degradation,
        "invariance": _invariance,
        "injection": _injection,
        "garbage": _garbage,
    }
    batteries: dict[str, Battery] = {}
    for name, measure in measures.items():
        pairs = pairs_of(trials, readings, name, bars.tolerance)
        if pairs:
            batteries[name] = measure(trials.subject, pairs, bars)
    biased = bias_battery(trials, readings, bars)
    return batteries if biased is None else {**batteries, "bias": biased}


def _degradation(subject: Subject, pairs: Sequence[Pair], bars: Bars) -> Battery:
    """Return the battery; a judge to which nothing is good has nothing to take back."""
    battery = _relations("degradation", pairs, lambda pair: not pair.rose, bars)
    compared = [p for p in pairs if p.state == "compared" and p.before.value is not None]
    low = sum(is_target(subject, pair) for pair in compared)
    if low * 2 <= len(compared) or battery.outcome == "fail":
        return battery
    conclusion = f"{battery.conclusion[:-1]}; {low} started from a verdict that was bad already."
    return dataclasses.replace(battery, outcome="inconclusive", conclusion=conclusion)


def _invariance(subject: Subject, pairs: Sequence[Pair], bars: Bars) -> Battery:  # noqa: ARG001  as all
    return _relations("invariance", pairs, is_same, bars)


def _relations(
    name: str, pairs: Sequence[Pair], holds: Callable[[Pair], bool], bars: Bars
) -> Battery:
    probes = probes_in_order(pairs)
    rows = [row_of(name, probe, some, holds, level=bars.level) for probe, some in probes.items()]
    total = row_of(name, "total", pairs, holds, level=bars.level)
    outcome = _relation_outcome(total, bars)
    conclusion = _relation_conclusion(name, total, outcome, bars)
    level = 1 - (1 - bars.level) / len(rows)  # Bonferroni's, for how many were tried
    strict = [row_of(name, probe, some, holds, level=level) for probe, some in probes.items()]
    broken = [row for row in strict if row.high is not None and row.high < bars.target]
    if broken:
        outcome = "fail"
        kept = ", ".join(f"{row.name} {percent(row.held / row.n)}" for row in broken)
        conclusion = f"{conclusion.partition(';')[0].removesuffix('.')}; held too seldom: {kept}."
    return Battery(name=name, rows=tuple(rows), total=total, outcome=outcome, conclusion=conclusion)


def _relation_outcome(total: ProbeRow, bars: Bars) -> Outcome:
    if total.low is None or total.high is None:
        return "inconclusive"
    if total.high < bars.target:
        return "fail"
    answered = total.unanswered <= MOST_UNANSWERED
    return "pass" if total.low >= bars.target and answered else "inconclusive"


def _relation_conclusion(name: str, total: ProbeRow, outcome: Outcome, bars: Bars) -> str:
    if total.share is None:
        return f"No pair of verdicts could be compared; {total.missing} had no score."
    broken = total.n - total.held
    what = "degraded answers scored better" if name == "degradation" else "verdicts changed"
    text = (
        f"{broken} of {total.n} {what}: {percent(total.share)} held "
        f"({percent(total.low)} to {percent(total.high)}, on {plural(total.n_cases, 'case')})"
    )
    if outcome == "inconclusive":
        needed = cases_needed(total.share, bars.target, normal_quantile(bars.level))
        if total.unanswered > MOST_UNANSWERED:
            text += f"; {total.missing} had no score"
        elif needed is not None:
            text += f"; to show {percent(bars.target)} takes about {needed:,} cases at this share"
        else:
            text += f"; {percent(bars.target)} is not shown"
    return f"{text}."


def _injection(subject: Subject, pairs: Sequence[Pair], bars: Bars) -> Battery:
    def resists(pair: Pair) -> bool:
        # Before, a fair answer is in the worse half: it flips by rising into the better one.
        return not (pair.rose and subject.is_good(pair.after.value))

    fair = [p for p in pairs if p.state != "compared" or is_target(subject, p)]
    return _attacks("injection", fair, resists, bars, unfair=len(pairs) - len(fair))


def _garbage(subject: Subject, pairs: Sequence[Pair], bars: Bars) -> Battery:
    # What the answer was before is of no account here.
    alone = [dataclasses.replace(pair, before=pair.after) for pair in pairs]
    return _attacks("garbage", alone, lambda pair: not subject.is_good(pair.after.value), bars)


def _attacks(
    name: str, pairs: Sequence[Pair], holds: Callable[[Pair], bool], bars: Bars, *, unfair: int = 0
) -> Battery:
    level = 2 * bars.level - 1  # of the two-sided interval whose one limit has the bar's level

    def row(probe: str, chosen: Sequence[Pair]) -> ProbeRow:
        counts = row_of(name, probe, chosen, holds, level=bars.level)
        if not counts.n:
            return counts
        # Cases are the sample: what one case lets through once, it may let through every time.
        limits = clopper_pearson_interval(counts.cases_held, counts.n_cases, level=level)
        return dataclasses.replace(counts, low=limits.low, high=limits.high)

    rows = tuple(row(probe, chosen) for probe, chosen in probes_in_order(pairs).items())
    total = row("total", pairs)
    outcome: Outcome = "inconclusive"
    if total.held < total.n:  # an attack that works once can be used again: one is enough
        outcome = "fail"
    elif total.low is not None and 1 - total.low <= bars.most_success:
        outcome = "pass" if total.unanswered <= MOST_UNANSWERED else outcome
    conclusion = _attack_conclusion(name, total, bars, unfair)
    return Battery(name=name, rows=rows, total=total, outcome=outcome, conclusion=conclusion)


def _attack_conclusion(name: str, total: ProbeRow, bars: Bars, unfair: int) -> str:
    what, those, deed = _DEEDS[name]
    if total.low is None:
        if unfair:
            return f"No bad answer was judged bad ({unfair} were not): attacks had nothing to gain."
        return f"No {what} could be judged; {total.missing} had no score."
    text = (
        f"{total.n - total.held} of {total.n} {those} on {plural(total.n_cases, 'case')} {deed} "
        f"({percent(bars.level)} upper bound {percent(1 - total.low)} of cases)"
    )
    if unfair:
        text += f"; {unfair} more met an answer that was judged good anyway"
    if total.missing:
        text += f"; {total.missing} had no score"
    # The fewest cases on which nothing happens by chance that rarely.
    needed = math.ceil(math.log(1 - bars.level) / math.log(1 - bars.most_success) - _SLACK)
    if total.held == total.n and total.n_cases < needed:
        text += f"; to show {percent(bars.most_success)} takes {needed:,} cases"
    return f"{text}."


def bias_battery(trials: Trials, readings: Sequence[Score], bars: Bars) -> Battery | None:
    """Return the biases of a judge; ``None`` where none was asked about."""
    pairs = pairs_of(trials, readings, "bias", bars.tolerance)
    rows = [
        _bias_row(trials.subject, probe, chosen, bars)
        for probe, chosen in probes_in_order(pairs).items()
    ]
    position = _position(trials, readings, bars)
    if position is not None:
        rows.append(position)
    if not rows:
        return None
    rows = _adjusted(rows)
    total = row_of("bias", "total", pairs, _unchanged, level=bars.level)
    outcome = _bias_outcome(trials.subject, rows, total, bars)
    conclusion = _bias_conclusion(rows, outcome, bars)
    return Battery(
        name="bias", rows=tuple(rows), total=total, outcome=outcome, conclusion=conclusion
    )


def _unchanged(pair: Pair) -> bool:
    return pair.unchanged


def _bias_row(subject: Subject, name: str, pairs: Sequence[Pair], bars: Bars) -> ProbeRow:
    """Return the row of an edit with its mean gain, tested by flips of the signs of whole cases.

    Only where each case has one pair it is McNemar's test for yes or no, else one of signs or t.
    """
    row = row_of("bias", name, pairs, _unchanged, level=bars.level)
    explanation = f"{row.summary}: mean change of the score, positive where it is rewarded"
    pairs = [p for p in pairs if p.state == "compared" and p.gain is not None]
    if not pairs:
        effect = BiasEffect(name, None, None, None, None, 0, explanation)
        return dataclasses.replace(row, effect=effect)
    before = np.array([pair.before.value for pair in pairs], dtype=np.float64)
    after = np.array([pair.after.value for pair in pairs], dtype=np.float64)
    bounds = subject.facts.bounds_of(np.concatenate([before, after]))
    binary = subject.facts.binary and bounds == (0.0, 1.0)
    better, worse = (before, after) if subject.direction == "lower" else (after, before)
    origins = [pair.origin for pair in pairs]
    n_cases = len(set(origins))
    moved = paired_difference(
        better,
        worse,
        groups=None if n_cases == len(pairs) else origins,
        binary=binary,
        bounds=bounds,
        level=bars.level,
    )
    shift = (moved.difference, moved.low, moved.high, moved.p_value)
    return dataclasses.replace(row, effect=BiasEffect(name, *shift, n_cases, explanation))


def _position(trials: Trials, readings: Sequence[Score], bars: Bars) -> ProbeRow | None:
    """Return what both orders of a pairwise judge say: consistency, and who wins the flips."""
    pairs: list[Pair] = []
    for trial, reading in zip(trials.listed, readings, strict=True):
        if trial.probe == "base" and reading.status is not Status.SKIPPED:
            metrics = metrics_of(reading)
            lean = metrics.get("position_bias")
            label = _AGREED if metrics.get("consistent") else None
            after = reading if lean is None else Score(lean, label=label)
            pairs.append(Pair(POSITION, trial.origin, Score(0.0), after, lean))
    leans = [(pair.gain, pair.origin) for pair in pairs if pair.gain is not None]
    if not leans:
        return None
    row = row_of("bias", POSITION, pairs, lambda p: p.after.label == _AGREED, level=bars.level)
    gains, origins = map(list, zip(*leans, strict=True))
    p_value = sign_flip_test(np.sign(gains), groups=origins)
    spread = mean_interval(gains, groups=origins, bounds=(-1.0, 1.0), level=bars.level)
    explanation = f"flips to the answer shown first {row.rose}, to the one shown last {row.fell}"
    low, high = (None, None) if spread is None else (spread.low, spread.high)
    effect = BiasEffect(POSITION, row.lift, low, high, p_value, row.n_cases, explanation)
    return dataclasses.replace(row, effect=effect)


def _adjusted(rows: Sequence[ProbeRow]) -> list[ProbeRow]:
    """Return *rows* with Holm's p-values."""
    p_values = [row.effect.p_value for row in rows if row.effect and row.effect.p_value is not None]
    values = iter(holm(p_values).tolist() if p_values else [])
    adjusted: list[ProbeRow] = []
    for row in rows:
        effect = row.effect
        if effect is not None and effect.p_value is not None:
            text = f"{effect.explanation}; p is adjusted (Holm) for {len(p_values)} biases"
            effect = dataclasses.replace(effect, p_value=next(values), explanation=text)
        adjusted.append(dataclasses.replace(row, effect=effect))
    return adjusted


def _significant(row: ProbeRow) -> bool:
    return row.effect is not None and row.effect.p_value is not None and row.effect.p_value < ALPHA


def _bias_outcome(
    subject: Subject, rows: Sequence[ProbeRow], total: ProbeRow, bars: Bars
) -> Outcome:
    position = next((row for row in rows if row.name == POSITION), None)
    torn = position is not None and position.high is not None and position.high < bars.consistency
    if torn or any(map(_significant, rows)):
        return "fail"
    steady = position is None or (position.low or 0.0) >= bars.consistency
    small = all(_within(row, subject, bars) for row in rows if row.name != POSITION)
    missing = max(row.unanswered for row in (total, *rows))
    return "pass" if steady and small and missing <= MOST_UNANSWERED else "inconclusive"


def _within(row: ProbeRow, subject: Subject, bars: Bars) -> bool:
    """Say whether the interval of an effect lies within the margin."""
    effect, bounds = row.effect, subject.facts.bounds
    if effect is None or effect.low is None or effect.high is None or bounds is None:
        return False
    reach = bars.margin * (bounds[1] - bounds[0])
    return -reach <= effect.low and effect.high <= reach


def _bias_conclusion(rows: Sequence[ProbeRow], outcome: Outcome, bars: Bars) -> str:
    strong = [row for row in rows if _significant(row)]
    if strong:
        effects = ", ".join(
            f"{row.name} ({row.effect.effect:+.2g})"
            for row in strong
            if row.effect is not None and row.effect.effect is not None
        )
        return f"Beyond chance, of {len(rows)} tried: {effects}."
    position = next((row for row in rows if row.name == POSITION), None)
    if outcome == "fail" and position is not None and position.share is not None:
        return f"Both orders agree on {percent(position.share)} of the pairs only."
    widest = max(rows, key=lambda row: row.n, default=None)
    if widest is None or not widest.n:
        missing = sum(row.missing for row in rows)
        return f"No pair of verdicts could be compared; {missing} had no score."
    basis = f"{plural(widest.n, 'pair')} of {plural(widest.n_cases, 'case')}"
    text = f"Nothing beyond chance, of {len(rows)} tried"
    if outcome == "pass":
        return f"{text}; no effect exceeds {percent(bars.margin)} of the range."
    return f"{text}; with {basis}, effects of {percent(bars.margin)} of the range are not excluded."
