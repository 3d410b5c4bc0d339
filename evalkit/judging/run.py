"""Judging one case: what is caught unasked, the calls, and the score."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.errors import TargetError, TraceError
from evalkit.judging.ask import Answer, LogprobsRefusedError, Question, ask_form
from evalkit.judging.canary import alarm
from evalkit.judging.conversation import judged_later
from evalkit.judging.logprobs import LEAST_MASS, TOP, Weighted, expected_score, label_masses
from evalkit.judging.outcome import combined, failed, with_parts
from evalkit.judging.precheck import precheck
from evalkit.judging.prepared import Prepared, seen_by
from evalkit.judging.prompt import Message
from evalkit.judging.reading import How, read
from evalkit.judging.template import MissingValueError
from evalkit.judging.together import together
from evalkit.judging.verdict import REPAIRED, Unreadable, Verdict, read_verdict
from evalkit.scoring.reading import as_text


async def run(judge: Prepared, case: Case, *, again: int = 0) -> Score:
    """Return the verdict of *judge* on *case*.

    Args:
        judge: The judge, with its model or that of the settings.
        case: What is judged.
        again: Which asking of the same question this is: each is a call of its own, at any
            temperature.

    Raises:
        UsageError: If no model is known.
    """
    seen = seen_by(judge.settings, case)
    unasked = score_unasked(judge, seen)
    if unasked is not None:
        return unasked
    try:
        return await _asked(judge, seen, again)
    except MissingValueError as error:
        return Score.skipped(str(error))
    except TraceError as error:
        return Score.failed("broken_trace", f"{error}.")
    except TargetError as error:
        return Score.failed(error.reason, error.explanation)


async def _asked(judge: Prepared, case: Case, again: int) -> Score:
    sent, changes = judge.messages(case)
    problem = await alarm(judge) if judge.settings.canaries else None
    if problem is not None:
        return Score.failed("canary_alarm", problem)
    facts: How = {"neutralised": dict(changes)} if changes else {}
    if judge.settings.method == "logprobs":
        return await _weighed(judge, case, sent, facts, again)
    return await _sampled(judge, case, sent, facts, count=judge.settings.samples, again=again)


def score_unasked(judge: Prepared, case: Case) -> Score | None:
    """Return the score where no model need be asked: something is missing, or says nothing."""
    later = judged_later(case) if judge.judges_session else None
    if later is not None:
        return Score.skipped(later)
    for needed in sorted(judge.template.needs):
        value = getattr(case, needed)
        if value is None or (needed == "expectations" and not value):
            return Score.skipped(f"The case has no {needed}.")
    return _caught(judge, case)


def _caught(judge: Prepared, case: Case) -> Score | None:
    """Return the worst score for an output that no model need be asked about."""
    settings = judge.settings
    if not settings.prechecks or "outputs" not in judge.template.needs:
        return None
    caught = precheck(
        as_text(case.outputs) or "",
        inputs=case.inputs,
        expectations=case.expectations,
        checks=settings.prechecks,
    )
    worst = None if caught is None else judge.form.extreme(settings.direction)
    if caught is None or worst is None:
        return None
    label, value = worst
    facts = {"method": "precheck", "precheck": caught[0]}
    return Score(value, label=label, explanation=caught[1], metadata=facts)


async def _sampled(
    judge: Prepared,
    case: Case,
    sent: Sequence[Message],
    facts: Mapping[str, Any],
    *,
    count: int,
    again: int = 0,
    **sampling: Any,
) -> Score:
    """Return the score from *count* judgements with the same messages."""
    chosen = {**judge.settings.sent, **sampling}
    # Equal calls at temperature 0 are one call; warmer ones are drawn anew for each repeat.
    first = case.repeat * count if chosen.get("temperature") else 0
    first += again * count
    answers = await together(
        [
            functools.partial(read, judge, case, sent, chosen, repeat=first + place)
            for place in range(count)
        ]
    )
    readings = [reading for reading, _ in answers]
    if judge.form.parts is not None:
        summed = [with_parts(r, judge.aggregate) if isinstance(r, Verdict) else r for r in readings]
        readings = [reading for reading in summed if reading is not None]
        if not readings:
            return Score.skipped(f"There are no {judge.form.parts} to judge.")
    return combined(readings, judge.form, {**facts, **answers[0][1]})


async def _weighed(
    judge: Prepared, case: Case, sent: Sequence[Message], facts: Mapping[str, Any], again: int
) -> Score:
    """Return the mean over the probabilities of the verdict's tokens, else over samples."""
    sampling = {**judge.settings.sent, "logprobs": True, "top_logprobs": TOP}
    try:
        answer = await ask_form(judge, Question(messages=sent, sampling=sampling, repeat=again))
    except LogprobsRefusedError:
        why = "the server gives no probabilities"
    else:
        reading = read_verdict(answer.reply, judge.form)
        if isinstance(reading, Unreadable) and reading.reason not in REPAIRED:
            return failed(reading, {**facts, **answer.how()})
        weighted = _weights(answer, judge)
        mass = 0.0 if weighted is None else weighted.mass
        if weighted is not None and mass >= LEAST_MASS and isinstance(reading, Verdict):
            how = {**answer.how(), "method": "logprobs", "mass": mass}
            how |= {"probabilities": dict(weighted.probabilities)}
            return Score(
                weighted.value,
                label=reading.label,
                explanation=reading.rationale,
                metadata={**facts, **how},
            )
        why = f"probability {mass:.2f} was found for all verdicts together"
    facts = {**facts, "fallback": why}
    count = judge.settings.fallback_samples
    score = await _sampled(judge, case, sent, facts, count=count, again=again, temperature=1.0)
    if score.metadata is None:
        return score
    return dataclasses.replace(score, metadata={**score.metadata, "method": "samples"})


def _weights(answer: Answer, judge: Prepared) -> Weighted | None:
    menu = zip(judge.form.labels, judge.form.values, strict=True)
    values = {label: float(value) for label, value in menu if value is not None}
    return expected_score(label_masses(answer.reply.logprobs or (), judge.form.labels), values)
