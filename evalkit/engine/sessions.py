"""The turns of sessions, put together for scorers that read whole conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.entities.batch import CaseBatch
from evalkit.scoring.protocol import Scorer


def reads_sessions(scorers: Iterable[Scorer]) -> bool:
    """Say whether any of *scorers* reads whole conversations, so that these must not be cut."""
    return any(getattr(scorer, "reads_session", False) for scorer in scorers)


def conversing(batch: CaseBatch, scorers: Iterable[Scorer]) -> CaseBatch:
    """Return *batch*, which holds whole sessions, with the turns of each case's session.

    Turns are in order of ``turn``, then of the data; each repeat has a conversation of its own.

    Examples:
        >>> class Reader:
        ...     reads_session = True
        >>> batch = CaseBatch({"id": ["b", "a"], "session": ["s", "s"], "turn": [1, 0]}, length=2)
        >>> [turn["id"] for turn in conversing(batch, [Reader()]).column("conversation")[0]]
        ['a', 'b']
    """
    if not batch.has("session") or not reads_sessions(scorers):
        return batch
    return batch.replacing(conversation=_conversations(batch))


def _conversations(batch: CaseBatch) -> list[Sequence[Mapping[str, Any]] | None]:
    sessions, repeats, turns = batch.column("session"), batch.column("repeat"), batch.column("turn")
    rows_of: dict[tuple[str, int], list[int]] = {}
    for row, session in enumerate(sessions):
        if session is not None:
            rows_of.setdefault((session, repeats[row]), []).append(row)
    ids, inputs, outputs = batch.ids, batch.inputs, batch.outputs
    conversations: list[Sequence[Mapping[str, Any]] | None] = [None] * len(batch)
    for rows in rows_of.values():
        ordered = sorted(rows, key=lambda row: (turns[row] is None, turns[row] or 0, row))
        conversation = tuple(
            {"id": ids[row], "turn": turns[row], "inputs": inputs[row], "outputs": outputs[row]}
            for row in ordered
        )
        for row in rows:  # one conversation, shared by its cases
            conversations[row] = conversation
    return conversations
