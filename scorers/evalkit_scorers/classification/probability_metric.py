"""What every metric of probabilities shares: its settings, and reading a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalkit.plugin import CaseBatch, ScoreColumn, Status, targets
from evalkit_scorers.classification.labels import label_key, label_keys, remembered_key
from evalkit_scorers.classification.probabilities import (
    ClassProbabilities,
    UnreadableError,
    class_probabilities,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityMetric:
    """A metric of the probabilities that outputs state, as `class_probabilities` reads them.

    A case without output or target is skipped; an output without usable probabilities fails with
    the reason ``invalid_response``.
    """

    labels: Any = None
    """List of the classes, in the order of outputs that are bare lists of probabilities."""

    pos_label: Any = None
    """Positive one of two labels; 1, true, yes and the like, else the greater one, if ``None``."""

    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations", "probabilities"})
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        label_keys(self.labels)

    def read(
        self, batch: CaseBatch, *, scores: bool = False
    ) -> tuple[list[ClassProbabilities | None], list[str], ScoreColumn]:
        """Return what each output says, the targets' keys, and a column without values.

        Entries are ``None`` and empty texts where the cell is not OK.
        """
        labels, positive = label_keys(self.labels), label_key(self.pos_label)
        column = ScoreColumn(np.full(len(batch), np.nan), np.zeros(len(batch), dtype=np.int8))
        forecasts: list[ClassProbabilities | None] = [None] * len(batch)
        read: dict[Any, str | None] = {}
        keys = [remembered_key(target, read) for target in targets(batch)]
        for row, (output, key) in enumerate(zip(batch.outputs, keys, strict=True)):
            if key is None or output is None or output != output:  # noqa: PLR0124  NaN
                column.status[row] = Status.SKIPPED
                continue
            try:
                forecasts[row] = class_probabilities(
                    output, key, labels=labels, pos_label=positive, scores=scores
                )
            except UnreadableError as error:
                column.fail(row, "invalid_response", str(error))
        pairs = zip(keys, forecasts, strict=True)
        return (
            forecasts,
            [key if key and stated is not None else "" for key, stated in pairs],
            column,
        )
