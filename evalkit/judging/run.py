"""Judging one case: what is caught unasked, the calls, one repair, and the score."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.errors import TargetError, TraceError, UsageError
from evalkit.judging.asking import Asked, LogprobsRefusedError, Question, ask, client_of
from evalkit.judging.conversation import judged_later
from evalkit.judging.logprobs import LEAST_MASS, TOP, Weighted, expected_score, label_masses
from evalkit.judging.outcome import Reading, combined, failed, with_parts
from evalkit.judging.precheck import precheck
from evalkit.judging.prompt import Message, repair
from evalkit.judging.template import MissingValueError
from evalkit.judging.verdict import REPAIRED, Unreadable, Verdict, read_verdict
from evalkit.scoring.reading import as_text, rerouted
from evalkit.settings import settings

if TYPE_CHECKING:
    from evalkit.judging.judge import Judge
    from evalkit.llm.protocol import ChatModel

T = TypeVar("T")
How = dict[str, Any]


def seen_by(judge: Judge, case: Case) -> Case:
    """Return *case* as the judge reads it."""
    return rerouted(CaseBatch.of([case]), judge.reads).case(0) if judge.reads else case


async def run(judge: Judge, case: Case, *, again: int = 0) -> Score:
    """Return the verdict of *judge* on *case*.

    Args:
        judge: The judge, with its model or that of the settings.
        case: What is judged.
        again: Which asking of the same question this is: each is a call of its own, at any
            temperature.

    Raises:
        UsageError: If no model is known.
    """
    seen = seen_by(judge, case)
    unasked = known(judge, seen)
    if unasked is not None:
        return unasked
    try:
        return await _asked_about(judge, seen, again)
    except MissingValueError as error:
        return Score.skipped(str(error))
    except TraceError as error:
        return Score.failed("broken_trace", f"{error}.")
    except TargetError as error:
        return Score.failed(error.reason, error.explanation)


async def _asked_about(judge: Judge, case: Case, again: int) -> Score:
    from evalkit.judging.canary import alarm

    sent, changes = judge.prepared.messages(case)
    problem = await alarm(judge) if judge.canaries else None
    if problem is not None:
        return Score.failed("canary_alarm", problem)
    facts: How = {"neutralised": dict(changes)} if changes else {}
    if judge.method == "logprobs":
        return await _weighed(judge, case, sent, facts, again)
    return await _sampled(judge, case, sent, facts, count=judge.samples, again=again)


def known(judge: Judge, case: Case) -> Score | None:
    """Return the score where no model need be asked: something is missing, or says nothing."""
    later = judged_later(case) if judge.judges_session else None
    if later is not None:
        return Score.skipped(later)
    for needed in sorted(judge.prepared.template.needs):
        value = getattr(case, needed)
        if value is None or (needed == "expectations" and not value):
            return Score.skipped(f"The case has no {needed}.")
    return _caught(judge, case)


def _caught(judge: Judge, case: Case) -> Score | None:
    """Return the worst score for an output that no model need be asked about."""
    if not judge.prechecks or "outputs" not in judge.prepared.template.needs:
        return None
    caught = precheck(
        as_text(case.outputs) or "",
        inputs=case.inputs,
        expectations=case.expectations,
        checks=judge.prechecks,
    )
    worst = None if caught is None else judge.prepared.form.extreme(judge.direction)
    if caught is None or worst is None:
        return None
    label, value = worst
    told = {"method": "precheck", "precheck": caught[0]}
    return Score(value, label=label, explanation=caught[1], metadata=told)


async def _sampled(
    judge: Judge,
    case: Case,
    sent: Sequence[Message],
    facts: Mapping[str, Any],
    *,
    count: int,
    again: int = 0,
    **sampling: Any,
) -> Score:
    """Return the score from *count* judgements with the same messages."""
    chosen = {**sampling_of(judge), **sampling}
    # Equal calls at temperature 0 are one call; warmer ones are drawn anew for each repeat.
    first = case.repeat * count if chosen.get("temperature") else 0
    first += again * count
    found = await together(
        [
            functools.partial(judged, judge, case, sent, chosen, repeat=first + place)
            for place in range(count)
        ]
    )
    readings = [reading for reading, _ in found]
    if judge.parts is not None:
        aggregate = judge.prepared.aggregate
        summed = [with_parts(r, aggregate) if isinstance(r, Verdict) else r for r in readings]
        if all(one is None for one in summed):
            return Score.skipped(f"There are no {judge.parts} to judge.")
        readings = [one for one in summed if one is not None]
    return combined(readings, judge.prepared.form, {**facts, **found[0][1]})


async def judged(
    judge: Judge,
    case: Case,
    sent: Sequence[Message],
    sampling: Mapping[str, Any],
    *,
    repeat: int = 0,
    role: str = "judge",
) -> tuple[Reading, How]:
    """Return one reading, after one repair at most, and how it was had.

    Raises:
        TargetError: If there is no answer.
    """
    prepared = judge.prepared
    if prepared.reading is not None:
        from evalkit.judging.traces.judged import consulted

        return await consulted(judge, case, sent, sampling, role=role, repeat=repeat)
    count = prepared.count(case)
    asked = await asked_for_form(judge, sent, sampling, role, repeat)
    reading = read_verdict(asked.reply, prepared.form, count=count)
    how = how_of(asked)
    if isinstance(reading, Unreadable) and reading.reason in REPAIRED:
        how["repaired"] = reading.reason
        asked = await asked_for_form(judge, repair(sent, reading.reason), sampling, role, repeat)
        reading = read_verdict(asked.reply, prepared.form, count=count)
    return reading, how


def how_of(asked: Asked) -> How:
    """Return what a score says of how its verdict was asked for."""
    how: How = {"method": "verdict", "format": asked.format, "sampling": dict(asked.sampling)}
    if asked.reply.model is not None:
        how["model"] = asked.reply.model
    return how


async def asked_for_form(
    judge: Judge,
    sent: Sequence[Message],
    sampling: Mapping[str, Any],
    role: str,
    repeat: int,
    *,
    tools: Sequence[Mapping[str, Any]] = (),
) -> Asked:
    """Return the answer of the judge's model on its form.

    Raises:
        TargetError: If there is no answer.
        UsageError: If no model is known.
    """
    client = await client_for(judge)
    schema = judge.prepared.schema
    question = Question(messages=sent, schema=schema, sampling=sampling, tools=tools)
    return await ask(client, question, role=role, repeat=repeat)


async def client_for(judge: Judge) -> ChatModel:
    """Return the client of the judge's model.

    Raises:
        UsageError: If no model is known.
    """
    model = judge.model or settings().judge_model
    if model is None:
        raise UsageError(
            f"Judge {judge.name!r} has no model: give model='…', judge_model='…' of the "
            "evaluation, or EVALKIT_JUDGE_MODEL."
        )
    return await client_of(model, judge.base_url, judge.auth_environment, judge.timeout_seconds)


def sampling_of(judge: Judge) -> dict[str, Any]:
    """Return the settings that are sent with each call."""
    warmth = {} if judge.temperature is None else {"temperature": judge.temperature}
    return {**warmth, **judge.sampling}


async def _weighed(
    judge: Judge, case: Case, sent: Sequence[Message], facts: Mapping[str, Any], again: int
) -> Score:
    """Return the mean over the probabilities of the verdict's tokens, else over samples."""
    form = judge.prepared.form
    sampling = {**sampling_of(judge), "logprobs": True, "top_logprobs": TOP}
    try:
        asked = await asked_for_form(judge, sent, sampling, "judge", again)
    except LogprobsRefusedError:
        why = "the server gives no probabilities"
    else:
        reading = read_verdict(asked.reply, form)
        if isinstance(reading, Unreadable) and reading.reason not in REPAIRED:
            return failed(reading, {**facts, **how_of(asked)})
        found = _weights(asked, judge)
        if found is not None and found.mass >= LEAST_MASS and isinstance(reading, Verdict):
            told = {"method": "logprobs", "mass": found.mass}
            how = {**how_of(asked), **told, "probabilities": dict(found.probabilities)}
            return Score(
                found.value,
                label=reading.label,
                explanation=reading.rationale,
                metadata={**facts, **how},
            )
        mass = 0.0 if found is None else found.mass
        why = f"probability {mass:.2f} was found for all verdicts together"
    told = {**facts, "fallback": why}
    count = judge.fallback_samples
    score = await _sampled(judge, case, sent, told, count=count, again=again, temperature=1.0)
    if score.metadata is None:
        return score
    return dataclasses.replace(score, metadata={**score.metadata, "method": "samples"})


def _weights(asked: Asked, judge: Judge) -> Weighted | None:
    form = judge.prepared.form
    values = {k: float(v) for k, v in zip(form.labels, form.values, strict=True) if v is not None}
    return expected_score(label_masses(asked.reply.logprobs or (), form.labels), values)


async def together(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the results of *jobs*, run at a time, in order; the first error as it is."""
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, T] = {}
    errors: list[Exception] = []

    async def work(place: int) -> None:
        try:
            results[place] = await jobs[place]()
        except Exception as error:  # noqa: BLE001  raised again below, outside of any group
            errors.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(jobs)):
            group.start_soon(work, place)
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(jobs))]
