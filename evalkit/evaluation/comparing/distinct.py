"""Cases that are alike in the statistics of both systems, drawn together instead of one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit.scoring.column import Rows

_FEW: Final = 32
"""Kinds of cases are few where there are this many times fewer than cases."""

_WIDEST: Final = 8
"""Columns of a matrix from which finding equal rows costs more than it saves."""


def kinds_of_cases(
    first: Rows, second: Rows
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Return a case of each kind and the number of its kind, where there are few kinds.

    Cases are of one kind where all columns of both systems are equal, as the labels of a
    classifier mostly are.

    Returns:
        Rows and counts, shape ``(kinds,)`` each; ``None`` where there are many kinds.

    Examples:
        >>> from evalkit.scoring.column import Rows
        >>> rows = Rows({"output": np.array(["a", "b"] * 40, dtype=object)})
        >>> kinds_of_cases(rows, rows)
        (array([0, 1]), array([40, 40]))
    """
    codes = np.zeros(len(first), dtype=np.int64)
    for column in (*first.columns.values(), *second.columns.values()):
        values = _codes(column)
        if values is None:
            return None
        codes = np.unique(codes * (int(values.max()) + 1) + values, return_inverse=True)[1]
        if (int(codes.max()) + 1) * _FEW > len(codes):
            return None
    _, rows, counts = np.unique(codes, return_index=True, return_counts=True)
    return rows, counts


def _codes(column: npt.NDArray[Any]) -> npt.NDArray[np.int64] | None:
    """Return a number for each value, equal for equal ones; ``None`` for what has no order."""
    if column.ndim > 1 and column.shape[1] > _WIDEST:
        return None
    try:
        axis = 0 if column.ndim > 1 else None
        values: Iterable[Any] = column
        if column.dtype == object:
            places: dict[Any, int] = {}
            return np.array([places.setdefault(v, len(places)) for v in values], dtype=np.int64)
        return np.unique(column, axis=axis, return_inverse=True)[1].reshape(-1)
    except TypeError:
        return None
