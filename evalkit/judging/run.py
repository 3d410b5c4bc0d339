"""Judging one case: what is caught unasked, a canary first, the calls, and the score."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.data.traces import read_trace
from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.entities.trace import Trace
from evalkit.errors import TargetError, TraceError
from evalkit.judging.ask import (
    Answer,
    LogprobsRefusedError,
    Question,
    ask_form,
    ask_with_tools,
    current_pool,
)
from evalkit.judging.logprobs import LEAST_MASS, TOP, expected_score, label_masses
from evalkit.judging.outcome import Reading, combined, failed, scored, with_parts
from evalkit.judging.precheck import precheck
from evalkit.judging.prepared import Prepared, case_of, judged_later, lacks_answer, seen_by
from evalkit.judging.prompt import CLOSING, repair
from evalkit.judging.template import MissingValueError
from evalkit.judging.together import together
from evalkit.judging.traces.tools import SCHEMAS, Message, tool_turn
from evalkit.judging.traces.views import clipped
from evalkit.judging.verdict import REPAIRED, Unreadable, Verdict, read_verdict
from evalkit.llm.protocol import ChatReply
from evalkit.llm.session import Reads
from evalkit.scoring.reading import as_text

How = dict[str, Any]


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
    case = seen_by(judge.settings, case)
    unasked = score_unasked(judge, case)
    if unasked is not None:
        return unasked
    try:
        return await _judged(judge, case, again)
    except MissingValueError as error:
        return _lacking(judge, case, str(error))
    except TraceError as error:
        return Score.failed("broken_trace", f"{error}.")
    except TargetError as error:
        return Score.failed(error.reason, error.explanation)


async def _judged(judge: Prepared, case: Case, again: int) -> Score:
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
            return _lacking(judge, case, f"The case has no {needed}.")
    return _caught(judge, case)


def _lacking(judge: Prepared, case: Case, why: str) -> Score:
    """Return the score of a case that lacks what is read: a failure where it is the answer."""
    if lacks_answer(judge.template, case):
        return Score.failed("empty", why)
    return Score.skipped(why)


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
    reads = _reader(judge, None)
    question = Question(messages=sent, sampling=sampling, case=case.id, repeat=again, reads=reads)
    unread: Answer | None = None
    try:
        answer = await ask_form(judge, question)
    except LogprobsRefusedError:
        why = "the server gives no probabilities"
    else:
        reading = read_verdict(answer.reply, judge.form)
        if isinstance(reading, Unreadable) and reading.reason not in REPAIRED:
            return failed(reading, {**facts, **answer.how()})
        unread = answer if isinstance(reading, Unreadable) else None
        menu = zip(judge.form.labels, judge.form.values, strict=True)
        values = {label: float(value) for label, value in menu if value is not None}
        masses = label_masses(answer.reply.logprobs or (), judge.form.labels)
        weighted = expected_score(masses, values)
        mass = 0.0 if weighted is None else weighted.mass
        if weighted is not None and mass >= LEAST_MASS and isinstance(reading, Verdict):
            how = {**answer.how(), "method": "logprobs", "mass": mass}
            how |= {"probabilities": dict(weighted.probabilities)}
            return scored(weighted.value, reading.label, reading, {**facts, **how})
        why = f"probability {mass:.2f} was found for all verdicts together"
    facts = {**facts, "fallback": why}
    count = judge.settings.fallback_samples
    score = await _sampled(judge, case, sent, facts, count=count, again=again, temperature=1.0)
    if unread is not None and score.status is Status.OK:
        unread.keep()
    if score.metadata is None:
        return score
    return dataclasses.replace(score, metadata={**score.metadata, "method": "samples"})


async def alarm(judge: Prepared) -> str | None:
    """Return what *judge* gets wrong of its canaries; ``None`` if it knows them all.

    They are asked once in each evaluation, however many cases wait for it, under the role
    ``canary``, so that their calls and price are counted apart.

    Raises:
        TargetError: If there is no answer.
    """
    probes = (await current_pool()).tasks
    settings = judge.settings
    key = (judge.prompt_hash, settings.model, settings.base_url, repr(settings.canaries))
    task = probes.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = probes[key] = asyncio.create_task(_probe(judge))
    # One case that is given up must not take the others' probe with it.
    problem: str | None = await asyncio.shield(task)
    return problem


async def _probe(judge: Prepared) -> str | None:
    jobs = [functools.partial(_wrong, judge, n) for n in range(len(judge.settings.canaries))]
    wrong = [mistake for mistake in await together(jobs) if mistake is not None]
    if not wrong:
        return None
    return f"The judge fails {len(wrong)} of {len(jobs)} known answers: {'; '.join(wrong)}."


async def _wrong(judge: Prepared, place: int) -> str | None:
    canary = judge.settings.canaries[place]
    case = seen_by(judge.settings, case_of(canary))
    sent, _ = judge.messages(case)
    reading, _ = await read(judge, case, sent, judge.settings.sent, role="canary")
    if isinstance(reading, Unreadable):
        if reading.reason == "refusal":
            raise TargetError("refusal", reading.explanation)
        return f"no. {place + 1}: {reading.explanation}"
    label = judge.form.label
    right: Any = label(canary.get("choice"))
    verdict: Any = reading.label
    if judge.form.parts is not None:
        right = [label(p.get("verdict", p.get("choice"))) for p in canary.get("parts", ())]
        verdict = [part.label for part in reading.parts]
    return None if verdict == right else f"no. {place + 1} is {right}, and it says {verdict}"


async def read(
    judge: Prepared,
    case: Case,
    sent: Sequence[Message],
    sampling: Mapping[str, Any],
    *,
    repeat: int = 0,
    role: str = "judge",
) -> tuple[Reading, How]:
    """Return one reading of *case*, and how it was had.

    Args:
        judge: Who judges.
        case: What is judged.
        sent: The messages on it.
        sampling: Settings that are sent along.
        repeat: Which of several equal calls this is.
        role: Under which the call is counted.

    Raises:
        TargetError: If there is no answer.
    """
    question = Question(
        messages=sent,
        sampling=sampling,
        role=role,
        case=case.id,
        repeat=repeat,
        reads=_reader(judge, judge.count(case)),
    )
    if judge.tool_rounds is not None:
        return await _consulted(judge, case, question)
    count = judge.count(case)
    answer = await ask_form(judge, question)
    reading = read_verdict(answer.reply, judge.form, count=count)
    how = answer.how()
    if isinstance(reading, Unreadable) and reading.reason in REPAIRED:
        how["repaired"] = reading.reason
        first = answer
        answer = await ask_form(judge, replace(question, messages=repair(sent, reading.reason)))
        reading = read_verdict(answer.reply, judge.form, count=count)
        if isinstance(reading, Verdict):
            first.keep()
    return reading, how


def _reader(judge: Prepared, count: int | None, *, tools: bool = False) -> Reads:
    """Return what says whether a reply holds a verdict, or (with *tools*) calls of tools."""

    def reads(reply: ChatReply) -> bool:
        called = tools and bool(reply.tool_calls)
        return called or isinstance(read_verdict(reply, judge.form, count=count), Verdict)

    return reads


async def _consulted(judge: Prepared, case: Case, question: Question) -> tuple[Reading, How]:
    """Return the reading of a judge that calls tools until it knows enough of a trace.

    An answer without calls is the verdict.  Where it cannot be read, and where the rounds are used
    up, the model is asked once more, with the schema of the form and without tools.
    """
    count = judge.count(case)
    trace, sent = read_trace(case.trace), list(question.messages)
    reads = question.reads
    question = replace(question, tools=SCHEMAS, reads=_reader(judge, count, tools=True))
    unread: Answer | None = None
    facts = {"tool_rounds": 0, "tool_calls": 0}
    problem: str | None = None
    while facts["tool_rounds"] < judge.settings.tool_rounds:
        answer = await ask_with_tools(judge, replace(question, messages=list(sent)))
        calls = answer.reply.tool_calls
        if calls:
            turn, failures = tool_turn(trace, calls, facts["tool_calls"])
            sent += turn
            facts["tool_rounds"] += 1
            facts["tool_calls"] += len(calls)
            if failures:
                facts["failed_tool_calls"] = facts.get("failed_tool_calls", 0) + failures
            continue
        reading = read_verdict(answer.reply, judge.form, count=count)
        if not isinstance(reading, Unreadable) or reading.reason not in REPAIRED:
            return located(reading, trace, {**answer.how(), **facts})
        problem, unread = reading.reason, answer
        break
    closing = replace(question, messages=[*sent, CLOSING], reads=reads)
    answer = await ask_form(judge, closing)
    reading = read_verdict(answer.reply, judge.form, count=count)
    if unread is not None and isinstance(reading, Verdict):
        unread.keep()
    if isinstance(reading, Unreadable) and problem is None and reading.reason in REPAIRED:
        cause = f"The judge gave no verdict after {facts['tool_rounds']} rounds of tool calls."
        reading = Unreadable("tool_rounds", cause, reading.raw)
    how = {**answer.how(), **facts, **({"repaired": problem} if problem else {})}
    return located(reading, trace, how)


def located(reading: Reading, trace: Trace, how: How) -> tuple[Reading, How]:
    """Return a reading whose spans are in *trace*; one that is not there is dropped, with a note.

    Examples:
        >>> from evalkit.judging.verdict import Verdict
        >>> verdict = Verdict("no", 0.0, "it failed", span_id="zz")
        >>> located(verdict, Trace(trace_id="t"), {})[1]
        {'unknown_span': 'zz'}
    """
    if isinstance(reading, Unreadable):
        return reading, how
    named = [verdict.span_id for verdict in (reading, *reading.parts)]
    unknown = [name for name in named if name is not None and trace.get(name) is None]

    def at_span(verdict: Verdict) -> Verdict:
        span = None if verdict.span_id is None else trace.get(verdict.span_id)
        if span is None:
            return replace(verdict, span_id=None)
        return replace(verdict, span_name=clipped(span.name))

    reading = replace(at_span(reading), parts=tuple(map(at_span, reading.parts)))
    return reading, {**how, "unknown_span": clipped(unknown[0])} if unknown else how
