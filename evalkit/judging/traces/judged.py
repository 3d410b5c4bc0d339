"""The verdict of a judge on a trace: what it reads by tools, its answer, and the span it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.data.traces import read_trace
from evalkit.entities.case import Case
from evalkit.entities.trace import Trace
from evalkit.judging.outcome import Reading
from evalkit.judging.prompt import Message
from evalkit.judging.traces.asking import ToolQuestion, ask_with_tools
from evalkit.judging.traces.consulting import Consultation
from evalkit.judging.traces.tools import SCHEMAS
from evalkit.judging.traces.views import clipped
from evalkit.judging.verdict import REPAIRED, Part, Unreadable, read_verdict

if TYPE_CHECKING:
    from evalkit.judging.judge import Judge

How = dict[str, Any]


async def consulted(
    judge: Judge,
    case: Case,
    sent: Sequence[Message],
    sampling: Mapping[str, Any],
    *,
    role: str,
    repeat: int,
) -> tuple[Reading, How]:
    """Return one reading of *judge*, which calls tools until it knows enough, and how it was had.

    An answer without calls is the verdict.  Where it cannot be read, and where the rounds are used
    up, the model is asked once more, with the schema of the form and without tools.

    Raises:
        TargetError: If there is no answer.
    """
    from evalkit.judging.run import asked_for_form, client_for, how_of

    client = await client_for(judge)
    form, count = judge.prepared.form, judge.prepared.count(case)
    found = Consultation(read_trace(case.trace), sent)
    why: str | None = None
    while found.rounds < judge.tool_rounds:
        question = ToolQuestion(
            messages=found.messages, tools=SCHEMAS, sampling=sampling, role=role, repeat=repeat
        )
        reply, used = await ask_with_tools(client, question)
        if reply.tool_calls:
            found.take(reply)
            continue
        reading = read_verdict(reply, form, count=count)
        if not isinstance(reading, Unreadable) or reading.reason not in REPAIRED:
            how: How = {"method": "verdict", "format": "free", "sampling": dict(used)}
            how |= {"model": reply.model} if reply.model is not None else {}
            return located(reading, found.trace, {**how, **found.facts()})
        why = reading.reason
        break
    asked = await asked_for_form(judge, found.closing(), sampling, role, repeat, tools=SCHEMAS)
    how = {**how_of(asked), **found.facts(), **({"repaired": why} if why else {})}
    reading = read_verdict(asked.reply, form, count=count)
    if isinstance(reading, Unreadable) and why is None and reading.reason in REPAIRED:
        told = f"The judge gave no verdict after {found.rounds} rounds of tool calls."
        reading = Unreadable("tool_rounds", told, reading.raw)
    return located(reading, found.trace, how)


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
    parts = tuple(_located_part(part, trace) for part in reading.parts)
    reading = replace(
        reading,
        span_id=None if span is None else span.span_id,
        span_name=None if span is None else clipped(span.name),
        parts=parts,
    )
    return reading, {**how, "unknown_span": clipped(unknown[0])} if unknown else how


def _located_part(part: Part, trace: Trace) -> Part:
    known = part.span_id is None or trace.get(part.span_id) is not None
    return part if known else replace(part, span_id=None)
