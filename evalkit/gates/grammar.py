"""The grammar of gates: ``metric op number [@ ci95 | @ point]`` and the like, joined by ``and``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from evalkit.errors import GateSyntaxError
from evalkit.gates.calibrated import parse_calibrated
from evalkit.gates.condition import Condition
from evalkit.gates.confidence import NUMBER, read_confidence
from evalkit.gates.key import parse_key
from evalkit.gates.paired import parse_paired

_RIGHT: Final = re.compile(
    rf"\s*(?P<number>[-+]?{NUMBER})\s*(?P<percent>%)?\s*(?:@\s*(?P<at>\S+)\s*)?"
)


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
    for word in [*re.finditer(r"\s+and\s+", _outside_brackets(gate)), None]:
        stop = len(gate) if word is None else word.start()
        yield _condition(gate, start, stop)
        start = stop if word is None else word.end()


def _outside_brackets(text: str) -> str:
    """Return *text* with the tags in its brackets blotted out: their values are not grammar."""
    return re.sub(r"\[[^\[\]]*\]", lambda tags: "\0" * len(tags.group()), text)


def _condition(gate: str, start: int, stop: int) -> Condition:
    text = gate[start:stop]
    call = parse_paired(gate, text, start) or parse_calibrated(gate, text, start)
    if call is not None:
        return call
    must = re.fullmatch(r"\s*must_pass((?:\[[^\[\]]*\])*)\s*", text)
    if must is not None:
        tags = parse_key(f"must_pass{must.group(1)}", whole=gate, offset=start).tags
        return Condition(text=text.strip(), kind="must_pass", tags=tags)
    return _comparison(gate, text, start)


def _comparison(gate: str, text: str, start: int) -> Condition:
    sign = re.search(r">=|<=|==|!=|>|<", _outside_brackets(text))
    if sign is None:
        raise GateSyntaxError(gate, start + len(text.rstrip()), "one of >=, <=, >, <, ==, !=")
    if not text[: sign.start()].strip():
        raise GateSyntaxError(gate, start + sign.start(), "a metric before the comparison")
    if text[: sign.start()].rstrip().endswith("="):
        position = start + len(text[: sign.start()].rstrip()) - 1
        raise GateSyntaxError(gate, position, f"{sign.group()[0]}=, the sign that means it")
    early = re.search(r"@\s*(?:point|ci\d)", text[: sign.start()])
    if early is not None:
        raise GateSyntaxError(gate, start + early.start(), "the number before '@'")
    right = _RIGHT.match(text, sign.end())
    if right is None:
        rest = text[sign.end() :]
        place = sign.end() + len(rest) - len(rest.lstrip())
        raise GateSyntaxError(gate, start + place, "a number, then perhaps '@ ci95'")
    if right.end() < len(text):
        raise GateSyntaxError(gate, start + right.end(), "'and', '@ ci95', '@ point' or the end")
    point, level = False, None
    if right["at"] is not None:
        point, level = read_confidence(gate, right["at"], start + right.start("at"))
    threshold = float(right["number"]) / (100.0 if right["percent"] else 1.0)
    left = text[: sign.start()]
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
        op=sign.group(),
        threshold=threshold,
        level=level,
        point=point,
    )
