"""One reading of a judge: what its model answers on a case, after one repair at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.data.traces import read_trace
from evalkit.entities.case import Case
from evalkit.entities.trace import Trace
from evalkit.judging.ask import Question, ask_form, ask_with_tools
from evalkit.judging.outcome import Reading
from evalkit.judging.prepared import Prepared
from evalkit.judging.prompt import Message, repair
from evalkit.judging.traces.consultation import Consultation
from evalkit.judging.traces.tools import SCHEMAS
from evalkit.judging.traces.views import clipped
from evalkit.judging.verdict import REPAIRED, Part, Unreadable, read_verdict

How = dict[str, Any]


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
    question = Question(messages=sent, sampling=sampling, role=role, repeat=repeat)
    if judge.trace_tools is not None:
        return await _consulted(judge, case, question)
    count = judge.count(case)
    answer = await ask_form(judge, question)
    reading = read_verdict(answer.reply, judge.form, count=count)
    how = answer.how()
    if isinstance(reading, Unreadable) and reading.reason in REPAIRED:
        how["repaired"] = reading.reason
        answer = await ask_form(judge, replace(question, messages=repair(sent, reading.reason)))
        reading = read_verdict(answer.reply, judge.form, count=count)
    return reading, how


async def _consulted(judge: Prepared, case: Case, question: Question) -> tuple[Reading, How]:
    """Return the reading of a judge that calls tools until it knows enough of a trace.

    An answer without calls is the verdict.  Where it cannot be read, and where the rounds are used
    up, the model is asked once more, with the schema of the form and without tools.
    """
    count = judge.count(case)
    consultation = Consultation(read_trace(case.trace), question.messages)
    question = replace(question, tools=SCHEMAS)
    problem: str | None = None
    while consultation.rounds < judge.settings.tool_rounds:
        answer = await ask_with_tools(judge, replace(question, messages=consultation.messages))
        if answer.reply.tool_calls:
            consultation.take(answer.reply)
            continue
        reading = read_verdict(answer.reply, judge.form, count=count)
        if not isinstance(reading, Unreadable) or reading.reason not in REPAIRED:
            how = {**answer.how(), **consultation.facts()}
            return located(reading, consultation.trace, how)
        problem = reading.reason
        break
    answer = await ask_form(judge, replace(question, messages=consultation.closing()))
    how = {**answer.how(), **consultation.facts(), **({"repaired": problem} if problem else {})}
    reading = read_verdict(answer.reply, judge.form, count=count)
    if isinstance(reading, Unreadable) and problem is None and reading.reason in REPAIRED:
        cause = f"The judge gave no verdict after {consultation.rounds} rounds of tool calls."
        reading = Unreadable("tool_rounds", cause, reading.raw)
    return located(reading, consultation.trace, how)


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
    named = [reading.span_id, *(part.span_id for part in reading.parts)]
    unknown = [name for name in named if name is not None and trace.get(name) is None]
    span = None if reading.span_id is None else trace.get(reading.span_id)
    reading = replace(
        reading,
        span_id=None if span is None else span.span_id,
        span_name=None if span is None else clipped(span.name),
        parts=tuple(_located_part(part, trace) for part in reading.parts),
    )
    return reading, {**how, "unknown_span": clipped(unknown[0])} if unknown else how


def _located_part(part: Part, trace: Trace) -> Part:
    known = part.span_id is None or trace.get(part.span_id) is not None
    return part if known else replace(part, span_id=None)
