"""The messages that a chat target sends for one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation
from evalkit.errors import BindingError, UsageError
from evalkit.llm.template import PromptTemplate
from evalkit.scoring.reading import as_text
from evalkit.targets.binding import owned, shapes

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns a case and the history before it into messages.

    Examples:
        >>> from evalkit.entities.case import Case
        >>> conversation = Conversation(prompt=PromptTemplate("Q: {{ question }}"))
        >>> conversation.messages(Invocation(case=Case(inputs={"question": "1 + 1?"})))
        [{'role': 'user', 'content': 'Q: 1 + 1?'}]
    """

    prompt: PromptTemplate | None = None
    """Template over the inputs; without it ``messages`` or the sole text input is sent."""

    system: PromptTemplate | None = None
    """Template of the system message."""

    examples: Sequence[tuple[Any, str]] = ()
    """Pairs of a user's message (a text, or inputs for the prompt) and the answer to it."""

    def messages(self, invocation: Invocation) -> list[Message]:
        """Return system message, examples, earlier turns and the question, in this order.

        Raises:
            BindingError: If the inputs do not fit.
        """
        case = invocation.case
        found: list[Message] = []
        if self.system is not None:
            text = self.system.render(self._values(case.inputs, case.session))
            found.append({"role": "system", "content": text})
        for asked, answer in self.examples:
            found += self._asked(asked, None) if isinstance(asked, Mapping) else [_user(asked)]
            found.append({"role": "assistant", "content": answer})
        for turn in invocation.history:
            found += self._asked(turn.get("inputs", {}), case.session)
            answered = as_text(turn.get("outputs"))
            if answered is not None:
                found.append({"role": "assistant", "content": answered})
        return found + self._asked(case.inputs, case.session)

    def check(self, batch: CaseBatch) -> None:
        """Refuse inputs that the prompt cannot be filled from: one case of each kind is tried.

        Raises:
            BindingError: Naming what is missing and the case.
        """
        for row in shapes(batch.inputs).values():
            case = batch.case(row)
            try:
                self.messages(Invocation(case=case))
            except BindingError as error:
                raise BindingError(f"Case {case.id!r}: {error}") from None

    def _asked(self, inputs: Mapping[str, Any], session: str | None) -> list[Message]:
        if self.prompt is not None:
            return [_user(self.prompt.render(self._values(inputs, session)))]
        messages = inputs.get("messages")
        if isinstance(messages, (list, tuple)):
            return cast("list[Message]", owned(list(cast("Sequence[Any]", messages))))
        texts = [value for value in inputs.values() if isinstance(value, str)]
        if len(texts) != 1:
            raise BindingError(
                "without prompt= a chat target sends inputs['messages'] or the sole text input; "
                f"the inputs are {', '.join(map(repr, inputs)) or 'none'}. Give prompt=, such as "
                "prompt='{{ question }}'."
            )
        return [_user(texts[0])]

    def _values(self, inputs: Mapping[str, Any], session: str | None) -> dict[str, Any]:
        return {**inputs, "inputs": inputs, "session": session}


def read_examples(examples: Sequence[Any]) -> list[tuple[Any, str]]:
    """Return *examples* as pairs; each is such a pair, or a mapping of inputs and outputs.

    Raises:
        UsageError: If one is neither.

    Examples:
        >>> read_examples([("1 + 1?", "2"), {"inputs": {"q": "2 + 2?"}, "outputs": 4}])
        [('1 + 1?', '2'), ({'q': '2 + 2?'}, '4')]
    """
    found: list[tuple[Any, str]] = []
    for number, example in enumerate(examples):
        if isinstance(example, Mapping) and {"inputs", "outputs"} <= set(cast("Any", example)):
            asked, answer = cast("Mapping[str, Any]", example)["inputs"], example["outputs"]
        elif isinstance(example, (list, tuple)) and len(cast("Any", example)) == 2:  # noqa: PLR2004  a pair
            asked, answer = cast("Sequence[Any]", example)
        else:
            raise UsageError(
                f"examples[{number}] is neither a pair (question, answer) nor a mapping with "
                "'inputs' and 'outputs'."
            )
        if not isinstance(asked, (str, Mapping)) or answer is None:
            raise UsageError(f"examples[{number}] needs a question and an answer.")
        found.append((asked, as_text(answer) or ""))
    return found


def _user(text: str) -> Message:
    return {"role": "user", "content": text}
