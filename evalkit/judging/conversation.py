"""A conversation as a judge reads it: messages in order, from one case or from a whole session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from evalkit.entities.case import Case
from evalkit.scoring.reading import as_text

Message = Mapping[str, Any]


def conversation(case: Case) -> list[Message] | None:
    """Return the conversation up to the case's answer: its messages in order.

    A case with ``messages`` or ``history`` among its inputs holds its conversation itself.  Where a
    session has several turns, those up to the case are put together; messages that a turn repeats
    from earlier ones are shown once.

    Examples:
        >>> asked = {"messages": [{"role": "user", "content": "hi"}]}
        >>> conversation(Case(inputs=asked, outputs="ho"))
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
    messages: list[Message] = []
    for turn in turns:
        messages = _with_turn(messages, turn)
        if turn["id"] == case.id:
            break
    return messages


def _with_turn(before: list[Message], turn: Mapping[str, Any]) -> list[Message]:
    listed = _listed(turn["inputs"])
    if listed is None:
        messages = [*before, {"role": "user", "content": _question(turn["inputs"])}]
    elif [_said(m) for m in listed[: len(before)]] == [_said(m) for m in before]:
        messages = list(listed)  # the turn repeats what was said before
    else:
        messages = [*before, *listed]
    answer = as_text(turn["outputs"])
    return messages if answer is None else [*messages, {"role": "assistant", "content": answer}]


def _listed(inputs: Mapping[str, Any]) -> Sequence[Message] | None:
    listed = inputs.get("messages", inputs.get("history"))
    if not isinstance(listed, (list, tuple)):
        return None
    return cast("Sequence[Message]", listed)


def _said(message: Any) -> tuple[Any, Any]:
    if not isinstance(message, Mapping):
        return None, message
    held = cast("Mapping[str, Any]", message)
    return held.get("role"), held.get("content")


def _question(inputs: Mapping[str, Any]) -> str:
    values = list(inputs.values())
    return as_text(values[0] if len(values) == 1 else inputs) or ""


def judged_later(case: Case) -> str | None:
    """Return why the conversation is not judged at this case: it goes on; else ``None``."""
    turns = case.conversation
    if not turns or turns[-1]["id"] == case.id:
        return None
    return f"The conversation is judged once, at its last turn, case {turns[-1]['id']!r}."
