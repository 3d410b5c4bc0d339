"""Where the time of a trace went: slowest spans, the critical path, and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from evalkit.entities.span import NANOSECONDS, Span
from evalkit.entities.trace import Trace
from evalkit.judging.traces.views import clipped

_SLOWEST: Final = 10
_PATH: Final = 20
_GAPS: Final = 5


def timing(trace: Trace) -> dict[str, Any]:
    """Return the time of the whole, the slowest spans, the critical path and the longest gaps.

    The time of a span's own is what none of its parts covers.  The critical path goes from the root
    to the part that ended last, and so on down; a gap is time of a span before, between or after
    its parts.

    Examples:
        >>> spans = (
        ...     Span(trace_id="t", span_id="a", name="agent", start_ns=0, end_ns=10**9),
        ...     Span(trace_id="t", span_id="b", name="search", parent_id="a", start_ns=2 * 10**8,
        ...          end_ns=9 * 10**8),
        ... )
        >>> found = timing(Trace(trace_id="t", spans=spans))
        >>> [row["name"] for row in found["critical_path"]], found["gaps"][0]["seconds"]
        (['agent', 'search'], 0.2)
    """
    parts: dict[str, list[Span]] = {}
    for span in trace.spans:
        if span.parent_id is not None:
            parts.setdefault(span.parent_id, []).append(span)
    timed = [span for span in trace.spans if span.duration_seconds is not None]
    gaps = [gap for span in timed for gap in _gaps(span, parts.get(span.span_id, ()))]
    own: dict[str, float] = {}
    for gap in gaps:
        own[gap["in"]] = own.get(gap["in"], 0.0) + gap["seconds"]
    slowest = sorted(timed, key=lambda s: -_seconds(s))[:_SLOWEST]
    busiest = sorted(
        timed, key=lambda s: -own.get(s.span_id, 0.0 if parts.get(s.span_id) else _seconds(s))
    )
    between = [gap for gap in gaps if parts.get(gap["in"])]
    return {
        "seconds": trace.duration_seconds,
        "untimed_spans": len(trace.spans) - len(timed),
        "slowest": [_row(span, _seconds(span)) for span in slowest],
        "slowest_by_own_time": [
            _row(span, own.get(span.span_id, 0.0)) for span in busiest[:_SLOWEST]
        ],
        "critical_path": [_row(span, _seconds(span)) for span in _path(trace, parts)[:_PATH]],
        "gaps": sorted(between, key=lambda gap: -gap["seconds"])[:_GAPS],
    }


def _seconds(span: Span) -> float:
    return span.duration_seconds or 0.0


def _row(span: Span, seconds: float) -> dict[str, Any]:
    row = {"id": span.span_id, "name": clipped(span.name), "type": clipped(span.span_type)}
    return {**row, "seconds": round(seconds, 6)}


def _path(trace: Trace, parts: dict[str, list[Span]]) -> list[Span]:
    path: list[Span] = []
    span = trace.root
    while span is not None:
        path.append(span)
        ended = [part for part in parts.get(span.span_id, ()) if part.end_ns is not None]
        span = max(ended, key=lambda part: part.end_ns or 0, default=None)
    return path


def _gaps(span: Span, parts: Sequence[Span]) -> list[dict[str, Any]]:
    """Return the stretches of *span* that none of its parts covers."""
    at, end = span.start_ns or 0, span.end_ns or 0
    gaps: list[dict[str, Any]] = []
    after: str | None = None
    for part in sorted(parts, key=lambda p: p.start_ns or 0):
        if part.start_ns is None or part.end_ns is None:
            continue
        if part.start_ns > at:
            gaps.append(_gap(span, min(part.start_ns, end) - at, after, part.span_id))
        if part.end_ns > at:
            at, after = part.end_ns, part.span_id
    if end > at:
        gaps.append(_gap(span, end - at, after, None))
    return [gap for gap in gaps if gap["seconds"] > 0]


def _gap(span: Span, length: int, after: str | None, before: str | None) -> dict[str, Any]:
    seconds = round(length / NANOSECONDS, 6)
    return {"in": span.span_id, "after": after, "before": before, "seconds": seconds}
