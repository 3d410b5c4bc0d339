"""Effects of biases: how far edits that add nothing move the score, and whether by chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evalkit.judging.auditing.bars import ALPHA, MOST_UNANSWERED, Bars
from evalkit.judging.auditing.battery import Battery, Outcome, ProbeRow, counted
from evalkit.judging.auditing.edits import BIAS_EDITS
from evalkit.judging.auditing.pairs import (
    Pair,
    pairs_of,
    probes_in_order,
    row_of,
    share_limits,
    unanswered,
)
from evalkit.judging.auditing.readings import Reading
from evalkit.judging.auditing.subject import Subject
from evalkit.judging.auditing.trials import Trials
from evalkit.judging.bias import BiasEffect
from evalkit.stats.intervals import mean_interval
from evalkit.stats.multiple import holm
from evalkit.stats.paired import paired_difference
from evalkit.stats.randomization import sign_flip_test

_POSITION: Final = "position"
_SUMMARIES: Final = {
    f"{bias}.{edit.name}": edit.summary for bias, listed in BIAS_EDITS.items() for edit in listed
} | {
    "self_preference.author": "the judge's own model is named as author, rather than another",
    _POSITION: "which of two answers is shown first",
}


def bias_battery(trials: Trials, readings: Sequence[Reading], bars: Bars) -> Battery | None:
    """Return the biases of a judge; ``None`` where none was asked about."""
    pairs = pairs_of(trials, readings, "bias", bars.tolerance)
    rows = [_row(trials.subject, n, chosen, bars) for n, chosen in probes_in_order(pairs).items()]
    position = _position(trials, readings, bars)
    if position is not None:
        rows.append(position)
    if not rows:
        return None
    adjusted = _adjusted(rows)
    total = row_of("total", pairs, _unchanged, level=bars.level)
    outcome = _outcome(trials.subject, adjusted, total, bars)
    return Battery(
        name="bias",
        rows=tuple(adjusted),
        total=total,
        outcome=outcome,
        conclusion=_told(adjusted, outcome, bars),
    )


def _unchanged(pair: Pair) -> bool:
    return pair.unchanged


def _row(subject: Subject, name: str, pairs: Sequence[Pair], bars: Bars) -> ProbeRow:
    summary = _SUMMARIES.get(name, "")
    row = row_of(name, pairs, _unchanged, level=bars.level, summary=summary)
    compared = [p for p in pairs if p.state == "compared" and p.gain is not None]
    return dataclasses.replace(row, effect=_effect(subject, name, compared, bars))


def _effect(subject: Subject, name: str, pairs: Sequence[Pair], bars: Bars) -> BiasEffect:
    """Return the mean gain of an edit, tested by flips of the signs of whole cases.

    Only where each case has one pair it is McNemar's test for yes or no, else one of signs or t.
    """
    edit = _SUMMARIES.get(name, name)
    explanation = f"{edit}: mean change of the score, positive where it is rewarded"
    if not pairs:
        return BiasEffect(name, None, None, None, None, 0, explanation)
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
    return BiasEffect(name, *shift, n_cases, explanation)


def _position(trials: Trials, readings: Sequence[Reading], bars: Bars) -> ProbeRow | None:
    """Return what both orders of a pairwise judge say: consistency, and who wins the flips."""
    answers = [
        (trial.origin, reading)
        for trial, reading in zip(trials.listed, readings, strict=True)
        if trial.probe == "base" and reading.applies
    ]
    measured = [
        (o, one.metrics) for o, one in answers if one.metrics and "position_bias" in one.metrics
    ]
    origins = [origin for origin, _ in measured]
    leans = [float(metrics["position_bias"] or 0.0) for _, metrics in measured]
    if not leans:
        return None
    agreed = [bool(metrics.get("consistent")) for _, metrics in measured]
    first, last = sum(lean > 0 for lean in leans), sum(lean < 0 for lean in leans)
    limits = share_limits(agreed, origins, level=bars.level)
    p_value = sign_flip_test(np.sign(leans), groups=origins)
    spread = mean_interval(leans, groups=origins, bounds=(-1.0, 1.0), level=bars.level)
    n_cases = len(set(origins))
    effect = sum(leans) / len(leans)
    explanation = f"flips to the answer shown first {first}, to the one shown last {last}"
    low, high = (None, None) if spread is None else (spread.low, spread.high)
    return ProbeRow(
        name=_POSITION,
        summary=_SUMMARIES[_POSITION],
        n=len(leans),
        held=sum(agreed),
        n_cases=n_cases,
        cases_held=n_cases - len({o for o, both in zip(origins, agreed, strict=True) if not both}),
        rose=first,
        fell=last,
        missing=sum(not one.said for _, one in answers),
        low=limits.low,
        high=limits.high,
        lift=effect,
        effect=BiasEffect(_POSITION, effect, low, high, p_value, n_cases, explanation),
    )


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


def _outcome(subject: Subject, rows: Sequence[ProbeRow], total: ProbeRow, bars: Bars) -> Outcome:
    position = next((row for row in rows if row.name == _POSITION), None)
    torn = position is not None and position.high is not None and position.high < bars.consistency
    if torn or any(map(_significant, rows)):
        return "fail"
    steady = position is None or (position.low or 0.0) >= bars.consistency
    small = all(_within(row, subject, bars) for row in rows if row.name != _POSITION)
    missing = max((unanswered(row) for row in (total, *rows)), default=0.0)
    return "pass" if steady and small and missing <= MOST_UNANSWERED else "inconclusive"


def _within(row: ProbeRow, subject: Subject, bars: Bars) -> bool:
    """Say whether the interval of an effect lies within the margin."""
    effect, bounds = row.effect, subject.facts.bounds
    if effect is None or effect.low is None or effect.high is None or bounds is None:
        return False
    reach = bars.margin * (bounds[1] - bounds[0])
    return -reach <= effect.low and effect.high <= reach


def _told(rows: Sequence[ProbeRow], outcome: Outcome, bars: Bars) -> str:
    strong = [row for row in rows if _significant(row)]
    if strong:
        effects = ", ".join(
            f"{row.name} ({row.effect.effect:+.2g})"
            for row in strong
            if row.effect is not None and row.effect.effect is not None
        )
        return f"Beyond chance, of {len(rows)} tried: {effects}."
    position = next((row for row in rows if row.name == _POSITION), None)
    if outcome == "fail" and position is not None and position.share is not None:
        return f"Both orders agree on {position.share:.1%} of the pairs only."
    widest = max(rows, key=lambda row: row.n, default=None)
    if widest is None or not widest.n:
        missing = sum(row.missing for row in rows)
        return f"No pair of verdicts could be compared; {missing} had no score."
    basis = f"{counted(widest.n, 'pair')} of {counted(widest.n_cases, 'case')}"
    text = f"Nothing beyond chance, of {len(rows)} tried"
    if outcome == "pass":
        return f"{text}; no effect exceeds {bars.margin:.0%} of the range."
    return f"{text}; with {basis}, effects of {bars.margin:.0%} of the range are not excluded."
