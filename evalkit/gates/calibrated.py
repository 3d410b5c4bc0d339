"""The grammar of gates on a judge's card: ``calibrated(grounded, kappa >= 0.6) [@ point]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evalkit.entities.calibration import FIGURES
from evalkit.errors import GateSyntaxError, near_miss
from evalkit.gates.key import parse_key
from evalkit.gates.paired import read_confidence

CALIBRATED: Final = "calibrated"
_EXAMPLE: Final = "calibrated(grounded, kappa >= 0.6)"
_START: Final = re.compile(rf"\s*{CALIBRATED}\s*\(")
_FIGURE: Final = re.compile(r"\s*(?P<name>[^\s<>=!]*)\s*")
_OPERATOR: Final = re.compile(r">=|<=|==|!=|>|<")
_NUMBER: Final = re.compile(
    r"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<percent>%)?\s*"
)
_AT: Final = re.compile(r"\s*@\s*(?P<at>[^\s)]+)\s*")
_REST: Final = re.compile(r"\s*(?:@\s*(?P<at>\S+)\s*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedWords:
    """What a gate on a card says."""

    judge: str
    figure: str
    op: str
    threshold: float
    level: float | None
    point: bool


def parse_calibrated(gate: str, text: str, start: int) -> CalibratedWords | None:
    """Return what *text* says if it is a gate on a judge's card, else ``None``.

    ``@ point``, or a level, may stand behind the number or behind the parenthesis.

    Args:
        gate: The whole gate, for the error's pointer.
        text: The condition.
        start: Place of *text* in *gate*.

    Raises:
        GateSyntaxError: If it begins like one and does not parse.

    Examples:
        >>> gate = "calibrated(grounded, kappa >= 0.6)"
        >>> found = parse_calibrated(gate, gate, 0)
        >>> found.judge, found.figure, found.op, found.threshold
        ('grounded', 'kappa', '>=', 0.6)
    """
    match = _START.match(text)
    if match is None:
        return None
    opened = match.end()
    closed = text.rfind(")")
    if closed < opened:
        raise GateSyntaxError(
            gate, start + len(text.rstrip()), f"')' at the end of {CALIBRATED}(…)"
        )
    comma = text.find(",", opened, closed)
    judge = text[opened : closed if comma < 0 else comma]
    if not judge.strip():
        raise GateSyntaxError(gate, start + opened, f"a judge, as in {_EXAMPLE}")
    parse_key(judge, whole=gate, offset=start + opened)
    if comma < 0:
        raise GateSyntaxError(gate, start + closed, f"', ' and a figure, as in {_EXAMPLE}")
    name, after = _figure(gate, text, start, comma + 1, closed)
    operator = _OPERATOR.match(text, after)
    if operator is None:
        raise GateSyntaxError(gate, start + after, "one of >=, <=, >, <, ==, !=")
    number = _NUMBER.match(text, operator.end(), closed)
    if number is None:
        raise GateSyntaxError(gate, start + operator.end(), f"a number, as in {_EXAMPLE}")
    inside = _AT.match(text, number.end(), closed)
    end = number.end() if inside is None else inside.end()
    if end != closed:
        raise GateSyntaxError(gate, start + end, f"')' at the end of {CALIBRATED}(…), or '@ point'")
    point, level = _confidence(gate, text, start, closed + 1)
    if inside is not None:
        point, level = read_confidence(gate, inside["at"], start + inside.start("at"))
    return CalibratedWords(
        judge=judge.strip(),
        figure=name,
        op=operator.group(),
        threshold=float(number["number"]) / (100.0 if number["percent"] else 1.0),
        level=level,
        point=point,
    )


def _figure(gate: str, text: str, start: int, first: int, closed: int) -> tuple[str, int]:
    match = _FIGURE.match(text, first, closed)
    name = "" if match is None else match["name"]
    if match is None or name not in FIGURES:
        place = first if match is None else match.start("name")
        hint = near_miss(name, FIGURES).rstrip("?") if name else ""
        raise GateSyntaxError(
            gate, start + place, f"one of {', '.join(FIGURES)};{hint}".rstrip(";")
        )
    return name, match.end()


def _confidence(gate: str, text: str, start: int, after: int) -> tuple[bool, float | None]:
    rest = _REST.fullmatch(text, after)
    if rest is None:
        place = start + after + len(text[after:]) - len(text[after:].lstrip())
        raise GateSyntaxError(gate, place, "the end, 'and', '@ ci95' or '@ point'")
    if rest["at"] is None:
        return False, None
    return read_confidence(gate, rest["at"], start + rest.start("at"))
