"""The form that a judge fills in: which verdicts there are, and what each is worth."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from evalkit.entities.estimate import Direction
from evalkit.errors import UsageError
from evalkit.scoring.facts import MetricFacts

Value = float | bool | None
Kind = Literal["choice", "number", "text"]

_LONGEST_LABEL: Final = 200
_TRUE: Final = frozenset({"yes", "true"})
_FALSE: Final = frozenset({"no", "false"})
_STEPS: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What may be answered.

    Examples:
        >>> form = choices_form({"yes": 1.0, "partly": 0.5, "no": 0.0})
        >>> form.label(" Partly."), form.label("maybe"), form.value("partly")
        ('partly', None, 0.5)
        >>> scale_form({1: "useless", 5: "perfect"}).labels
        ('1', '2', '3', '4', '5')
    """

    kind: Kind = "choice"
    labels: tuple[str, ...] = ()
    """The menu, in the order in which it is shown; empty for free numbers and texts."""

    values: tuple[Value, ...] = ()
    """What each label is worth; ``None`` where it is a label only."""

    numeric: bool = False
    """Whether labels are written as numbers."""

    anchors: tuple[tuple[str, str], ...] = ()
    """Label and what it means."""

    low: float | None = None
    high: float | None = None

    parts: str | None = None
    """Name of the list of parts, such as ``claims``, each with a verdict of its own."""

    spans: bool = False
    """Whether a verdict may name the span of a trace that it speaks of."""

    def label(self, given: Any) -> str | None:
        """Return the label that *given* stands for; ``None`` if it is off the menu."""
        if self.kind == "text":
            text = given.strip() if isinstance(given, str) else ""
            return text if 0 < len(text) <= _LONGEST_LABEL else None
        if self.kind == "number":
            return self._number(given)
        if isinstance(given, str) and given in self.labels:
            return given
        if isinstance(given, bool):
            words = _TRUE if given else _FALSE
            labels = [label for label in self.labels if label.casefold() in words]
            return labels[0] if len(labels) == 1 else None
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if not isinstance(given, (str, int, float)):
            return None
        text = _folded(str(given))
        alike = [label for label in self.labels if _folded(label) == text]
        if not alike and self.numeric and re.fullmatch(r"-?\d+\.0+", text):
            alike = [label for label in self.labels if label == text.partition(".")[0]]
        return alike[0] if len(alike) == 1 else None

    def _number(self, given: Any) -> str | None:
        if isinstance(given, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)\s*", given):
            given = float(given)
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            return None
        number = float(given)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not math.isfinite(number) or not low <= number <= high:
            return None
        return f"{number:g}" if float(f"{number:g}") == number else repr(number)

    def value(self, label: str) -> Value:
        """Return what *label*, which is on the menu, is worth."""
        if self.kind == "number":
            return float(label)
        return self.values[self.labels.index(label)] if self.labels else None

    @property
    def valued(self) -> bool:
        """Whether verdicts have values, rather than labels alone."""
        return self.kind == "number" or any(value is not None for value in self.values)

    @property
    def binary(self) -> bool:
        """Whether every verdict is worth 0 or 1."""
        return self.kind == "choice" and set(self.values) == {0, 1}

    def extreme(self, direction: Direction) -> tuple[str, Value] | None:
        """Return the worst verdict and its value; ``None`` where no direction is better."""
        if direction == "none" or not self.valued:
            return None
        pick = min if direction == "higher" else max
        if self.kind == "number":
            end = self.low if direction == "higher" else self.high
            return None if end is None else (f"{end:g}", end)
        ranked = [(v, n) for n, v in enumerate(self.values) if v is not None]
        value, place = pick(ranked, key=lambda pair: float(pair[0]))
        return self.labels[place], value

    def facts(self, direction: Direction, *, single: bool) -> MetricFacts:
        """Return the facts of a metric of such verdicts; *single* where each is one verdict."""
        values = [float(value) for value in self.values if value is not None]
        low = min(values) if values else self.low
        high = max(values) if values else self.high
        binary = single and self.binary and self.parts is None
        return MetricFacts(direction=direction, low=low, high=high, binary=binary)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the answer; the rationale comes before the verdict."""
        verdict: dict[str, Any] = {"rationale": {"type": "string"}}
        if self.spans:
            verdict["span_id"] = {"type": ["string", "null"]}
        verdict["verdict"] = self._verdict_schema()
        if self.parts is None:
            return _closed(verdict) | {"title": "verdict"}
        each = _closed({"text": {"type": "string"}, **verdict})
        return _closed({self.parts: {"type": "array", "items": each}}) | {"title": "verdict"}

    def _verdict_schema(self) -> dict[str, Any]:
        if self.kind == "text":
            return {"type": "string"}
        if self.kind == "number":
            ends = {"minimum": self.low, "maximum": self.high}
            return {
                "type": "number",
                **{name: end for name, end in ends.items() if end is not None},
            }
        if self.numeric:
            return {"type": "integer", "enum": [int(label) for label in self.labels]}
        return {"type": "string", "enum": list(self.labels)}

    def menu(self) -> str:
        """Say what may be answered, in words."""
        if self.kind == "text":
            return "a short label"
        if self.kind == "number":
            ends = [f" from {self.low:g}" if self.low is not None else ""]
            ends.append(f" to {self.high:g}" if self.high is not None else "")
            return "a number" + "".join(ends)
        if self.numeric:
            return "one of the whole numbers " + ", ".join(self.labels)
        return "one of " + ", ".join(f'"{label}"' for label in self.labels)


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _folded(text: str) -> str:
    return text.strip().strip("\"'`*.").strip().casefold()


def choice_pairs(choices: Any) -> tuple[tuple[str, Value], ...]:
    """Return labels and what each is worth, in order; ``None`` for labels alone.

    Raises:
        UsageError: If *choices* are no labels.
    """
    if isinstance(choices, Mapping):
        return tuple((str(label), value) for label, value in choices.items())
    if isinstance(choices, str):
        raise UsageError("choices= is a mapping from label to value, or a list of labels.")
    return tuple(
        (choice, None) if isinstance(choice, str) else (str(choice[0]), choice[1])
        for choice in cast("Sequence[Any]", choices or ())
    )


def scale_steps(scale: Any) -> Any:
    """Return the anchors of a scale as pairs, in order; of a range and of ends, both ends.

    Raises:
        UsageError: If a step is no number.
    """
    if not scale:
        return None
    if isinstance(scale, range):
        return (scale[0], scale[-1])
    if isinstance(scale, Mapping):
        pairs = [(_step(at), None if text is None else str(text)) for at, text in scale.items()]
        return tuple(sorted(pairs, key=lambda pair: pair[0]))
    steps = list(scale)
    if steps and isinstance(steps[0], (list, tuple)):
        return tuple((_step(at), text) for at, text in steps)
    return tuple(map(_step, steps))


def _step(at: Any) -> float | int:
    try:
        number = float(at)
    except (TypeError, ValueError):
        raise UsageError(f"scale= has numbers as its steps; got {at!r}.") from None
    return int(number) if number.is_integer() and not isinstance(at, float) else number


def choices_form(choices: Mapping[str, Value] | Sequence[Any], parts: str | None = None) -> Form:
    """Return the form of a menu: labels with their values, or labels alone.

    Raises:
        UsageError: If there are fewer than two labels, or two that look alike.
    """
    pairs = choice_pairs(choices)
    labels = tuple(label for label, _ in pairs)
    if len(labels) < 2:  # noqa: PLR2004  a choice is between two at least
        raise UsageError(f"choices= needs at least two labels; got {list(labels)}.")
    if len({_folded(label) for label in labels}) < len(labels) or not all(map(_folded, labels)):
        raise UsageError(f"choices= must differ by more than case: {', '.join(labels)}.")
    values = tuple(value for _, value in pairs)
    for value in values:
        if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"choices= map labels to numbers, True, False or None; got {value!r}.")
    if len({value is None for value in values}) > 1:
        raise UsageError("choices= give a value to each label, or to none.")
    return Form(labels=labels, values=values, parts=parts)


def scale_form(scale: Any, parts: str | None = None) -> Form:
    """Return the form of a scale: anchors by whole number, a range, or both ends.

    Raises:
        UsageError: If it is none of these, or has more than 101 steps.
    """
    steps = scale_steps(scale) or ()
    anchors = dict(steps) if steps and isinstance(steps[0], tuple) else {}
    ends = list(anchors or steps)
    if len(ends) < 2:  # noqa: PLR2004  a scale has two ends
        raise UsageError(f"scale= is anchors such as {{1: 'poor', 5: 'good'}}; got {scale!r}.")
    # Anchors at 1.0 and 2.0 are steps; the ends 1.0 and 2.0 ask for what lies between as well.
    if not all(float(end).is_integer() if anchors else isinstance(end, int) for end in ends):
        written = tuple((f"{at:g}", str(text)) for at, text in anchors.items() if text)
        low, high = float(min(ends)), float(max(ends))
        return Form(kind="number", low=low, high=high, anchors=written, parts=parts)
    low, high = int(min(ends)), int(max(ends))
    if not 1 <= high - low < _STEPS:
        raise UsageError(f"scale= has 2 to {_STEPS} steps; {low} to {high} has {high - low + 1}.")
    return Form(
        labels=tuple(map(str, range(low, high + 1))),
        values=tuple(map(float, range(low, high + 1))),
        numeric=True,
        anchors=tuple((str(int(at)), str(text)) for at, text in anchors.items() if text),
        parts=parts,
    )


def form_of(choices: Any, scale: Any, value_type: Any, parts: str | None) -> Form:
    """Return the form that a judge's settings ask for; yes or no if they ask for nothing.

    Raises:
        UsageError: If they contradict each other.
    """
    if choices and scale:
        raise UsageError("Give choices= or scale=, not both.")
    if choices:
        return choices_form(choices, parts)
    if scale:
        form = scale_form(scale, parts)
        if value_type == "float" and form.kind == "choice":
            low, high = form.values[0], form.values[-1]
            return Form(kind="number", low=low, high=high, anchors=form.anchors, parts=parts)
        return form
    if value_type == "str":
        return Form(kind="text", parts=parts)
    if value_type == "float":
        return Form(kind="number", parts=parts)
    if value_type == "int":
        raise UsageError("value_type=int needs scale=, such as scale=(1, 5).")
    if value_type not in {None, "bool"}:
        raise UsageError(f"value_type= is bool, int, float or str; got {value_type!r}.")
    return choices_form({"yes": True, "no": False}, parts)
