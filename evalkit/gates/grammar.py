"""The grammar of gates: conditions joined by ``and``.

``metric op number``, ``n(metric) >= 100``, ``skipped <= 5 %``, ``no_regression(key, margin=0.02)``
and its kin, ``calibrated(judge, kappa >= 0.6)``, each with ``@ ci95`` or ``@ point`` behind it if
wanted, and ``must_pass[tag=value]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from evalkit.entities.calibration import FIGURES
from evalkit.errors import GateSyntaxError, UsageError, near_miss
from evalkit.gates.condition import ARGUMENTS, CALIBRATED, COUNTED, OPERATORS, RANGES, Condition
from evalkit.gates.key import Key, parse_key

_NUMBER: Final = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%)?\s*")
_OPERATOR: Final = re.compile(">=|<=|==|!=|>|<")
_ANY_OPERATOR: Final = f"one of {', '.join(OPERATORS)}"
_AT: Final = re.compile(r"@\s*(\S+)\s*")
_CALL: Final = re.compile(rf"\s*({'|'.join((*ARGUMENTS, CALIBRATED))})\s*\(")
_MUST_PASS: Final = re.compile(r"\s*must_pass((?:\[[^\[\]]*\])*)\s*")
_PLAIN: Final = re.compile(r"\s*(coverage|cost|skipped)\s*")
_COUNT: Final = re.compile(rf"\s*({'|'.join(COUNTED)})\s*\((.*)\)\s*", re.DOTALL)
_FIGURE: Final = re.compile(r"\s*([^\s<>=!]*)\s*")


def parse_gates(gates: str | Iterable[str] | None) -> list[Condition]:
    """Return the conditions of one gate, several or none.

    Raises:
        GateSyntaxError: If one does not parse; its text points at the character.

    Examples:
        >>> [c.op for c in parse_gates("a >= 0.5 and coverage >= 98 % and p95(b) <= 2 @ point")]
        ['>=', '>=', '<=']
        >>> condition = parse_gates("no_regression(m[language=de], margin=2%)")[0]
        >>> condition.kind, condition.key_text, condition.margin
        ('no_regression', 'm[language=de]', 0.02)
        >>> condition = parse_gates("calibrated(grounded, kappa >= 0.6)")[0]
        >>> condition.judge, condition.figure, condition.op, condition.threshold
        ('grounded', 'kappa', '>=', 0.6)
    """
    texts = [gates] if isinstance(gates, str) else list(gates or ())
    return [condition for text in texts for condition in _conditions(text)]


def check_single(condition: Condition) -> Key:
    """Return the metric of a condition that a single case can meet.

    Raises:
        UsageError: If it is about several cases.
    """
    key = condition.key
    if condition.kind != "metric" or key is None or key.function or key.tags or key.worst_by:
        raise UsageError(f"{condition.text!r} is not about a single case; use a metric by itself.")
    return key


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
    """Return the condition that *gate* writes from *start* to *stop*."""
    call = _CALL.match(gate, start, stop)
    if call is not None:
        return (_calibrated if call.group(1) == CALIBRATED else _paired)(call, _ends(call))
    must = _MUST_PASS.fullmatch(gate, start, stop)
    if must is not None:
        tags = parse_key(f"must_pass{must.group(1)}", whole=gate, offset=start).tags
        return Condition(text=gate[start:stop].strip(), kind="must_pass", tags=tags)
    return _comparison(gate, start, stop)


def _ends(call: re.Match[str]) -> list[int]:
    """Return where each argument of a call ends: at its commas, and where it is closed."""
    outside, depth = _outside_brackets(call.string), 1
    ends: list[int] = []
    for place in range(call.end(), call.endpos):
        depth += {"(": 1, ")": -1}.get(outside[place], 0)
        if not depth:
            return [*ends, place]
        if depth == 1 and outside[place] == ",":
            ends.append(place)
    end = len(call.string[: call.endpos].rstrip())
    raise GateSyntaxError(call.string, end, f"')' at the end of {call.group(1)}(…)")


def _paired(call: re.Match[str], ends: list[int]) -> Condition:
    """Return a condition that compares."""
    gate, kind, opened = call.string, call.group(1), call.end()
    name, left = ARGUMENTS[kind], gate[opened : ends[0]]
    example = f"{kind}(text.token_f1, {name}=0.02)"
    if not left.strip():
        raise GateSyntaxError(gate, opened, f"a metric, as in {example}")
    key, margin = parse_key(left, whole=gate, offset=opened), None
    if len(ends) > 1:
        first = _after_spaces(gate, ends[0] + 1, ends[1])
        written, equals, number = gate[first : ends[1]].partition("=")
        if not equals or written.strip() != name:
            raise GateSyntaxError(gate, first, f"'{name}=' and a number, as in {example}")
        place, expected = ends[1] - len(number.lstrip()), f"a number of 0 or more after '{name}='"
        margin, end = _number(gate, place, ends[1], expected)
        if margin < 0 or end < ends[1]:
            raise GateSyntaxError(gate, place, expected)
    if len(ends) > 2:  # noqa: PLR2004
        raise GateSyntaxError(gate, ends[1], "')': there is no further argument")
    point, level = _confidence(gate, ends[-1] + 1, call.endpos)
    return Condition(
        text=gate[call.pos : call.endpos].strip(),
        kind=kind,
        key=key,
        key_text=left.strip(),
        margin=margin,
        level=level,
        point=point,
    )


def _calibrated(call: re.Match[str], ends: list[int]) -> Condition:
    """Return a condition on a judge's card; its end may stand inside the parentheses, too."""
    gate, example = call.string, f"{CALIBRATED}(grounded, kappa >= 0.6)"
    judge, closed = gate[call.end() : ends[0]], ends[-1]
    if not judge.strip():
        raise GateSyntaxError(gate, call.end(), f"a judge, as in {example}")
    parse_key(judge, whole=gate, offset=call.end())
    if len(ends) == 1:
        raise GateSyntaxError(gate, closed, f"', ' and a figure, as in {example}")
    figure = _FIGURE.match(gate, ends[0] + 1, closed)
    assert figure is not None  # noqa: S101  it may be empty
    name = figure.group(1)
    if name not in FIGURES:
        hint = near_miss(name, FIGURES).rstrip("?") if name else ""
        expected = f"one of {', '.join(FIGURES)};{hint}".rstrip(";")
        raise GateSyntaxError(gate, figure.start(1), expected)
    sign = _OPERATOR.match(gate, figure.end(), closed)
    if sign is None:
        raise GateSyntaxError(gate, figure.end(), _ANY_OPERATOR)
    threshold, end = _number(gate, sign.end(), closed, f"a number, as in {example}")
    inside = _confidence(gate, end, closed, f"')' at the end of {CALIBRATED}(…), or '@ point'")
    behind = _confidence(gate, closed + 1, call.endpos)
    point, level = inside if any(inside) else behind
    return Condition(
        text=gate[call.pos : call.endpos].strip(),
        kind=CALIBRATED,
        judge=judge.strip(),
        figure=name,
        op=sign.group(),
        threshold=threshold,
        level=level,
        point=point,
    )


def _comparison(gate: str, start: int, stop: int) -> Condition:
    sign = _OPERATOR.search(_outside_brackets(gate), start, stop)
    if sign is None:
        raise GateSyntaxError(gate, start + len(gate[start:stop].rstrip()), _ANY_OPERATOR)
    left = gate[start : sign.start()]
    name = left.strip()
    if not name:
        raise GateSyntaxError(gate, sign.start(), "a metric before the comparison")
    if name.endswith("="):
        position = start + len(left.rstrip()) - 1
        raise GateSyntaxError(gate, position, f"{sign.group()[0]}=, the sign that means it")
    early = re.search(r"@\s*(?:point|ci\d)", left)
    if early is not None:
        raise GateSyntaxError(gate, start + early.start(), "the number before '@'")
    place = _after_spaces(gate, sign.end(), stop)
    threshold, end = _number(gate, place, stop, "a number, then perhaps '@ ci95'")
    point, level = _confidence(gate, end, stop)
    kind, inside = _kind(gate, start, sign.start())
    if kind in {"coverage", "skipped"} and threshold > 1:
        raise GateSyntaxError(gate, place, f"a share of at most 1, such as {threshold:g} %")
    key = None if inside is None else parse_key(inside.group(), whole=gate, offset=inside.start())
    if kind in COUNTED and key is not None and (key.function or key.worst_by):
        raise GateSyntaxError(gate, start, f"a metric, perhaps with tags, inside {kind}(…)")
    condition = Condition(
        text=gate[start:stop].strip(),
        kind=kind,
        key=key,
        key_text=None if inside is None else inside.group().strip(),
        op=sign.group(),
        threshold=threshold,
        level=level,
        point=point,
    )
    why = condition.vacuous_in(*RANGES[kind]) if kind in RANGES else None
    if why is not None:
        raise GateSyntaxError(gate, place, f"a number that decides something: {why}")
    return condition


def _kind(gate: str, start: int, stop: int) -> tuple[str, re.Match[str] | None]:
    """Return what a comparison is about, and where the key that it names stands, if any."""
    plain = _PLAIN.fullmatch(gate, start, stop)
    if plain is not None:
        return plain.group(1), None
    counted = _COUNT.fullmatch(gate, start, stop)
    key = re.compile(r".*", re.DOTALL)
    if counted is not None:
        return counted.group(1), key.fullmatch(gate, *counted.span(2))
    return "metric", key.fullmatch(gate, start, stop)


def _after_spaces(gate: str, start: int, stop: int) -> int:
    return stop - len(gate[start:stop].lstrip())


def _number(gate: str, start: int, stop: int, expected: str) -> tuple[float, int]:
    """Return the number, or per cent, at *start* and the place behind it."""
    number = _NUMBER.match(gate, start, stop)
    if number is None:
        raise GateSyntaxError(gate, start, expected)
    return float(number.group(1)) / (100.0 if number.group(2) else 1.0), number.end()


def _confidence(
    gate: str, start: int, stop: int, expected: str = "'and', '@ ci95', '@ point' or the end"
) -> tuple[bool, float | None]:
    """Return what stands behind ``@``: whether the value alone decides, and the level.

    It may stand from *start* on, and nothing else before *stop*.
    """
    start = _after_spaces(gate, start, stop)
    at = _AT.match(gate, start, stop)
    end = start if at is None else at.end()
    if end < stop:
        raise GateSyntaxError(gate, end, expected)
    if at is None or at.group(1) == "point":
        return at is not None, None
    level = re.fullmatch(r"ci(\d{2}(?:\.\d+)?)", at.group(1))
    if level is None:
        raise GateSyntaxError(gate, at.start(1), "ci95 (or another level) or point")
    if float(level.group(1)) <= 50:  # noqa: PLR2004  a guess
        raise GateSyntaxError(gate, at.start(1), "a level above ci50")
    return False, float(level.group(1)) / 100
