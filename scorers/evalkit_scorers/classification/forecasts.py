"""Probabilities of a batch as statistics of a corpus metric, and back as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.plugin import Rows, canonical_json, parse_json
from evalkit_scorers.arrays import BoolArray, FloatArray
from evalkit_scorers.classification.labels import in_order
from evalkit_scorers.classification.probabilities import ClassProbabilities


def forecast_rows(forecasts: Sequence[ClassProbabilities | None], keys: Sequence[str]) -> Rows:
    """Return statistics of probabilities that any other batch's can be added to.

    Two classes are two numbers: the positive one's score and whether it happened.  More are kept
    with their names, as JSON, since batches may know different ones.

    Examples:
        >>> from evalkit_scorers.classification.probabilities import class_probabilities
        >>> rows = forecast_rows([class_probabilities({"0": 0.25, "1": 0.75}, "1")], ["1"])
        >>> rows.columns["score"].tolist(), rows.columns["event"].tolist()
        ([0.75], [1.0])
    """
    import numpy as np

    nan = float("nan")
    pairs = [
        (nan, nan) if stated is None else (stated.of_positive, stated.event) for stated in forecasts
    ]
    several = [
        "" if stated is None or stated.positive >= 0 else _written(stated) for stated in forecasts
    ]
    numbers = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return Rows(
        {
            "score": numbers[:, 0].copy(),
            "event": numbers[:, 1].copy(),
            "target": np.array(keys, dtype=object),
            "probabilities": np.array(several, dtype=object),
        }
    )


def _written(stated: ClassProbabilities) -> str:
    return canonical_json(dict(zip(stated.classes, stated.shares, strict=True))).decode()


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What ``n`` cases say of each class against the rest, as arrays."""

    scores: FloatArray
    """Shape ``(n, K)``; one column, the positive class's, where there are two classes."""

    events: BoolArray
    """Which class was right, shape ``(n, K)``."""

    @classmethod
    def of(cls, rows: Rows) -> Forecasts | None:
        """Return the forecasts of *rows*; ``None`` where some have two classes and others more."""
        import numpy as np

        written: list[str] = rows.columns["probabilities"].tolist()
        if not any(written):
            events = rows.columns["event"][:, None] == 1
            return cls(rows.columns["score"][:, None], events)
        if not all(written):
            return None
        stated: list[dict[str, float]] = [parse_json(text) for text in written]
        targets: list[str] = rows.columns["target"].tolist()
        classes = in_order({*targets, *(key for forecast in stated for key in forecast)})
        scores = np.array([[forecast.get(key, 0.0) for key in classes] for forecast in stated])
        events = np.array(targets, dtype=object)[:, None] == np.array(classes, dtype=object)
        return cls(scores, events.astype(np.bool_))
