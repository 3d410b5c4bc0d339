"""What of a judge is worked out once: template, form, examples and their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.entities.case import Case
from evalkit.errors import UsageError
from evalkit.judging.form import Form, form_of
from evalkit.judging.parts import Aggregate, aggregate_of
from evalkit.judging.prompt import Message, example_answer, messages, system_message
from evalkit.judging.template import OFFERED, JudgeTemplate, MissingValueError, Rendered
from evalkit.scoring.reading import follow

if TYPE_CHECKING:
    from evalkit.judging.judge import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A judge's template and form, ready for cases."""

    template: JudgeTemplate
    form: Form
    schema: Mapping[str, Any]
    aggregate: Aggregate
    examples: Sequence[tuple[Rendered, str]]
    each: str | None
    prompt_hash: str
    schema_hash: str

    def messages(self, case: Case) -> tuple[list[Message], Mapping[str, int]]:
        """Return the messages for *case*, and what was neutralised in them.

        Raises:
            MissingValueError: If the case lacks something that the template reads.
        """
        asked = self.template.render(values_of(case))
        return messages(self.form, asked, self.examples), asked.changes

    def count(self, case: Case) -> int | None:
        """Return how many parts there are to judge, where the case says so."""
        if self.each is None:
            return None
        items = items_of(case, self.each)
        return len(items) if isinstance(items, (list, tuple)) else 1


def prepare(judge: Judge) -> Prepared:
    """Compile what *judge* says.

    Raises:
        UsageError: If template, form or an example is wrong.
    """
    if judge.each is not None and judge.parts is None:
        raise UsageError("each= needs parts=, the name of what is judged item by item.")
    template = JudgeTemplate(judge.instructions, source=f"Judge {judge.name!r}")
    form = form_of(judge.choices, _written_scale(judge.scale), judge.value_type, judge.parts)
    if judge.method == "logprobs" and (judge.parts is not None or not form.labels):
        raise UsageError(
            "method='logprobs' needs choices= or a scale= of whole numbers, no parts=."
        )
    if judge.method == "logprobs" and not form.valued:
        raise UsageError("method='logprobs' weighs values; give choices= values.")
    if judge.parts is not None and not form.valued:
        raise UsageError("parts= needs choices= with values, or a scale=.")
    schema = form.schema()
    prompt = [judge.instructions, system_message(form), list(judge.examples)]
    return Prepared(
        template=template,
        form=form,
        schema=schema,
        aggregate=aggregate_of(judge.aggregate),
        examples=[_example(example, template, form, judge.name) for example in judge.examples],
        each=judge.each,
        prompt_hash=content_hash(canonical_json(prompt), size=6),
        schema_hash=content_hash(canonical_json(schema), size=6),
    )


def _written_scale(scale: Any) -> Any:
    if scale and isinstance(scale[0], tuple):
        return dict(cast("Sequence[tuple[Any, Any]]", scale))
    return scale


def _example(
    example: Mapping[str, Any], template: JudgeTemplate, form: Form, name: str
) -> tuple[Rendered, str]:
    if ("parts" in example) != (form.parts is not None):
        wanted = "choice" if form.parts is None else "parts"
        raise UsageError(f"An example of judge {name!r} needs {wanted!r}.")
    choices = [part.get("verdict", part.get("choice")) for part in example.get("parts", ())]
    for choice in choices or [example.get("choice")]:
        if form.label(choice) is None:
            raise UsageError(f"An example of judge {name!r} says {choice!r}, not {form.menu()}.")
    try:
        return template.render(values_of(case_of(example))), example_answer(example, form)
    except MissingValueError as error:
        raise UsageError(f"An example of judge {name!r} is not complete: {error}") from None


def case_of(example: Mapping[str, Any]) -> Case:
    """Return the case that an example shows."""
    fields = {k: v for k, v in example.items() if k not in {"choice", "explanation", "parts"}}
    for mapping in ("inputs", "expectations"):
        if mapping in fields and not isinstance(fields[mapping], Mapping):
            fields[mapping] = {"target" if mapping == "expectations" else "input": fields[mapping]}
    return Case(**fields)


def values_of(case: Case) -> dict[str, Any]:
    """Return what a template may read of *case*."""
    found = {name: getattr(case, name) for name in OFFERED if name not in {"case", "session"}}
    return {**found, "case": case, "session": conversation(case)}


def conversation(case: Case) -> list[Mapping[str, Any]] | str | None:
    """Return the conversation up to the case's answer: its messages in order.

    Examples:
        >>> asked = {"messages": [{"role": "user", "content": "hi"}]}
        >>> conversation(Case(inputs=asked, outputs="ho"))
        [{'role': 'user', 'content': 'hi'}, {'role': 'assistant', 'content': 'ho'}]
    """
    listed = case.inputs.get("messages", case.inputs.get("history"))
    if not isinstance(listed, (list, tuple)):
        return case.session
    found = list(cast("Sequence[Mapping[str, Any]]", listed))
    if isinstance(case.outputs, str):
        found.append({"role": "assistant", "content": case.outputs})
    return found


def items_of(case: Case, path: str) -> Any:
    """Return the list at *path*, which starts at a field of the case."""
    return follow(case, path)
