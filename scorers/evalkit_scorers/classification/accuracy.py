"""Accuracy: the share of right labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.plugin import CaseBatch, ScoreColumn, Status
from evalkit_scorers.classification.reading import label_pairs
from evalkit_scorers.metric import YES_OR_NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Say of each case whether output and target are the same label.

    Its mean equals ``accuracy_score``.  An output that is no known label is wrong, not missing.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": "cat"}) for o in ("cat", "dog", None)]
        >>> Accuracy().score_batch(CaseBatch.of(cases)).values.tolist()
        [1.0, 0.0, nan]

    References:
        scikit-learn, ``sklearn.metrics.accuracy_score``.
    """

    name: str = "classification.accuracy"
    parse_text: bool = False
    """Read texts that spell a number or truth value as that (``"1"`` then equals 1)."""

    facts = YES_OR_NO
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return 1 where the labels are equal, 0 where they differ."""
        pairs = label_pairs(batch, parse_text=self.parse_text)
        right = [got == wanted for got, wanted in zip(pairs.output, pairs.target, strict=True)]
        column = pairs.column
        column.values = np.where(column.status == Status.OK, right, np.nan)
        column.binary = True
        return column
