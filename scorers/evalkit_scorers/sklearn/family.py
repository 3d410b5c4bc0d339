"""Scorers by the names of scikit-learn's metrics."""

from __future__ import annotations

from typing import Final

from evalkit.plugin import UnknownScorerError
from evalkit_scorers.sklearn.functions import kind_of, metric_names
from evalkit_scorers.sklearn.metric import SklearnMetric

PREFIX: Final = "sklearn."


def sklearn_scorer(name: str) -> SklearnMetric:
    """Return the scorer for a metric of scikit-learn, such as ``sklearn.f1_score``.

    Raises:
        UnknownScorerError: If there is no metric of targets and outputs by that name.

    Examples:
        >>> sklearn_scorer("sklearn.mean_squared_error").facts.direction
        'lower'
    """
    function = name.removeprefix(PREFIX)
    if kind_of(function) is None:
        raise UnknownScorerError(name, [f"{PREFIX}{known}" for known in metric_names()])
    return SklearnMetric(function=function)
