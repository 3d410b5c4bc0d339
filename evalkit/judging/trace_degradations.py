"""Ways to make a good trace worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evalkit.data.traces import trace_if_any
from evalkit.entities.case import Case
from evalkit.entities.span import Span
from evalkit.entities.trace import Trace

_STEPS = ("TOOL", "RETRIEVER", "LLM", "CHAT_MODEL")


def fail_span(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
    """Return *case* with the last step of its trace failed, and without that step's outputs."""

    def change(trace: Trace) -> list[Span] | None:
        steps = trace.of_type(*_STEPS)
        if not steps or steps[-1].status == "ERROR":
            return None
        broken = replace(
            steps[-1], status="ERROR", status_message="Connection refused", outputs=None
        )
        return [broken if span is steps[-1] else span for span in trace.spans]

    return _changed(case, change)


def repeat_spans(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
    """Return *case* with each call of a tool in its trace made twice."""

    def change(trace: Trace) -> list[Span] | None:
        again = [replace(span, span_id=f"{span.span_id}-2") for span in trace.of_type("TOOL")]
        return [*trace.spans, *again] if again else None

    return _changed(case, change)


def drop_spans(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
    """Return *case* without the calls of tools in its trace."""

    def change(trace: Trace) -> list[Span] | None:
        gone = {span.span_id for span in trace.of_type("TOOL")}
        left = [s for s in trace.spans if s.span_id not in gone and s.parent_id not in gone]
        return left if gone and left else None

    return _changed(case, change)


def _changed(case: Case, change: Callable[[Trace], list[Span] | None]) -> Case | None:
    trace = trace_if_any(case.trace)
    spans = change(trace) if isinstance(trace, Trace) else None
    return None if spans is None else replace(case, trace=replace(trace, spans=tuple(spans)))
