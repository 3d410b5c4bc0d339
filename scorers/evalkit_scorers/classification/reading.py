"""Targets and outputs of a batch as pairs of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.plugin import CaseBatch, Rows, ScoreColumn, targets
from evalkit_scorers.classification.labels import (
    NOT_A_LABEL,
    is_text,
    remembered_key,
    shown,
    spelled_number,
    stated_label,
)


@dataclass(frozen=True, slots=True)
class LabelPairs:
    """Target and output of each case as label keys, and which cases have both."""

    target: list[str]
    """Keys of the targets, shape ``(n,)``; empty where the cell is not OK."""

    output: list[str]
    """Keys of the outputs, shape ``(n,)``; empty where the cell is not OK."""

    column: ScoreColumn
    """NaN values; status OK where both labels are known, skipped or failed elsewhere."""

    def rows(self) -> Rows:
        """Return the pairs as statistics of a corpus metric."""
        pair = {"target": self.target, "output": self.output}
        return Rows({name: np.array(keys, dtype=object) for name, keys in pair.items()})


def label_pairs(batch: CaseBatch, *, parse_text: bool = False) -> LabelPairs:
    """Return the labels of *batch*; each case is read by itself, so batches change nothing.

    A case without output or target is skipped.  An output that is no known label, such as a chat
    model's rubbish, is a wrong answer: a label of its own.  Numbers are equal by value.  A text
    beside a number which spells a number (``"1"`` and ``1``) is neither right nor wrong but a
    mistake in the data, and fails with the reason ``invalid_response``; *parse_text* reads such
    texts as the numbers and truth values that they spell.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": 1}) for o in (True, "one", "1", None)]
        >>> pairs = label_pairs(CaseBatch.of(cases))
        >>> pairs.target, pairs.output, pairs.column.status.tolist()
        (['1', '1', '', ''], ['1', '"one"', '', ''], [0, 0, 2, 1])
    """
    read: dict[Any, str | None] = {}
    wanted = [remembered_key(value, read) for value in targets(batch)]
    given = [
        _output_key(value, want, read) for value, want in zip(batch.outputs, wanted, strict=True)
    ]
    if parse_text:
        wanted, given = _parsed(wanted), _parsed(given)
    pairs = LabelPairs(
        [key or "" for key in wanted],
        [key or "" for key in given],
        ScoreColumn(np.full(len(batch), np.nan), np.zeros(len(batch), dtype=np.int8)),
    )
    wrong = {pair for pair in set(zip(wanted, given, strict=True)) if not _fits(*pair)}
    if wrong:
        for row, pair in enumerate(zip(wanted, given, strict=True)):
            if pair in wrong:
                _leave_out(pairs, row, *pair, stated=isinstance(batch.outputs[row], Mapping))
    return pairs


def _output_key(output: Any, target: str | None, read: dict[Any, str | None]) -> str | None:
    if not isinstance(output, Mapping):
        return remembered_key(output, read)
    key = remembered_key(stated_label(output), read)
    if key is None or target is None or is_text(target) or "label" in output:
        return key
    return spelled_number(key) or key  # keys of a JSON object are texts, whatever they stand for


def _parsed(keys: list[str | None]) -> list[str | None]:
    read = {key: None if key is None else spelled_number(key) or key for key in set(keys)}
    return [read[key] for key in keys]


def _fits(target: str | None, output: str | None) -> bool:
    if target is None or output is None or target == NOT_A_LABEL:
        return False
    if is_text(target) == is_text(output) or output == NOT_A_LABEL:
        return True
    return spelled_number(target if is_text(target) else output) is None


def _leave_out(
    pairs: LabelPairs, row: int, target: str | None, output: str | None, *, stated: bool
) -> None:
    pairs.target[row] = pairs.output[row] = ""
    if target is not None and output is None and stated:
        pairs.column.fail(row, "empty", "The output states no label.")
    elif target is None or output is None:
        pairs.column.status[row] = 1
    elif target == NOT_A_LABEL:
        pairs.column.fail(row, "scorer_error", "The target is not a label: a text, number or bool.")
    else:
        pairs.column.fail(row, "invalid_response", _mismatch(target, output))


def _mismatch(target: str, output: str) -> str:
    kinds = [
        f"the {'text' if is_text(key) else 'number'} {shown(key)!r}" for key in (target, output)
    ]
    return (
        f"The target is {kinds[0]} and the output {kinds[1]}; write both alike, or read texts as "
        "what they spell with parse_text=True."
    )
