"""The one thing that a container of one thing holds."""

from __future__ import annotations

from typing import Any, Final

_DEEPEST: Final = 4
"""Containers inside each other that are opened; the answer for one row has two at most."""
_PLAIN: Final = frozenset({str, bytes, bool, int, float, dict})
"""What holds nothing; numpy's numbers, which are floats too, are none of these."""


def unwrapped(value: Any) -> Any:
    """Return what *value* holds if it is a list, array, tensor or Series of one thing, else itself.

    Models answer for batches, so that the answer for one row is an array of one.  Numbers of numpy
    and torch become Python's, and arrays of several things lists.

    Examples:
        >>> import numpy as np
        >>> unwrapped([1]), unwrapped(np.array([[0.3, 0.7]])), unwrapped(np.float64(2))
        (1, [0.3, 0.7], 2.0)
    """
    for _ in range(_DEEPEST):
        if type(value) in _PLAIN:
            return value
        if hasattr(value, "tolist"):
            value = value.tolist()
        elif hasattr(value, "item"):
            value = value.item()
        if not isinstance(value, (list, tuple)) or len(value) != 1:
            return value
        value = value[0]
    return value
