"""Where values are cut into positive and negative: as stated, or as the development cases say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from evalkit.errors import UsageError
from evalkit.evaluation.agreement.labelled import Floats, LabelledCases

Codes: TypeAlias = npt.NDArray[np.int64]

_HALF: Final = 0.5
"""Cuts what is yes or no where nobody states a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """From which value on a case counts as positive; ``None`` where values are labels."""

    judge: float | None = None
    human: float | None = None
    fitted: bool = False


def positives(values: Floats, threshold: float | None) -> Codes:
    """Return 1 for values from *threshold* on, 0 below, -1 where there is none, shape ``(n,)``."""
    at = _HALF if threshold is None else threshold  # 0.0 is a threshold, too
    return np.where(np.isnan(values), -1, values >= at).astype(np.int64)


def label_codes(cases: LabelledCases, cut: Cut, rows: Any) -> tuple[Codes, Codes] | None:
    """Return codes of people's labels and of the judge's on *rows*; ``None`` for bare numbers."""
    human, judge = cases.human[rows], cases.judge[rows]
    if cases.kind == "binary" or (cases.kind == "numeric" and cut.judge is not None):
        return positives(human, cut.human), positives(judge, cut.judge)
    if cases.kind == "numeric":
        return None
    scale = np.array(cases.values)
    missing = np.isnan(judge)
    codes = np.searchsorted(scale, np.where(missing, scale[0], judge)).astype(np.int64)
    return np.searchsorted(scale, human).astype(np.int64), np.where(missing, -1, codes)


def verdict_numbers(cases: LabelledCases, cut: Cut) -> Floats:
    """Return all verdicts as people's labels are: grades as 1 or 0, NaN where there is none."""
    if not cases.graded:
        return cases.judge
    codes = positives(cases.judge, cut.judge)
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def cut_of(cases: LabelledCases, dev: Any, threshold: float | None, human: float | None) -> Cut:
    """Return where values are cut; a threshold that nobody states is fitted on *dev*.

    Raises:
        UsageError: If labels have no threshold, or *dev* does not show where to cut.
    """
    if cases.kind == "nominal" and threshold is not None:
        raise UsageError(f"{cases.metric}: labels without values have no threshold.")
    if cases.kind in {"ordinal", "numeric"}:
        return Cut(judge=threshold, human=human if human is not None else threshold)
    if not cases.graded or threshold is not None:
        return Cut(judge=threshold, human=human)
    fitted = _best_threshold(cases.judge[dev], positives(cases.human[dev], human) == 1)
    if fitted is None:
        raise UsageError(
            f"{cases.metric}: people say yes or no and the judge gives grades, and the "
            f"{len(dev)} development cases do not show where to cut; give threshold=."
        )
    return Cut(judge=fitted, human=human, fitted=True)


def _best_threshold(judge: Any, human: Any) -> float | None:
    """Find the middle between two grades with the highest sensitivity plus specificity.

    References:
        Youden (1950), *Cancer* 3:32.
    """
    judged = np.isfinite(judge)
    values, truth = judge[judged], human[judged]
    grades = np.unique(values)
    if len(grades) < 2 or truth.all() or not truth.any():  # noqa: PLR2004
        return None
    middles = (grades[1:] + grades[:-1]) / 2
    skill = [(values[truth] >= m).mean() + (values[~truth] < m).mean() for m in middles]
    best = np.flatnonzero(np.isclose(skill, max(skill)))
    return float(middles[best[len(best) // 2]])


def positive_label(cases: LabelledCases, cut: Cut) -> str | None:
    """Return the label that sensitivity is about; ``None`` where no label is."""
    if cases.kind == "nominal":
        return None
    if cases.kind == "binary":
        return cases.labels[-1]
    return None if cut.judge is None else f"at least {cut.judge:g}"
