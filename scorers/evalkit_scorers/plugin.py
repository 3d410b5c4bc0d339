"""Register the scorers of evalkit, family by family."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.plugin import Scorer, hookimpl
from evalkit_scorers.classification import registered as classification
from evalkit_scorers.operations import registered as operations
from evalkit_scorers.regression import registered as regression
from evalkit_scorers.sklearn.family import PREFIX, sklearn_scorer
from evalkit_scorers.text import registered as text


@hookimpl
def evalkit_scorers() -> tuple[Scorer, ...]:
    """Return every scorer that comes with evalkit, with its defaults."""
    return (
        *text.scorers(),
        *classification.scorers(),
        *regression.scorers(),
        *operations.scorers(),
    )


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the families whose scorers are made when asked for: any metric of scikit-learn."""
    return {PREFIX: sklearn_scorer}
