"""What stands behind ``@`` in a gate: the interval's level, or that the value alone decides."""

from __future__ import annotations

import re
from typing import Final

from evalkit.errors import GateSyntaxError

NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""A number without a sign, as gates write it."""

_END: Final = re.compile(r"\s*(?:@\s*(?P<at>\S+)\s*)?")


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


def read_end(
    gate: str, text: str, start: int, after: int, *, above: float = 0.0
) -> tuple[bool, float | None]:
    """Return what `read_confidence` does of the end of *text*, which may be empty.

    Args:
        gate: The whole gate, for the error's pointer.
        text: The condition.
        start: Place of *text* in *gate*.
        after: Place in *text* at which its end begins.
        above: Level that a level must exceed.

    Raises:
        GateSyntaxError: If something else stands there, or the level is too low.
    """
    end = _END.fullmatch(text, after)
    if end is None:
        place = start + len(text) - len(text[after:].lstrip())
        raise GateSyntaxError(gate, place, "the end, 'and', '@ ci95' or '@ point'")
    if end["at"] is None:
        return False, None
    place = start + end.start("at")
    point, level = read_confidence(gate, end["at"], place)
    if level is not None and level <= above:
        raise GateSyntaxError(gate, place, f"a level above ci{above * 100:.0f}")
    return point, level
