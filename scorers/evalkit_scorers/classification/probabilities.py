"""Outputs that state probabilities, or scores, of classes."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evalkit.plugin import Rows, canonical_json, parse_json
from evalkit_scorers.arrays import BoolArray, FloatArray
from evalkit_scorers.classification.labels import (
    NOT_A_LABEL,
    as_list,
    distinct_keys,
    in_order,
    is_positive,
    is_text,
    label_key,
    listed_labels,
    positive_label,
    shown,
    spelled_number,
)
from evalkit_scorers.unwrapped import unwrapped

SLACK: Final = 1e-3
"""How far probabilities may sum from 1, as rounded ones do; a single one may leave [0, 1] less."""


@dataclass(frozen=True, slots=True)
class ClassProbabilities:
    """What one output says of each class, and which class is right."""

    classes: tuple[str, ...]
    """Keys of the classes; empty where only the positive one's number is known."""

    shares: tuple[float, ...]
    """Probability or score of each class; negative and positive where `classes` is empty."""

    right: int
    """Place of the target among the classes; -1 where it is none of them."""

    positive: int
    """Place of the positive class of two; -1 where there are more."""

    @property
    def of_target(self) -> float:
        """Probability of the right class; 0 where the output does not know it."""
        return self.shares[self.right] if self.right >= 0 else 0.0

    @property
    def of_positive(self) -> float:
        """Probability or score of the positive class; NaN where there are more than two."""
        return self.shares[self.positive] if self.positive >= 0 else math.nan

    @property
    def event(self) -> float:
        """1 if the target is the positive class, else 0; NaN where there are more than two."""
        return float(self.right == self.positive) if self.positive >= 0 else math.nan


class UnreadableError(ValueError):
    """An output states no usable probabilities; the text says why."""


def class_probabilities(
    output: Any,
    target: str,
    *,
    labels: Sequence[str] | None = None,
    pos_label: str | None = None,
    scores: bool = False,
) -> ClassProbabilities:
    """Return what *output* says of the classes.

    An output is ``{"probabilities": [...], "classes": [...]}``, a mapping of label to probability,
    a list of probabilities in the order of *labels*, or a bare number: the probability of the
    positive class.  Each may be the ``probabilities`` beside a ``label``.  Where *scores* do,
    ``decision_values`` may stand in place of ``probabilities``.

    *target*, *labels* and *pos_label* are keys, the latter two as the settings of
    `ProbabilityMetric`.  *scores* allows any finite numbers, as of a decision function.

    Raises:
        UnreadableError: If there are no such numbers, or they cannot be probabilities.

    Examples:
        >>> class_probabilities({"cat": 0.25, "dog": 0.75}, '"cat"').of_target
        0.25
        >>> class_probabilities(0.75, "0").of_target
        0.25
    """
    if target == NOT_A_LABEL:
        raise UnreadableError("The target is not a label: a text, number or truth value.")
    if isinstance(output, Mapping) and "decision_values" in output:
        if not scores:
            raise UnreadableError("The output states decision values, which are no probabilities.")
        output = {**output, "probabilities": output["decision_values"]}
    label = output.get("label") if isinstance(output, Mapping) else None
    output = _without_label(output)
    number = None if isinstance(output, dict) else _number(unwrapped(output))
    if number is not None:
        return _of_positive(number, target, pos_label, scores=scores)
    classes, shares = _named(output, target, labels)
    stated = tuple([number for number in map(_number, shares) if number is not None])
    if len(stated) < len(shares):
        raise UnreadableError(f"A probability is not a finite number: {_short(shares)}.")
    if not scores:
        _check(stated)
    if isinstance(label, (str, int)) and label_key(label) not in classes:
        names = ", ".join(repr(shown(key)) for key in classes)
        raise UnreadableError(f"The label {label!r} is none of the classes {names:.200}.")
    right = classes.index(target) if target in classes else -1
    if right < 0 and any(is_text(key) != is_text(target) for key in classes):
        names = ", ".join(sorted(repr(shown(key)) for key in classes)[:10])
        kind = "text" if is_text(target) else "number"
        raise UnreadableError(
            f"The target is the {kind} {shown(target)!r} and the classes are {names}, of another "
            "type; write both alike."
        )
    return ClassProbabilities(classes, stated, right, _positive_of(classes, pos_label))


def unnamed_label(outputs: Iterable[Any], targets: Iterable[Any]) -> str | None:
    """Say that all outputs are the one probability of a label that nothing names, else ``None``.

    Examples:
        >>> unnamed_label([0.2, 0.7], ["ham", "spam"])
        "outputs are the positive label's probability; name it by pos_label=, one of 'ham', 'spam'"
        >>> unnamed_label([0.2, 0.7], ["no", "yes"]) is unnamed_label(["?"], ["ham"]) is None
        True
    """
    keys = [key for key in distinct_keys(targets) if key != NOT_A_LABEL]
    if not keys or any(is_positive(key, None) is not None for key in keys):
        return None
    stated = (_without_label(output) for output in outputs)
    numbers = (
        not isinstance(one, Mapping) and _number(unwrapped(one)) is not None
        for one in stated
        if one is not None and one == one  # noqa: PLR0124  NaN
    )
    if not (next(numbers, False) and all(numbers)):
        return None
    labels = listed_labels(keys)
    return f"outputs are the positive label's probability; name it by pos_label=, one of {labels}"


def _without_label(output: Any) -> Any:
    """Return what an output says of the classes beside its label."""
    if isinstance(output, Mapping) and "label" in output and "classes" not in output:
        return output.get("probabilities", output.get("decision_values"))
    return output


def _of_positive(
    number: float, target: str, pos_label: str | None, *, scores: bool
) -> ClassProbabilities:
    event = is_positive(target, pos_label)
    if event is None:
        raise UnreadableError(
            f"The output is one number, and {shown(target)!r} may be the positive label or not; "
            "name it with pos_label=."
        )
    negative = -number if scores else 1 - number
    if not scores:
        _check((negative, number))
    return ClassProbabilities((), (negative, number), int(event), 1)


def _named(
    output: Any, target: str, labels: Sequence[str] | None
) -> tuple[tuple[str, ...], Sequence[Any]]:
    """Return the keys of the classes and what is said of each."""
    keys: tuple[str, ...]
    if isinstance(output, Mapping) and "probabilities" not in output and "label" not in output:
        shares = list(output.values())
        keys = _keys_of(tuple(output))
        if not is_text(target):  # keys of a JSON object are texts, whatever they stand for
            keys = _spelled(keys)
    else:
        stated = output if isinstance(output, Mapping) else {"probabilities": output}
        shares = as_list(stated.get("probabilities")) or []
        keys = _keys(as_list(stated.get("classes")), labels, len(shares), target)
    if not shares:
        raise UnreadableError(f"The output states no probabilities: {_short(output)}.")
    if len(set(keys)) != len(shares) or len(keys) != len(shares):
        names = [shown(key) for key in keys]
        raise UnreadableError(f"There are {len(shares)} probabilities for {_short(names)}.")
    return keys, shares


def _keys(
    names: Sequence[Any] | None, labels: Sequence[str] | None, n: int, target: str
) -> tuple[str, ...]:
    if names is not None:
        try:
            return _keys_of(tuple(names))
        except TypeError:  # not hashable, and so no labels
            return (NOT_A_LABEL,) * n
    if labels is not None:
        return tuple(labels)
    if n and is_text(target):
        raise UnreadableError("The probabilities do not name their classes; list them as labels=.")
    return tuple(map(str, range(n)))


# Outputs of one model name the same classes every time.
@functools.lru_cache(maxsize=1024)
def _keys_of(names: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(label_key(name) or NOT_A_LABEL for name in names)


@functools.lru_cache(maxsize=1024)
def _spelled(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spelled_number(key) or key for key in keys)


@functools.lru_cache(maxsize=1024)
def _positive_of(classes: tuple[str, ...], pos_label: str | None) -> int:
    if len(classes) != 2:  # noqa: PLR2004
        return -1
    if pos_label is not None and pos_label not in classes:
        raise UnreadableError(f"pos_label {shown(pos_label)!r} is not one of the two classes.")
    return classes.index(pos_label or positive_label(classes) or in_order(classes)[-1])


def _check(shares: tuple[float, ...]) -> None:
    if min(shares) < 0 or max(shares) > 1:
        raise UnreadableError(f"Probabilities lie in [0, 1], and these do not: {_short(shares)}.")
    if abs(sum(shares) - 1) > SLACK:
        raise UnreadableError(f"Probabilities sum to 1, and these to {sum(shares):.6g}.")


def _number(value: Any) -> float | None:
    if type(value) is float:
        return value if math.isfinite(value) else None
    if hasattr(value, "item") and not isinstance(value, str) and not getattr(value, "ndim", 0):
        value = value.item()
    if isinstance(value, str):
        spelled = spelled_number(label_key(value) or "")
        return None if spelled is None else float(spelled)
    if not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004


def forecast_rows(forecasts: Sequence[ClassProbabilities | None], keys: Sequence[str]) -> Rows:
    """Return statistics of probabilities that any other batch's can be added to.

    Two classes are two numbers: the positive one's score and whether it happened.  More are kept
    with their names, as JSON, since batches may know different ones.

    Examples:
        >>> from evalkit_scorers.classification.probabilities import class_probabilities
        >>> rows = forecast_rows([class_probabilities({"0": 0.25, "1": 0.75}, "1")], ["1"])
        >>> rows.columns["score"].tolist(), rows.columns["event"].tolist()
        ([0.75], [1.0])
    """
    nan = float("nan")
    pairs = [
        (nan, nan) if stated is None else (stated.of_positive, stated.event) for stated in forecasts
    ]
    several = [
        ""
        if stated is None or stated.positive >= 0
        else canonical_json(dict(zip(stated.classes, stated.shares, strict=True))).decode()
        for stated in forecasts
    ]
    numbers = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return Rows(
        {
            "score": numbers[:, 0].copy(),
            "event": numbers[:, 1].copy(),
            "target": np.array(keys, dtype=object),
            "probabilities": np.array(several, dtype=object),
        }
    )


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What ``n`` cases say of each class against the rest, as arrays."""

    scores: FloatArray
    """Shape ``(n, K)``; one column, the positive class's, where there are two classes."""

    events: BoolArray
    """Which class was right, shape ``(n, K)``."""

    classes: tuple[str, ...] = ()
    """Keys of the classes where there are more than two, shape ``(K,)``."""

    @classmethod
    def of(cls, rows: Rows) -> Forecasts | None:
        """Return the forecasts of *rows*; ``None`` where some have two classes and others more."""
        written: list[str] = rows.columns["probabilities"].tolist()
        if not any(written):
            events = rows.columns["event"][:, None] == 1
            return cls(rows.columns["score"][:, None], events)
        if not all(written):
            return None
        stated: list[dict[str, float]] = [parse_json(text) for text in written]
        targets: list[str] = rows.columns["target"].tolist()
        classes = in_order({*targets, *(key for forecast in stated for key in forecast)})
        scores = np.array([[forecast.get(key, 0.0) for key in classes] for forecast in stated])
        events = np.array(targets, dtype=object)[:, None] == np.array(classes, dtype=object)
        return cls(scores, events.astype(np.bool_), classes)
