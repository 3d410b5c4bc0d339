"""Where values are cut into positive and negative: as stated, or as the development cases say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import UsageError

if TYPE_CHECKING:
    from evalkit.evaluation.agreement.pairs import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """From which value on a case counts as positive; ``None`` where values are labels."""

    judge: float | None = None
    human: float | None = None
    fitted: bool = False


def cut_of(pairs: Pairs, dev: Any, threshold: float | None, human: float | None) -> Cut:
    """Return where values are cut; a threshold that nobody states is fitted on *dev*.

    Raises:
        UsageError: If labels have no threshold, or *dev* does not show where to cut.
    """
    numbers = pairs.kind in {"ordinal", "numeric"}
    if pairs.kind == "nominal" and threshold is not None:
        raise UsageError(f"{pairs.metric}: labels without values have no threshold.")
    if numbers:
        return Cut(judge=threshold, human=human if human is not None else threshold)
    if not pairs.graded or threshold is not None:
        return Cut(judge=threshold, human=human)
    fitted = _best_threshold(pairs.judge[dev], pairs.human[dev] >= (human or 0.5))
    if fitted is None:
        raise UsageError(
            f"{pairs.metric}: people say yes or no and the judge gives grades, and the "
            f"{len(dev)} development cases do not show where to cut; give threshold=."
        )
    return Cut(judge=fitted, human=human, fitted=True)


def _best_threshold(judge: Any, human: Any) -> float | None:
    """Return the middle between two grades with the highest sensitivity plus specificity.

    References:
        Youden (1950), *Cancer* 3:32.
    """
    known = np.isfinite(judge)
    values, truth = judge[known], human[known]
    grades = np.unique(values)
    if len(grades) < 2 or truth.all() or not truth.any():  # noqa: PLR2004
        return None
    middles = (grades[1:] + grades[:-1]) / 2
    skill = [(values[truth] >= m).mean() + (values[~truth] < m).mean() for m in middles]
    best = np.flatnonzero(np.isclose(skill, max(skill)))
    return float(middles[best[len(best) // 2]])


def positive_label(pairs: Pairs, cut: Cut) -> str | None:
    """Return the label that sensitivity is about; ``None`` where no label is."""
    if pairs.kind == "nominal":
        return None
    if pairs.kind == "binary":
        return pairs.labels[-1]
    return None if cut.judge is None else f"at least {cut.judge:g}"
