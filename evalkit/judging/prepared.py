"""What of a judge is worked out once: template, form, examples and their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.data.traces import read_trace, trace_if_any
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.errors import TraceError, UsageError
from evalkit.judging.form import Form, form_of
from evalkit.judging.outcome import Aggregate, aggregate_of
from evalkit.judging.prompt import example_answer, question_message, system_message
from evalkit.judging.settings import JudgeSettings
from evalkit.judging.template import OFFERED, JudgeTemplate, MissingValueError, Passage
from evalkit.judging.traces.tools import SCHEMAS, Message, tool_turn
from evalkit.scoring.reading import as_text, follow, rerouted

_NO_FIELDS: Final = frozenset({"choice", "explanation", "parts", "calls", "span_id"})
"""What an example has besides the fields of a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A judge ready for cases: its settings, and its template and form compiled."""

    settings: JudgeSettings
    template: JudgeTemplate
    form: Form
    schema: Mapping[str, Any]
    aggregate: Aggregate
    opening: Sequence[Message]
    """What comes before the question about a case: system message and examples."""

    tool_rounds: int | None
    """Most answers that call tools, where the template names the trace as a whole."""

    prompt_hash: str
    schema_hash: str

    def messages(self, case: Case) -> tuple[list[Message], Mapping[str, int]]:
        """Return the messages for *case*, and what was neutralised in them.

        Raises:
            MissingValueError: If the case lacks something that the template reads.
            TraceError: If its trace is broken, or none that is known where one is to be read.
        """
        question = self.template.render(values_of(case, self.template))
        by_tools = self.tool_rounds is not None
        return [
            *map(dict, self.opening),
            question_message(question, by_tools=by_tools),
        ], question.changes

    @property
    def judges_session(self) -> bool:
        """Whether it judges a conversation as a whole, once, rather than a turn of it."""
        names = self.template.names
        return "session" in names and not {"inputs", "outputs", "case"} & names

    def count(self, case: Case) -> int | None:
        """Return how many parts there are to judge, where the case says so."""
        if self.settings.each is None:
            return None
        items = follow(case, self.settings.each)
        return len(items) if isinstance(items, (list, tuple)) else 1


def prepare(judge: JudgeSettings) -> Prepared:
    """Compile what *judge* says.

    Raises:
        UsageError: If template, form or an example is wrong.
    """
    if judge.each is not None and judge.parts is None:
        raise UsageError("each= needs parts=, the name of what is judged item by item.")
    template = JudgeTemplate(judge.instructions, source=f"Judge {judge.name!r}")
    form = form_of(judge.choices, judge.scale, judge.value_type, judge.parts)
    form = replace(form, spans=template.shows_trace)
    tool_rounds = judge.tool_rounds if template.shows_trace else None
    if judge.method == "logprobs" and template.shows_trace:
        raise UsageError("method='logprobs' cannot read a trace; a judge of one gives verdicts.")
    if judge.method == "logprobs" and (judge.parts is not None or not form.labels):
        raise UsageError(
            "method='logprobs' needs choices= or a scale= of whole numbers, no parts=."
        )
    if judge.method == "logprobs" and not form.valued:
        raise UsageError("method='logprobs' weighs values; give choices= values.")
    if judge.parts is not None and not form.valued:
        raise UsageError("parts= needs choices= with values, or a scale=.")
    schema = form.schema()
    system = system_message(form, tool_rounds)
    opening: list[Message] = [{"role": "system", "content": system}]
    for example in judge.examples:
        opening += _example(example, template, form, judge.name)
    prompt = [judge.instructions, system, list(judge.examples)]
    if template.shows_trace:
        prompt.append(list(SCHEMAS))
    return Prepared(
        settings=judge,
        template=template,
        form=form,
        schema=schema,
        aggregate=aggregate_of(judge.aggregate),
        opening=opening,
        tool_rounds=tool_rounds,
        prompt_hash=content_hash(canonical_json(prompt), size=6),
        schema_hash=content_hash(canonical_json(schema), size=6),
    )


def _example(
    example: Mapping[str, Any], template: JudgeTemplate, form: Form, name: str
) -> list[Message]:
    """Return an example as it is shown: question, calls of tools, and answer."""
    if ("parts" in example) != (form.parts is not None):
        wanted = "choice" if form.parts is None else "parts"
        raise UsageError(f"An example of judge {name!r} needs {wanted!r}.")
    choices = [part.get("verdict", part.get("choice")) for part in example.get("parts", ())]
    for choice in choices or [example.get("choice")]:
        if form.label(choice) is None:
            raise UsageError(f"An example of judge {name!r} says {choice!r}, not {form.menu()}.")
    try:
        values = values_of(case_of(example), template)
        question = question_message(template.render(values), by_tools=template.shows_trace)
        answer = {"role": "assistant", "content": example_answer(example, form)}
        return [question, *_consulted(example, values), answer]
    except (MissingValueError, TraceError) as error:
        raise UsageError(f"An example of judge {name!r} is not complete: {error}") from None


def _consulted(example: Mapping[str, Any], values: Mapping[str, Any]) -> list[Message]:
    """Return the calls of an example, with what the tools really say of its trace."""
    turns: list[Message] = []
    for number, call in enumerate(example.get("calls", ())):
        ((name, arguments),) = call.items()
        calls = [{"name": name, "arguments": arguments, "id": f"call{number:05d}"}]
        messages, failed = tool_turn(values["trace"], calls, number)
        if failed:
            raise MissingValueError(f"its call of {name} fails")
        turns += messages
    return turns


def case_of(example: Mapping[str, Any]) -> Case:
    """Return the case that an example shows."""
    fields = {k: v for k, v in example.items() if k not in _NO_FIELDS}
    for mapping in ("inputs", "expectations"):
        if mapping in fields and not isinstance(fields[mapping], Mapping):
            fields[mapping] = {"target" if mapping == "expectations" else "input": fields[mapping]}
    return Case(**fields)


def seen_by(judge: JudgeSettings, case: Case) -> Case:
    """Return *case* as the judge reads it."""
    return rerouted(CaseBatch.of([case]), judge.reads).case(0) if judge.reads else case


def values_of(case: Case, template: JudgeTemplate | None = None) -> dict[str, Any]:
    """Return what a template may read of *case*; a trace is read where it asks for one.

    Raises:
        TraceError: If its trace is broken, or none that is known where one is to be read.
    """
    if case.trace is not None and template is not None and template.names & {"trace", "case"}:
        read = read_trace if template.shows_trace else trace_if_any
        case = replace(case, trace=read(case.trace))
    if isinstance(case.retrieved_context, (list, tuple)):
        case = replace(case, retrieved_context=[*map(Passage.of, case.retrieved_context)])
    values = {name: getattr(case, name) for name in OFFERED if name not in {"case", "session"}}
    return {**values, "case": case, "session": conversation(case)}


def conversation(case: Case) -> list[Mapping[str, Any]] | None:
    """Return the conversation up to the case's answer: its messages in order.

    A case with ``messages`` or ``history`` among its inputs holds its conversation itself.  Where a
    session has several turns, those up to the case are put together; messages that a turn repeats
    from earlier ones are shown once.

    Examples:
        >>> inputs = {"messages": [{"role": "user", "content": "hi"}]}
        >>> conversation(Case(inputs=inputs, outputs="ho"))
        [{'role': 'user', 'content': 'hi'}, {'role': 'assistant', 'content': 'ho'}]
        >>> turns = ({"id": "a", "inputs": {"q": "1+1?"}, "outputs": "2"},
        ...          {"id": "b", "inputs": {"q": "And 2+2?"}, "outputs": "4"})
        >>> [m["content"] for m in conversation(Case(id="b", session="s", conversation=turns))]
        ['1+1?', '2', 'And 2+2?', '4']
    """
    turns = case.conversation
    if turns is None:
        if case.session is None and _listed(case.inputs) is None:
            return None
        turns = ({"id": case.id, "inputs": case.inputs, "outputs": case.outputs},)
    messages: list[Mapping[str, Any]] = []
    for turn in turns:
        messages = _with_turn(messages, turn)
        if turn["id"] == case.id:
            break
    return messages


def _with_turn(before: list[Mapping[str, Any]], turn: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = _listed(turn["inputs"])
    if listed is None:
        values = list(turn["inputs"].values())
        question = as_text(values[0] if len(values) == 1 else turn["inputs"]) or ""
        messages = [*before, {"role": "user", "content": question}]
    elif [_content(m) for m in listed[: len(before)]] == [_content(m) for m in before]:
        messages = list(listed)  # the turn repeats what was said before
    else:
        messages = [*before, *listed]
    answer = as_text(turn["outputs"])
    return messages if answer is None else [*messages, {"role": "assistant", "content": answer}]


def _listed(inputs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    listed = inputs.get("messages", inputs.get("history"))
    if not isinstance(listed, (list, tuple)):
        return None
    return cast("Sequence[Mapping[str, Any]]", listed)


def _content(message: Any) -> tuple[Any, Any]:
    if not isinstance(message, Mapping):
        return None, message
    held = cast("Mapping[str, Any]", message)
    return held.get("role"), held.get("content")


def judged_later(case: Case) -> str | None:
    """Return why the conversation is not judged at this case: it goes on; else ``None``."""
    turns = case.conversation
    if not turns or turns[-1]["id"] == case.id:
        return None
    return f"The conversation is judged once, at its last turn, case {turns[-1]['id']!r}."


def lacks_answer(template: JudgeTemplate, case: Case) -> bool:
    """Say whether it is of the answer that *case* lacks what *template* reads."""
    if "outputs" in template.needs and case.outputs is None:
        return True
    paths = (key for field, key in template.paths if field == "outputs")
    return any(follow(case.outputs, key) is None for key in paths)
