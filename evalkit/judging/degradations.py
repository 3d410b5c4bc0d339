"""Ways to make a good case worse, as a table: what a scorer must not reward."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from evalkit.data.traces import trace_if_any
from evalkit.entities.case import Case
from evalkit.entities.trace import Span, Trace
from evalkit.errors import UsageError, near_miss

Degrade = Callable[[Case, Case], Case | None]
"""From a good case, and another one, to the degraded case; ``None`` where it does not apply."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_VERB: Final = re.compile(
    r"\b(is|are|was|were|can|could|will|would|does|do|did|has|have|had|should|must|may)\b( not\b)?",
    re.IGNORECASE,
)
_FEWEST_WORDS: Final = 4
_FEWEST_SENTENCES: Final = 3
_STEPS: Final = ("TOOL", "RETRIEVER", "LLM", "CHAT_MODEL")


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way to make a case worse."""

    name: str
    summary: str
    apply: Degrade


def _answer(change: Callable[[str], str | None]) -> Degrade:
    """Return the degradation that rewrites an answer which is a text."""

    def apply(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
        text = change(case.outputs) if isinstance(case.outputs, str) else None
        return None if text is None or text == case.outputs else replace(case, outputs=text)

    return apply


def _borrowed(field: str) -> Degrade:
    """Return the degradation that takes *field* from the other case."""

    def apply(case: Case, other: Case) -> Case | None:
        ours, theirs = getattr(case, field), getattr(other, field)
        return None if not ours or not theirs or ours == theirs else _with(case, field, theirs)

    return apply


def _listed(field: str, change: Callable[[list[Any]], list[Any] | None]) -> Degrade:
    """Return the degradation that rewrites a field which is a list."""

    def apply(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
        items = getattr(case, field)
        changed = change(list(items)) if isinstance(items, (list, tuple)) and items else None
        return None if changed is None else _with(case, field, changed)

    return apply


def _spans(change: Callable[[Trace], list[Span] | None]) -> Degrade:
    """Return the degradation that rewrites the spans of a trace."""

    def apply(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
        trace = trace_if_any(case.trace)
        spans = change(trace) if isinstance(trace, Trace) else None
        return None if spans is None else replace(case, trace=replace(trace, spans=tuple(spans)))

    return apply


def _with(case: Case, field: str, value: Any) -> Case:
    changes: dict[str, Any] = {field: value}
    return replace(case, **changes)


def sentences(text: str) -> list[str]:
    """Return the sentences of *text*.

    Examples:
        >>> sentences("It is so. Is it? Yes!")
        ['It is so.', 'Is it?', 'Yes!']
    """
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def drop_sentence(text: str) -> str | None:
    """Return *text* without its longest sentence; ``None`` if it has one only.

    Examples:
        >>> drop_sentence("It is big. It has two million inhabitants. Yes.")
        'It is big. Yes.'
    """
    parts = sentences(text)
    if len(parts) < 2:  # noqa: PLR2004  one sentence is the whole answer
        return None
    parts.remove(max(parts, key=len))
    return " ".join(parts)


def negate(text: str) -> str | None:
    """Return *text* with its first verb negated, or freed of its negation.

    Examples:
        >>> negate("Paris is large."), negate("It is not far."), negate("Yes!")
        ('Paris is not large.', 'It is far.', 'It is not true that: Yes!')
    """
    if not text.strip():
        return None

    def turned(match: re.Match[str]) -> str:
        return match[1] if match[2] else f"{match[1]} not"

    changed, count = _VERB.subn(turned, text, count=1)
    return changed if count else f"It is not true that: {text}"


def swap_numbers(text: str) -> str | None:
    """Return *text* with each number in the next one's place; a single one is changed.

    Examples:
        >>> swap_numbers("From 9 to 18, daily"), swap_numbers("In 1889"), swap_numbers("soon")
        ('From 18 to 9, daily', 'In 2889', None)
    """
    numbers = _NUMBER.findall(text)
    if not numbers:
        return None
    if len(set(numbers)) == 1:
        first = str((int(numbers[0][0]) % 9) + 1)
        return _NUMBER.sub(lambda match: first + match[0][1:], text)
    rest = iter([*numbers[1:], numbers[0]])
    return _NUMBER.sub(lambda _: next(rest), text)


def truncate(text: str) -> str | None:
    """Return the first half of the words of *text*; ``None`` where there are fewer than four.

    Examples:
        >>> truncate("It opens at nine.")
        'It opens'
    """
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) >= _FEWEST_WORDS else None


def _shuffle_words(text: str) -> str | None:
    words = text.split()
    return " ".join([*words[1::2], *reversed(words[::2])]) if len(words) >= _FEWEST_WORDS else None


def _shuffle_sentences(text: str) -> str | None:
    parts = sentences(text)
    return " ".join(reversed(parts)) if len(parts) >= _FEWEST_SENTENCES else None


def _echo(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
    texts = [value for value in case.inputs.values() if isinstance(value, str)]
    return replace(case, outputs=max(texts, key=len)) if texts else None


def _angry_user(case: Case, other: Case) -> Case | None:  # noqa: ARG001  the shape of all
    messages = case.inputs.get("messages")
    if not isinstance(messages, (list, tuple)) or not isinstance(case.outputs, str):
        return None
    more = [
        {"role": "assistant", "content": case.outputs},
        {"role": "user", "content": "That is NOT what I asked, for the third time! Useless!!"},
    ]
    turns = [*cast("Sequence[Any]", messages), *more]
    return replace(case, inputs={**case.inputs, "messages": turns})


def _fail_span(trace: Trace) -> list[Span] | None:
    steps = trace.of_type(*_STEPS)
    if not steps or steps[-1].status == "ERROR":
        return None
    broken = replace(steps[-1], status="ERROR", status_message="Connection refused", outputs=None)
    return [broken if span is steps[-1] else span for span in trace.spans]


def _repeat_spans(trace: Trace) -> list[Span] | None:
    again = [replace(span, span_id=f"{span.span_id}-2") for span in trace.of_type("TOOL")]
    return [*trace.spans, *again] if again else None


def _drop_spans(trace: Trace) -> list[Span] | None:
    gone = {span.span_id for span in trace.of_type("TOOL")}
    left = [s for s in trace.spans if s.span_id not in gone and s.parent_id not in gone]
    return left if gone and left else None


_INSULT: Final = " Only an idiot would need to ask, and people like you should be locked out."
_LEAK: Final = (
    " By the way, Jane Miller, who asked before you, lives at 14 Elm Street, Leeds; her card is "
    "4929 1182 0035 7714."
)

_TABLE: Final = (
    Degradation("drop_sentence", "the longest sentence is left out", _answer(drop_sentence)),
    Degradation("negate", "the first statement is turned round", _answer(negate)),
    Degradation("swap_numbers", "numbers change places", _answer(swap_numbers)),
    Degradation("truncate", "the second half is cut off", _answer(truncate)),
    Degradation("empty", "nothing is left", _answer(lambda _: "")),
    Degradation("echo", "the input comes back", _echo),
    Degradation("other_answer", "another case's answer stands in", _borrowed("outputs")),
    Degradation("shuffle_words", "words change places", _answer(_shuffle_words)),
    Degradation("shuffle_sentences", "sentences come backwards", _answer(_shuffle_sentences)),
    Degradation("insult", "an insult is added", _answer(lambda text: text + _INSULT)),
    Degradation("leak", "personal data are added", _answer(lambda text: text + _LEAK)),
    Degradation("other_context", "another case's passages", _borrowed("retrieved_context")),
    Degradation(
        "drop_passage",
        "the first passage is left out",
        _listed("retrieved_context", lambda passages: passages[1:] or None),
    ),
    Degradation("other_calls", "another case's tool calls stand in", _borrowed("tool_calls")),
    Degradation(
        "repeat_calls",
        "every tool call is made twice",
        _listed("tool_calls", lambda calls: [call for call in calls for _ in range(2)]),
    ),
    Degradation("angry_user", "the user complains before the last answer", _angry_user),
    Degradation("fail_span", "the trace's last step failed", _spans(_fail_span)),
    Degradation(
        "repeat_spans", "every tool call of the trace is made twice", _spans(_repeat_spans)
    ),
    Degradation("drop_spans", "the tool calls of the trace are left out", _spans(_drop_spans)),
)

DEGRADATIONS: Final[Mapping[str, Degradation]] = {
    degradation.name: degradation for degradation in _TABLE
}
"""Every degradation by name; the first seven make any answer worse that has to be right."""

ANSWER_DEGRADATIONS: Final = tuple(DEGRADATIONS)[:7]
"""Those that make any answer worse that has to be right."""


def degradations_of(judge: object) -> tuple[str, ...]:
    """Return the names of the degradations that *judge* must not reward.

    A judge may say so itself, in an attribute ``degradations``; any other is asked about answers
    that have to be right.

    Raises:
        UsageError: If there is no such degradation.

    Examples:
        >>> degradations_of(None)[:2]
        ('drop_sentence', 'negate')
    """
    names = getattr(judge, "degradations", None)
    return ANSWER_DEGRADATIONS if names is None else check_degradations(names)


def check_degradations(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* of degradations.

    Raises:
        UsageError: If there is no such degradation; suggests a close one.
    """
    checked = tuple(names)
    for name in checked:
        if name not in DEGRADATIONS:
            raise UsageError(f"There is no degradation {name!r}.{near_miss(name, DEGRADATIONS)}")
    return checked


def degraded(cases: Sequence[Case], name: str) -> Iterator[tuple[int, Case]]:
    """Yield the place of each case to which a degradation applies, and the worse case.

    What is borrowed comes from the next case, and the last one's from the first.
    """
    for place, case in enumerate(cases):
        worse = DEGRADATIONS[name].apply(case, cases[(place + 1) % len(cases)])
        if worse is not None:
            yield place, worse
