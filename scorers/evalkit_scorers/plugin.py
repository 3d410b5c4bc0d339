"""Register the scorers of evalkit."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.plugin import Scorer, hookimpl
from evalkit_scorers import classification, operations, regression, text
from evalkit_scorers.sklearn.metric import PREFIX, sklearn_scorer


@hookimpl
def evalkit_scorers() -> tuple[Scorer, ...]:
    """Return every scorer that comes with evalkit, with its defaults: all that a family offers."""
    families = (text, classification, regression, operations)
    return tuple(getattr(family, name)() for family in families for name in family.__all__)


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the families whose scorers are made when asked for: any metric of scikit-learn."""
    return {PREFIX: sklearn_scorer}
