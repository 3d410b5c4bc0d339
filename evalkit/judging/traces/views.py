"""What the tools show of a trace: pure functions, each of bounded size.

None of these shows the trace as a whole.  Lists come in pages; the content of a span comes in
pieces; a search ends after so many matches; of the timing, the slowest spans and gaps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.trace import NANOSECONDS, Span, Trace
from evalkit.errors import UsageError, near_miss

PAGE: Final = 40
"""Spans in a page of a list."""

PIECE: Final = 4000
"""Characters in a piece of a span's content."""

MATCHES: Final = 20
"""Matches that one search shows."""

_NAME: Final = 80
_MESSAGE: Final = 240
_AROUND: Final = 60
_SEARCHED: Final = 200_000
"""Characters of one span that a search looks at."""

_SLOWEST: Final = 10
_PATH: Final = 20
_GAPS: Final = 5


def described(trace: Trace) -> str:
    """Return a few words on *trace*: what stands in a prompt where the trace is named.

    Examples:
        >>> root = Span(trace_id="t", span_id="a", name="agent", span_type="AGENT", status="OK")
        >>> described(Trace(trace_id="t", spans=(root,)))
        'A trace of 1 span. Its root is "agent" (AGENT, id a), with status OK.'
    """
    root = trace.root
    count = f"{len(trace.spans)} span{'' if len(trace.spans) == 1 else 's'}"
    if root is None:
        return f"A trace of {count}."
    seconds = trace.duration_seconds
    took = "" if seconds is None else f", in {seconds:.3g} s"
    noted = " ".join(f"Note: {clipped(note, _MESSAGE)}." for note in trace.notes[:2])
    return (
        f'A trace of {count}. Its root is "{clipped(root.name)}" ({clipped(root.span_type)}, id '
        f"{clipped(root.span_id)}), with status {trace.status}{took}.{' ' * bool(noted)}{noted}"
    )


def shown_in_prompt(value: Any) -> str | None:
    """Return a trace in a few words, and spans in a line each, a page at most; else ``None``."""
    if isinstance(value, Trace):
        return described(value)
    if isinstance(value, Span):
        return json.dumps(row_of(value), ensure_ascii=False)
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Span):
        spans = [item for item in cast("Sequence[Any]", value) if isinstance(item, Span)]
        lines = [json.dumps(row_of(span), ensure_ascii=False) for span in spans[:PAGE]]
        left = len(spans) - len(lines)
        return "\n".join([*lines, *([f"({left} more)"] if left else [])])
    return None


def clipped(text: str, most: int = _NAME) -> str:
    """Return *text*, cut to *most* characters."""
    return text if len(text) <= most else f"{text[:most]}…"


def row_of(span: Span) -> dict[str, Any]:
    """Return a span in one line: id, parent, name, type, status and seconds."""
    row: dict[str, Any] = {"id": span.span_id, "parent": span.parent_id}
    row |= {"name": clipped(span.name), "type": clipped(span.span_type), "status": span.status}
    if span.status_message:
        row["message"] = clipped(span.status_message, _MESSAGE)
    row["seconds"] = None if span.duration_seconds is None else round(span.duration_seconds, 6)
    return row


def content_of(span: Span) -> str:
    """Return inputs, outputs, attributes and events of a span as a text of JSON."""
    fields = span.to_json()
    names = ("status_message", "inputs", "outputs", "events", "attributes")
    held = {name: fields[name] for name in names if name in fields}
    # By way of canonical JSON, which knows what a user's values may be.
    plain = parse_json(canonical_json(held))
    return json.dumps({name: plain[name] for name in held}, ensure_ascii=False, indent=1)


def get_root_span(trace: Trace) -> dict[str, Any]:
    """Return the root span, with the beginning of its content, and how many parts it has."""
    if trace.root is None:
        return {"span": None, "note": "the trace has no spans"}
    return get_span(trace, trace.root.span_id)


def list_spans(trace: Trace, *, offset: int = 0, parent: str | None = None) -> dict[str, Any]:
    """Return a page of spans in order of their start, or of the direct parts of *parent*.

    Raises:
        UsageError: If there is no span *parent*.
    """
    spans: Sequence[Span] = trace.spans
    if parent is not None:
        spans = trace.children(_span_of(trace, parent).span_id)
    rows = [row_of(span) for span in spans[offset : offset + PAGE]]
    return {"total": len(spans), "spans": rows, **_further(offset + PAGE, len(spans))}


def get_span(trace: Trace, span_id: str, *, offset: int = 0) -> dict[str, Any]:
    """Return one span, and a piece of its content from character *offset* on.

    Raises:
        UsageError: If there is no such span.
    """
    span = _span_of(trace, span_id)
    content = content_of(span)
    return {
        "span": row_of(span),
        "parts": len(trace.children(span.span_id)),
        "content": content[offset : offset + PIECE],
        "characters": len(content),
        **_further(offset + PIECE, len(content)),
    }


def search_spans(
    trace: Trace,
    *,
    text: str | None = None,
    regex: bool = False,
    span_type: str | None = None,
    status: str | None = None,
    offset: int = 0,
) -> dict[str, Any]:
    """Return spans that have a text, a type or a status, with the place where the text stands.

    A regular expression is one of RE2, whose time grows with the length of what it searches and
    with nothing else, so that no expression can hold the judge up.

    Raises:
        UsageError: If nothing is looked for, or the regular expression is wrong.
    """
    if text is None and span_type is None and status is None:
        raise UsageError("give text, span_type or status to search for")
    spans = [
        span
        for span in trace.spans
        if (span_type is None or span.span_type.upper() == span_type.upper())
        and (status is None or span.status == status.upper())
    ]
    hits: list[tuple[Span, str | None]] = [(span, None) for span in spans]
    if text is not None:
        places = _places(spans, text, regex=regex)
        hits = [(span, match) for span, match in zip(spans, places, strict=True) if match]
    page = hits[offset : offset + MATCHES]
    rows = [row_of(span) | ({} if match is None else {"match": match}) for span, match in page]
    return {"total": len(hits), "spans": rows, **_further(offset + MATCHES, len(hits))}


def _further(offset: int, total: int) -> dict[str, int]:
    return {"next_offset": offset} if offset < total else {}


def _places(spans: Sequence[Span], text: str, *, regex: bool) -> list[str | None]:
    """Return for each span the words around the first match, or ``None``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wholes = (f"{span.name}\n{span.status_message or ''}\n{content_of(span)}" for span in spans)
    searched = [whole[:_SEARCHED].encode("utf-8", "replace").decode("utf-8") for whole in wholes]
    array = pa.array(searched, type=pa.string())
    wanted = text.encode("utf-8", "replace").decode("utf-8")  # as in what is searched
    options = pc.MatchSubstringOptions(wanted, ignore_case=True)
    function = "find_substring_regex" if regex else "find_substring"
    try:
        starts: list[int] = pc.call_function(function, [array], options).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = clipped(str(error).splitlines()[0], _MESSAGE)
        raise UsageError(f"this regular expression cannot be used: {problem}") from error
    return [
        None if start < 0 else _around(whole, start)
        for whole, start in zip(searched, starts, strict=True)
    ]


def _around(whole: str, start: int) -> str:
    raw = whole.encode("utf-8")  # Arrow counts bytes
    piece = raw[max(start - _AROUND, 0) : start + 2 * _AROUND]
    return " ".join(piece.decode("utf-8", "ignore").split())


def _span_of(trace: Trace, span_id: str) -> Span:
    span = trace.get(span_id)
    if span is None:
        hint = near_miss(span_id, [other.span_id for other in trace.spans])
        raise UsageError(f"there is no span {clipped(span_id)!r}.{hint}")
    return span


def rendered(answer: Mapping[str, Any]) -> str:
    """Return what a tool found as JSON, a span a line; the content of a span stands below it."""
    parts: list[str] = []
    content = ""
    for name, value in answer.items():
        if name == "content":
            content = f"\n{value}"
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            rows: list[Any] = value
            lines = ",\n ".join(json.dumps(row, ensure_ascii=False) for row in rows)
            parts.append(f"{json.dumps(name)}: [\n {lines}]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{" + ",\n".join(parts) + "}" + content


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
        >>> times = timing(Trace(trace_id="t", spans=spans))
        >>> [row["name"] for row in times["critical_path"]], times["gaps"][0]["seconds"]
        (['agent', 'search'], 0.2)
    """
    timed = [span for span in trace.spans if span.duration_seconds is not None]
    gaps = [gap for span in timed for gap in _gaps(span, trace.children(span.span_id))]
    own: dict[str, float] = {}
    for gap in gaps:
        own[gap["in"]] = own.get(gap["in"], 0.0) + gap["seconds"]
    slowest = sorted(timed, key=lambda s: -_seconds(s))[:_SLOWEST]
    busiest = sorted(
        timed, key=lambda s: -own.get(s.span_id, 0.0 if trace.children(s.span_id) else _seconds(s))
    )
    between = [gap for gap in gaps if trace.children(gap["in"])]
    return {
        "seconds": trace.duration_seconds,
        "untimed_spans": len(trace.spans) - len(timed),
        "slowest": [_row(span, _seconds(span)) for span in slowest],
        "slowest_by_own_time": [
            _row(span, own.get(span.span_id, 0.0)) for span in busiest[:_SLOWEST]
        ],
        "critical_path": [_row(span, _seconds(span)) for span in _path(trace)[:_PATH]],
        "gaps": sorted(between, key=lambda gap: -gap["seconds"])[:_GAPS],
    }


def _seconds(span: Span) -> float:
    return span.duration_seconds or 0.0


def _row(span: Span, seconds: float) -> dict[str, Any]:
    row = {"id": span.span_id, "name": clipped(span.name), "type": clipped(span.span_type)}
    return {**row, "seconds": round(seconds, 6)}


def _path(trace: Trace) -> list[Span]:
    path: list[Span] = []
    span = trace.root
    while span is not None:
        path.append(span)
        ended = [part for part in trace.children(span.span_id) if part.end_ns is not None]
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
