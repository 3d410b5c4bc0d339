"""Reading a judge's answer: a verdict on the menu, or why there is none.  Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from evalkit._internal.canonical import parse_answer
from evalkit.judging.form import Form, Value
from evalkit.judging.traces.views import clipped
from evalkit.llm.protocol import ChatReply

Reason = Literal["off_menu", "empty", "truncated", "refusal", "invalid_response", "tool_rounds"]

REPAIRED: Final = frozenset({"off_menu", "empty", "invalid_response"})
"""What asking once more can mend."""

_TRUNCATED: Final = (
    "The judge ran out of tokens: raise its max_tokens (or max_completion_tokens), or leave it out."
)

KEPT: Final = 4000
"""Characters of an unreadable answer that are kept."""

_WRAPPINGS: Final = (
    re.compile(
        r"(?P<fence>`{3,}|~{3,}|`)[ \t]*(?:[\w+-]*[ \t]*\n|json\b)?(.*)(?P=fence)", re.DOTALL
    ),
    re.compile(r"(?:`{3,}|~{3,})[ \t]*[\w+-]*[ \t]*\n([^`~]*)"),  # a block that was left open
    re.compile(r"<(?P<tag>answer|verdict|output|result|response|json)>(.*)</(?P=tag)>", re.DOTALL),
    re.compile(r"json\s*(?=\{)(.*)", re.DOTALL),
)
_OPENED: Final = r"(?:<(?:\w+:)?(?:think|thinking|thoughts?|reasoning)>|\[THINK\]|◁think▷)"
_CLOSED: Final = (
    r"(?:</(?:\w+:)?(?:think|thinking|thoughts?|reasoning)>|\[/THINK\]|◁/think▷"
    r"|<\|channel\|>\s*final\s*<\|message\|>)"
)
_THOUGHT: Final = re.compile(
    # Templates open the thought in the prompt, so that the answer may only close it.
    rf"\A.*?{_CLOSED}(?:\s*{_OPENED}.*?{_CLOSED})*",
    re.DOTALL | re.IGNORECASE,
)
_REFUSING: Final = re.compile(
    r"""\W*(?: (?:i['\u2019]?m|i\s+am) \s+ (?:very\s+)? (?:sorry|unable|not\s+able)
        | sorry\b | (?:i\s+)? apologi[sz]e | my\s+apologies
        | i \s+ (?: can(?:no|['\u2019])t | can\s+not | won['\u2019]?t | will\s+not
            | (?:must\s+)? decline )
        | as\s+an\s+ai\b )""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a case, or of one part of it, such as a claim."""

    label: str | None
    """Label on the menu; ``None`` where there are parts."""

    value: Value = None
    rationale: str | None = None
    parts: tuple[Verdict, ...] = ()
    span_id: str | None = None
    """Span of a trace that it speaks of."""

    span_name: str | None = None
    text: str = ""
    """The part's own words, of a verdict on a part."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why an answer is no verdict."""

    reason: Reason
    explanation: str
    raw: str | None = None
    """The answer, as far as it is kept."""


def read_verdict(reply: ChatReply, form: Form, *, count: int | None = None) -> Verdict | Unreadable:
    """Return the verdict in *reply*.

    The answer is a JSON object, alone, after a thought, or in a block of code or a tag that holds
    all of it, or the arguments of a tool call.  A bare label that is on the menu is taken too; a
    verdict somewhere in prose is not, since prose may quote one that another has planted, nor is
    an object that gives a key twice.

    Args:
        reply: What the model answered.
        form: What may be answered.
        count: Number of parts that there must be, where it is known.

    Examples:
        >>> from evalkit.judging.form import choices_form
        >>> form = choices_form({"yes": 1, "no": 0})
        >>> read_verdict(ChatReply(text='{"rationale": "all there", "verdict": "yes"}'), form).label
        'yes'
        >>> read_verdict(ChatReply(text="I would say yes"), form).reason
        'invalid_response'
    """
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        return Unreadable("refusal", "The judge refused.", _kept(reply.refusal or reply.text))
    if reply.tool_calls:
        return _from_object(
            reply.tool_calls[0].get("arguments"), form, count, str(reply.tool_calls)
        )
    text = (reply.text or "").strip()
    answer, problem = _parsed(text)
    if problem and (later := _THOUGHT.sub("", text, 1).strip()) != text:
        text = later
        answer, problem = _parsed(text)
    if problem:
        written = _unwrapped(text)
        if form.parts is not None or form.kind != "choice" or form.label(written) is None:
            return _unreadable(text, problem, cut=reply.finish_reason == "length")
        answer = written
    if form.parts is None and not isinstance(answer, (Mapping, list)):
        answer = {"verdict": answer}
    return _from_object(answer, form, count, text)


def _parsed(text: str) -> tuple[Any, str]:
    """Return the value that *text* holds whole, or why it is not JSON."""
    try:
        return parse_answer(_unwrapped(text)), ""
    except ValueError as error:
        return None, str(error)


def _unwrapped(text: str) -> str:
    """Return *text* without the blocks and tags that hold all of it.

    Examples:
        >>> _unwrapped("<answer>```json {}```</answer>")
        '{}'
    """
    while True:
        for wrapping in _WRAPPINGS:
            if (match := wrapping.fullmatch(text)) is not None:
                text = match.groups()[-1].strip()
                break
        else:
            return text


def _unreadable(text: str, problem: str, *, cut: bool) -> Unreadable:
    """Say why *text*, which is not JSON, is no answer."""
    if cut:
        return Unreadable("truncated", _TRUNCATED, _kept(text or None))
    if not text:
        return Unreadable("empty", "The judge said nothing.")
    if _REFUSING.match(text):
        return Unreadable("refusal", "The judge refused.", _kept(text))
    why = f": {problem}" if "twice" in problem else ""
    return Unreadable("invalid_response", f"The judge's answer is not JSON{why}.", _kept(text))


def _from_object(answer: Any, form: Form, count: int | None, raw: str) -> Verdict | Unreadable:
    if not isinstance(answer, Mapping):
        return Unreadable("invalid_response", "The judge's answer is no JSON object.", _kept(raw))
    members = cast("Mapping[str, Any]", answer)
    return _judged(members, form, raw) if form.parts is None else _parts(members, form, count, raw)


def _judged(answer: Mapping[str, Any], form: Form, raw: str) -> Verdict | Unreadable:
    if "verdict" not in answer:
        return Unreadable("invalid_response", "The judge's answer has no verdict.", _kept(raw))
    label = form.label(answer["verdict"])
    if label is None:
        written = clipped(repr(answer["verdict"]), 60)
        explanation = f"The judge said {written}; it may say {form.menu()}."
        return Unreadable("off_menu", explanation, _kept(raw))
    rationale, span_id = answer.get("rationale"), answer.get("span_id")
    return Verdict(
        label,
        form.value(label),
        rationale if isinstance(rationale, str) else None,
        span_id=span_id if form.spans and isinstance(span_id, str) and span_id else None,
    )


def _parts(
    answer: Mapping[str, Any], form: Form, count: int | None, raw: str
) -> Verdict | Unreadable:
    rows = answer.get(form.parts or "")
    if not isinstance(rows, list):
        explanation = f"The judge's answer has no list {form.parts!r}."
        return Unreadable("invalid_response", explanation, _kept(raw))
    if count is not None and len(rows) != count:
        explanation = f"The judge gave {len(rows)} verdicts on {count} {form.parts}."
        return Unreadable("invalid_response", explanation, _kept(raw))
    parts: list[Verdict] = []
    for row in rows:
        part = _from_object(row, replace(form, parts=None), None, raw)
        if isinstance(part, Unreadable):
            return part
        parts.append(replace(part, text=str(row.get("text") or "")))
    return Verdict(None, parts=tuple(parts))


def _kept(text: str | None) -> str | None:
    return None if text is None else clipped(text, KEPT)
