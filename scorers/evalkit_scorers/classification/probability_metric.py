"""What every metric of probabilities shares; Brier score and log loss, which score each case."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, Status, targets
from evalkit_scorers.classification.labels import (
    label_key,
    label_keys,
    missing_label,
    remembered_key,
)
from evalkit_scorers.classification.probabilities import (
    ClassProbabilities,
    UnreadableError,
    class_probabilities,
    unnamed_label,
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

    def check_targets(self, targets: Iterable[Any], /) -> str | None:
        """Say before the run that no case has the positive label; ``None`` where all is well."""
        return missing_label(self.pos_label, targets)

    def check_outputs(self, outputs: Iterable[Any], targets: Iterable[Any], /) -> str | None:
        """Say before the run that nothing names the positive label; ``None`` where all is well."""
        return unnamed_label(outputs, targets) if self.pos_label is None else None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Brier(ProbabilityMetric):
    """Score each case with the squared distance of the stated probabilities from what was right.

    In [0, 1] for two classes and in [0, 2] for more, unless `scale_by_half` says otherwise.

    Examples:
        >>> from evalkit.plugin import Case
        >>> outputs = [0.75, {"0": 0.25, "1": 0.75}, {"0": 0.25, "1": 0.5, "2": 0.25}]
        >>> cases = [Case(outputs=output, expectations={"target": 1}) for output in outputs]
        >>> Brier().score_batch(CaseBatch.of(cases)).values.tolist()
        [0.0625, 0.0625, 0.375]

    References:
        Brier (1950), *Monthly Weather Review* 78:1; scikit-learn,
        ``sklearn.metrics.brier_score_loss``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.brier:Brier"
    name: str = "classification.brier"
    scale_by_half: bool | None = None
    """Halve the sum over classes; if ``None`` with two classes only, which gives (p - y)²."""

    @property
    def facts(self) -> MetricFacts:
        """Lower is better; at most 2, or 1 where halved."""
        return MetricFacts(direction="lower", low=0.0, high=1.0 if self.scale_by_half else 2.0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        forecasts, _, column = self.read(batch)
        column.values = np.array(
            [math.nan if stated is None else self._distance(stated) for stated in forecasts],
            dtype=np.float64,
        )
        return column

    def _distance(self, stated: ClassProbabilities) -> float:
        unknown = float(stated.right < 0)  # the right class is none of the stated ones
        squares = sum(
            (share - (place == stated.right)) ** 2 for place, share in enumerate(stated.shares)
        )
        halve = len(stated.shares) < 3 if self.scale_by_half is None else self.scale_by_half  # noqa: PLR2004
        return (squares + unknown) / (2 if halve else 1)


def log_loss(probability: float) -> float:
    """Return minus the natural logarithm of the right label's probability, at least 0.

    Probabilities are kept 2.2e-16 away from 0 and 1, so that the loss is at most 36.04.

    Examples:
        >>> round(log_loss(0.5), 6), round(log_loss(0.0), 6)
        (0.693147, 36.043653)

    References:
        Good (1952), *Journal of the Royal Statistical Society B* 14:107; scikit-learn,
        ``sklearn.metrics.log_loss``, with the same limits.
    """
    step = sys.float_info.epsilon
    return -math.log(min(max(probability, step), 1 - step))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLoss(ProbabilityMetric):
    """Score each case with the log loss: how surprised the model is by the right label.

    A target that the output does not name has probability 0.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs={"a": 0.5, "b": 0.5}, expectations={"target": "a"})]
        >>> LogLoss().score_batch(CaseBatch.of(cases)).values.round(6).tolist()
        [0.693147]
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.log_loss:LogLoss"
    name: str = "classification.log_loss"

    facts = MetricFacts(direction="lower", low=0.0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        forecasts, _, column = self.read(batch)
        losses = [
            math.nan if stated is None else log_loss(stated.of_target) for stated in forecasts
        ]
        column.values = np.array(losses, dtype=np.float64)
        return column
