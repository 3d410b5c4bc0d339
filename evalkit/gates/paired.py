"""The grammar of gates that compare: ``no_regression(key, margin=0.02) [@ ci95 | @ point]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evalkit.errors import GateSyntaxError
from evalkit.gates.key import Key, parse_key

ARGUMENTS: Final = {"no_regression": "margin", "improves": "by", "equivalent": "margin"}
"""Name of each gate that compares -> the argument that it takes besides the key."""

DEFAULTS: Final = {"no_regression": 0.02, "improves": 0.0, "equivalent": 0.01}
"""Margin of each, as a share of the metric's range, where none is written."""

_START: Final = re.compile(rf"\s*({'|'.join(ARGUMENTS)})\s*\(")
_NUMBER: Final = re.compile(r"\s*(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)\s*(%?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedWords:
    """What a gate that compares says."""

    kind: str
    key: Key
    key_text: str
    margin: float | None
    """In the metric's unit; ``None`` where none is written."""

    level: float | None
    point: bool


def parse_paired(gate: str, text: str, start: int) -> PairedWords | None:
    """Return what *text* says if it is a gate that compares, else ``None``.

    Args:
        gate: The whole gate, for the error's pointer.
        text: The condition.
        start: Place of *text* in *gate*.

    Raises:
        GateSyntaxError: If it begins like one and does not parse.

    Examples:
        >>> gate = "no_regression(m[language=de], margin=2%)"
        >>> found = parse_paired(gate, gate, 0)
        >>> found.kind, found.key_text, found.margin
        ('no_regression', 'm[language=de]', 0.02)
    """
    match = _START.match(text)
    if match is None:
        return None
    kind, opened = match.group(1), match.end()
    closed = _closing(text, opened)
    if closed is None:
        raise GateSyntaxError(gate, start + len(text.rstrip()), f"')' at the end of {kind}(…)")
    (first, last), *arguments = list(_parts(text, opened, closed))
    if not text[first:last].strip():
        raise GateSyntaxError(gate, start + first, f"a metric, as in {_example(kind)}")
    key = parse_key(text[first:last], whole=gate, offset=start + first)
    margin = _margin(gate, text, start, kind, arguments)
    point, level = _rest(gate, text, start, closed + 1)
    return PairedWords(
        kind=kind,
        key=key,
        key_text=text[first:last].strip(),
        margin=margin,
        level=level,
        point=point,
    )


def read_confidence(gate: str, at: str, position: int) -> tuple[bool, float | None]:
    """Return what stands behind ``@``: whether the value alone decides, and the level.

    Raises:
        GateSyntaxError: If it is neither ``point`` nor a level such as ``ci95``.
    """
    if at == "point":
        return True, None
    level = re.fullmatch(r"ci(\d{2}(?:\.\d+)?)", at)
    if level is None:
        raise GateSyntaxError(gate, position, "ci95 (or another level) or point")
    return False, float(level.group(1)) / 100


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
    match = _NUMBER.fullmatch(number)
    if match is None:
        place = start + last - len(number.lstrip())
        raise GateSyntaxError(gate, place, f"a number of 0 or more after '{name}='")
    if more:
        raise GateSyntaxError(gate, start + more[0][0] - 1, "')': there is no further argument")
    return float(match.group(1)) / (100.0 if match.group(2) else 1.0)


def _rest(gate: str, text: str, start: int, after: int) -> tuple[bool, float | None]:
    rest = re.fullmatch(r"\s*(?:@\s*(?P<at>\S+)\s*)?", text[after:])
    if rest is None:
        place = start + after + len(text[after:]) - len(text[after:].lstrip())
        raise GateSyntaxError(gate, place, "the end, 'and', '@ ci95' or '@ point'")
    if rest["at"] is None:
        return False, None
    place = start + after + rest.start("at")
    point, level = read_confidence(gate, rest["at"], place)
    if level is not None and level <= 0.5:  # noqa: PLR2004  one-sided, that would be a guess
        raise GateSyntaxError(gate, place, "a level above ci50")
    return point, level
