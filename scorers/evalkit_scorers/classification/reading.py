"""Targets and outputs of a batch as pairs of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evalkit.plugin import CaseBatch, Rows, ScoreColumn, targets
from evalkit_scorers.classification.labels import (
    NOT_A_LABEL,
    as_list,
    is_text,
    remembered_key,
    shown,
    spelled_number,
    stated_classes,
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

    A case without output or target is skipped.  A text that is no known label, such as a chat
    model's rubbish among texts, is a wrong answer: a label of its own; one that differs in upper
    and lower case or in spaces alone says so.  Numbers are equal by value.

    What is no label is no wrong label, and fails with the reason ``invalid_response``: a text
    beside a number or a number beside a text, a list or mapping without a label, and beside 0, 1,
    and -1 a number with decimals, which is a probability or a score.  *parse_text* reads texts as
    the numbers and truth values that they spell.

    Examples:
        >>> from evalkit.plugin import Case
        >>> outputs = (True, [0], "1", 0.7, None)
        >>> cases = [Case(outputs=output, expectations={"target": 1}) for output in outputs]
        >>> pairs = label_pairs(CaseBatch.of(cases))
        >>> pairs.target, pairs.output, pairs.column.status.tolist()
        (['1', '1', '', '', ''], ['1', '0', '', '', ''], [0, 0, 2, 2, 1])
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
    distinct = set(zip(wanted, given, strict=True))
    alike = {pair for pair in distinct if _differs_in_case(*pair)}
    for row, (pair, output) in enumerate(
        zip(zip(wanted, given, strict=True), batch.outputs, strict=True)
    ):
        if pair in alike:
            pairs.column.metadata[row] = {"as_read": _CASE_ALONE}
        elif isinstance(output, Mapping) and _is_without(output, *pair, read):
            pairs.column.metadata[row] = {"as_read": _NO_CLASS}
    wrong = {pair for pair in distinct if not _fits(*pair)}
    if wrong:
        for row, pair in enumerate(zip(wanted, given, strict=True)):
            if pair in wrong:
                _leave_out(pairs, row, *pair, batch.outputs[row])
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


_CASE_ALONE: Final = "wrong by upper and lower case or spaces alone"
_NO_CLASS: Final = "the target is none of the output's classes"


def _is_without(
    output: Mapping[Any, Any], target: str | None, key: str | None, read: dict[Any, str | None]
) -> bool:
    """Say whether no class that *output* gives probabilities, of which *key* has most, is right."""
    if "label" in output or target in {None, key} or key in {None, NOT_A_LABEL}:
        return False
    keys = {remembered_key(each, read) or "" for each in stated_classes(output)[0]}
    return target not in keys | set(map(spelled_number, keys))


def _differs_in_case(target: str | None, output: str | None) -> bool:
    if target is None or output is None or target == output or not is_text(target):
        return False
    return is_text(output) and shown(target).strip().casefold() == shown(output).strip().casefold()


_OF_TWO_CLASSES: Final = frozenset({"0", "1", "-1"})
"""Beside these a number with decimals is no label; others may be steps of a half, say."""


def _fits(target: str | None, output: str | None) -> bool:
    if target is None or output is None or NOT_A_LABEL in {target, output}:
        return False
    if is_text(target) != is_text(output):
        return False
    return target not in _OF_TWO_CLASSES or float(output).is_integer()


def _leave_out(
    pairs: LabelPairs, row: int, target: str | None, output: str | None, raw: Any
) -> None:
    pairs.target[row] = pairs.output[row] = ""
    if target is not None and output is None and isinstance(raw, Mapping):
        pairs.column.fail(row, "empty", "The output states no label.")
    elif target is None or output is None:
        pairs.column.status[row] = 1
    elif target == NOT_A_LABEL:
        pairs.column.fail(row, "scorer_error", "The target is not a label: a text, number or bool.")
    elif output == NOT_A_LABEL:
        pairs.column.fail(row, "invalid_response", _no_label(raw))
    elif is_text(target) != is_text(output):
        pairs.column.fail(row, "invalid_response", _mismatch(target, output))
    else:
        pairs.column.fail(
            row,
            "invalid_response",
            f"The output {output} is no label beside {target}, but a probability or a score; give "
            "the label, or use a metric of probabilities, such as classification.roc_auc.",
        )


def _no_label(raw: Any) -> str:
    if isinstance(raw, Mapping):
        return (
            f"The output is a mapping without a label ({_some(raw)}); give {{'label': …}}, or say "
            "where the label stands: reads={'outputs': 'outputs.answer'}."
        )
    listed = as_list(raw)
    if listed is not None:
        return (
            f"The output is a list of {len(listed)} values and no label; give the label, or name "
            "the classes of probabilities: {'no': 0.3, 'yes': 0.7}."
        )
    return f"The output {raw!r:.60} is no label: a text, number or truth value."


def _some(names: Mapping[Any, Any]) -> str:
    listed = ", ".join(repr(name) for name in list(names)[:5])
    return f"it has {listed}{', …' if len(names) > 5 else ''}" if names else "it is empty"  # noqa: PLR2004


def _mismatch(target: str, output: str) -> str:
    kinds = [
        f"the {'text' if is_text(key) else 'number'} {shown(key)!r:.60}" for key in (target, output)
    ]
    text = target if is_text(target) else output
    advice = (
        ""
        if spelled_number(text) is None
        else ", or read texts as what they spell with parse_text=True"
    )
    return f"The target is {kinds[0]} and the output {kinds[1]}; write both alike{advice}."
