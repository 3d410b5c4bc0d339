"""The grammar of gates that compare: ``no_regression(key, margin=0.02) [@ ci95 | @ point]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from evalkit.errors import GateSyntaxError
from evalkit.gates.condition import ARGUMENTS, Condition
from evalkit.gates.confidence import NUMBER, read_end
from evalkit.gates.key import parse_key

_START: Final = re.compile(rf"\s*({'|'.join(ARGUMENTS)})\s*\(")
_NUMBER: Final = re.compile(rf"\s*({NUMBER})\s*(%?)\s*")


def parse_paired(gate: str, text: str, start: int) -> Condition | None:
    """Return what *text* says if it is a gate that compares, else ``None``.

    Args:
        gate: The whole gate, for the error's pointer.
        text: The condition.
        start: Place of *text* in *gate*.

    Raises:
        GateSyntaxError: If it begins like one and does not parse.

    Examples:
        >>> gate = "no_regression(m[language=de], margin=2%)"
        >>> condition = parse_paired(gate, gate, 0)
        >>> condition.kind, condition.key_text, condition.margin
        ('no_regression', 'm[language=de]', 0.02)
    """
    start_of_call = _START.match(text)
    if start_of_call is None:
        return None
    kind, opened = start_of_call.group(1), start_of_call.end()
    closed = _closing(text, opened)
    if closed is None:
        raise GateSyntaxError(gate, start + len(text.rstrip()), f"')' at the end of {kind}(…)")
    (first, last), *arguments = _parts(text, opened, closed)
    if not text[first:last].strip():
        raise GateSyntaxError(gate, start + first, f"a metric, as in {_example(kind)}")
    key = parse_key(text[first:last], whole=gate, offset=start + first)
    margin = _margin(gate, text, start, kind, arguments)
    point, level = read_end(gate, text, start, closed + 1, above=0.5)  # one-sided, 0.5 is a guess
    return Condition(
        text=text.strip(),
        kind=kind,
        key=key,
        key_text=text[first:last].strip(),
        margin=margin,
        level=level,
        point=point,
    )


def _example(kind: str) -> str:
    return f"{kind}(text.token_f1, {ARGUMENTS[kind]}=0.02)"


def _closing(text: str, opened: int) -> int | None:
    """Return the place of the parenthesis that closes what *opened* is inside of."""
    depth = 1
    for place in range(opened, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    return None


def _parts(text: str, opened: int, closed: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of each argument: commas inside parentheses and brackets do not divide."""
    depth, first = 0, opened
    for place in range(opened, closed):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[place], 0)
        if text[place] == "," and not depth:
            yield first, place
            first = place + 1
    yield first, closed


def _margin(
    gate: str, text: str, start: int, kind: str, arguments: list[tuple[int, int]]
) -> float | None:
    if not arguments:
        return None
    name = ARGUMENTS[kind]
    (first, last), *more = arguments
    inside = text[first:last]
    position = start + first + len(inside) - len(inside.lstrip())
    given, equals, number = inside.partition("=")
    if not equals or given.strip() != name:
        raise GateSyntaxError(gate, position, f"'{name}=' and a number, as in {_example(kind)}")
    value = _NUMBER.fullmatch(number)
    if value is None:
        place = start + last - len(number.lstrip())
        raise GateSyntaxError(gate, place, f"a number of 0 or more after '{name}='")
    if more:
        raise GateSyntaxError(gate, start + more[0][0] - 1, "')': there is no further argument")
    return float(value.group(1)) / (100.0 if value.group(2) else 1.0)
