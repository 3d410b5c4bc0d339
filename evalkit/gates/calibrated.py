"""The grammar of gates on a judge's card: ``calibrated(grounded, kappa >= 0.6) [@ point]``."""

from __future__ import annotations

import re
from typing import Final

from evalkit.entities.calibration import FIGURES
from evalkit.errors import GateSyntaxError, near_miss
from evalkit.gates.condition import CALIBRATED, Condition
from evalkit.gates.confidence import NUMBER, read_confidence, read_end
from evalkit.gates.key import parse_key

_EXAMPLE: Final = "calibrated(grounded, kappa >= 0.6)"
_START: Final = re.compile(rf"\s*{CALIBRATED}\s*\(")
_FIGURE: Final = re.compile(r"\s*(?P<name>[^\s<>=!]*)\s*")
_OPERATOR: Final = re.compile(r">=|<=|==|!=|>|<")
_NUMBER: Final = re.compile(rf"\s*(?P<number>[-+]?{NUMBER})\s*(?P<percent>%)?\s*")
_AT: Final = re.compile(r"\s*@\s*(?P<at>[^\s)]+)\s*")


def parse_calibrated(gate: str, text: str, start: int) -> Condition | None:
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
        >>> condition = parse_calibrated(gate, gate, 0)
        >>> condition.judge, condition.figure, condition.op, condition.threshold
        ('grounded', 'kappa', '>=', 0.6)
    """
    start_of_call = _START.match(text)
    if start_of_call is None:
        return None
    opened = start_of_call.end()
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
    point, level = read_end(gate, text, start, closed + 1)
    if inside is not None:
        point, level = read_confidence(gate, inside["at"], start + inside.start("at"))
    return Condition(
        text=text.strip(),
        kind=CALIBRATED,
        judge=judge.strip(),
        figure=name,
        op=operator.group(),
        threshold=float(number["number"]) / (100.0 if number["percent"] else 1.0),
        level=level,
        point=point,
    )


def _figure(gate: str, text: str, start: int, first: int, closed: int) -> tuple[str, int]:
    figure = _FIGURE.match(text, first, closed)
    name = "" if figure is None else figure["name"]
    if figure is None or name not in FIGURES:
        place = first if figure is None else figure.start("name")
        hint = near_miss(name, FIGURES).rstrip("?") if name else ""
        raise GateSyntaxError(
            gate, start + place, f"one of {', '.join(FIGURES)};{hint}".rstrip(";")
        )
    return name, figure.end()
