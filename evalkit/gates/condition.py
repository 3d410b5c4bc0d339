"""The grammar of gates: ``metric op number [@ ci95 | @ point]`` and the like, joined by ``and``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from evalkit.errors import GateSyntaxError
from evalkit.gates.calibrated import CALIBRATED, parse_calibrated
from evalkit.gates.key import Key, parse_key
from evalkit.gates.paired import ARGUMENTS, parse_paired, read_confidence

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
PAIRED: Final = tuple(ARGUMENTS)
"""Kinds of conditions that compare with a baseline."""

_RIGHT = re.compile(
    r"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<percent>%)?\s*"
    r"(?:@\s*(?P<at>\S+)\s*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a gate.

    `kind` is ``metric``, ``coverage``, ``cost``, ``must_pass``, ``calibrated``, or one of `PAIRED`.
    """

    text: str
    kind: str
    key: Key | None = None
    op: str = ">="
    threshold: float = 0.0
    level: float | None = None
    """Confidence level that was written; ``None`` means the result's own."""

    point: bool = False
    """Whether the value alone decides."""

    tags: tuple[tuple[str, str], ...] = ()
    """Of ``must_pass``: tag values of the cases that must pass."""

    key_text: str | None = None
    """The key as it was written."""

    margin: float | None = None
    """Of a kind that compares: its margin in the metric's unit; ``None`` means the default."""

    judge: str | None = None
    """Of ``calibrated``: metric whose card is meant."""

    figure: str | None = None
    """Of ``calibrated``: figure of the card."""

    @property
    def compares(self) -> bool:
        """Whether a baseline is needed."""
        return self.kind in PAIRED


def parse_gates(gates: str | Iterable[str]) -> list[Condition]:
    """Return the conditions of one gate or several.

    Raises:
        GateSyntaxError: If one does not parse; its text points at the character.

    Examples:
        >>> [c.op for c in parse_gates("a >= 0.5 and coverage >= 98 % and p95(b) <= 2 @ point")]
        ['>=', '>=', '<=']
    """
    texts = [gates] if isinstance(gates, str) else list(gates)
    return [condition for text in texts for condition in _conditions(text)]


def _conditions(gate: str) -> Iterator[Condition]:
    start = 0
    for match in [*re.finditer(r"\s+and\s+", _outside_brackets(gate)), None]:
        stop = len(gate) if match is None else match.start()
        yield _condition(gate, start, stop)
        start = stop if match is None else match.end()


def _outside_brackets(text: str) -> str:
    """Return *text* with the tags in its brackets blotted out: their values are not grammar."""
    return re.sub(r"\[[^\[\]]*\]", lambda match: "\0" * len(match.group()), text)


def _condition(gate: str, start: int, stop: int) -> Condition:
    text = gate[start:stop]
    paired = parse_paired(gate, text, start)
    if paired is not None:
        return Condition(
            text=text.strip(),
            kind=paired.kind,
            key=paired.key,
            key_text=paired.key_text,
            margin=paired.margin,
            level=paired.level,
            point=paired.point,
        )
    card = parse_calibrated(gate, text, start)
    if card is not None:
        return Condition(
            text=text.strip(),
            kind=CALIBRATED,
            judge=card.judge,
            figure=card.figure,
            op=card.op,
            threshold=card.threshold,
            level=card.level,
            point=card.point,
        )
    must = re.fullmatch(r"\s*must_pass((?:\[[^\[\]]*\])*)\s*", text)
    if must is not None:
        tags = parse_key(f"must_pass{must.group(1)}", whole=gate, offset=start).tags
        return Condition(text=text.strip(), kind="must_pass", tags=tags)
    return _comparison(gate, text, start)


def _comparison(gate: str, text: str, start: int) -> Condition:
    match = re.search(r">=|<=|==|!=|>|<", _outside_brackets(text))
    if match is None:
        raise GateSyntaxError(gate, start + len(text.rstrip()), "one of >=, <=, >, <, ==, !=")
    if not text[: match.start()].strip():
        raise GateSyntaxError(gate, start + match.start(), "a metric before the comparison")
    if text[: match.start()].rstrip().endswith("="):
        position = start + len(text[: match.start()].rstrip()) - 1
        raise GateSyntaxError(gate, position, f"{match.group()[0]}=, the sign that means it")
    early = re.search(r"@\s*(?:point|ci\d)", text[: match.start()])
    if early is not None:
        raise GateSyntaxError(gate, start + early.start(), "the number before '@'")
    right = _RIGHT.match(text, match.end())
    if right is None:
        rest = text[match.end() :]
        place = match.end() + len(rest) - len(rest.lstrip())
        raise GateSyntaxError(gate, start + place, "a number, then perhaps '@ ci95'")
    if right.end() < len(text):
        raise GateSyntaxError(gate, start + right.end(), "'and', '@ ci95', '@ point' or the end")
    point, level = False, None
    if right["at"] is not None:
        point, level = read_confidence(gate, right["at"], start + right.start("at"))
    threshold = float(right["number"]) / (100.0 if right["percent"] else 1.0)
    left = text[: match.start()]
    name = left.strip()
    simple = name in {"coverage", "cost"}
    if name == "coverage" and threshold > 1:
        expected = f"a share of at most 1, such as {right['number']} %"
        raise GateSyntaxError(gate, start + right.start("number"), expected)
    return Condition(
        text=text.strip(),
        kind=name if simple else "metric",
        key=None if simple else parse_key(left, whole=gate, offset=start),
        key_text=None if simple else name,
        op=match.group(),
        threshold=threshold,
        level=level,
        point=point,
    )
