"""Statistics of cases as the arrays that scikit-learn takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from evalkit.plugin import Rows
from evalkit_scorers.arrays import AnyArray
from evalkit_scorers.classification.confusion import ConfusionCells
from evalkit_scorers.classification.forecasts import Forecasts
from evalkit_scorers.classification.labels import is_text, shown


class Arrays(NamedTuple):
    """What a metric is called with."""

    targets: AnyArray
    """First argument, shape ``(m,)``."""

    outputs: AnyArray
    """Second argument, shape ``(m,)``, or ``(m, K)`` for more than two classes."""

    classes: int | None = None
    """Number of classes, where targets are their numbers."""


def label_arrays(cells: ConfusionCells) -> Arrays:
    """Return the labels of each distinct pair, shape ``(C,)``, as texts or as numbers.

    Beside numbers, an output that is none becomes a number of its own: a wrong answer.

    Examples:
        >>> import numpy as np
        >>> keys = {"target": ["1", "0"], "output": ["1", '"er"']}
        >>> rows = Rows({name: np.array(some, dtype=object) for name, some in keys.items()})
        >>> label_arrays(ConfusionCells.of(rows)).outputs.tolist()
        [1, 2]
    """
    in_targets = [cells.labels[number] for number in set(cells.target.tolist())]
    if any(is_text(key) for key in in_targets):
        values: Any = np.array([shown(key) for key in cells.labels], dtype=object)
    else:
        values = np.array(_numbers(cells.labels))
    return Arrays(values[cells.target], values[cells.output])


def _numbers(keys: Sequence[str]) -> list[float]:
    numeric = {key: float(key) for key in keys if not is_text(key) and key != "null"}
    following = int(max(numeric.values(), default=0.0)) + 1
    whole = all(number.is_integer() for number in numeric.values())
    others = [key for key in keys if key not in numeric]
    numeric |= {key: float(following + place) for place, key in enumerate(others)}
    return [int(numeric[key]) if whole else numeric[key] for key in keys]


def forecast_arrays(rows: Rows) -> Arrays:
    """Return which class was right, and the numbers that were given to the classes.

    Raises:
        ValueError: If some outputs have two classes and others more.
    """
    forecasts = Forecasts.of(rows)
    if forecasts is None:
        raise ValueError("some outputs have two classes and others more")
    if forecasts.scores.shape[1] == 1:
        return Arrays(forecasts.events[:, 0].astype(np.int64), forecasts.scores[:, 0], 2)
    right = forecasts.events.argmax(axis=1)
    return Arrays(right, forecasts.scores, forecasts.scores.shape[1])
