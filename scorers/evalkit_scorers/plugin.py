"""Register the scorers of evalkit by name: each is imported when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from evalkit.plugin import Scorer, hookimpl
from evalkit_scorers import classification, operations, regression, text

_FAMILIES: Final = {
    "text": text,
    "classification": classification,
    "regression": regression,
    "operations": operations,
}


@hookimpl
def evalkit_scorers() -> dict[str, Callable[[], Scorer]]:
    """Return what makes each scorer that comes with evalkit, with its defaults, by its name.

    Examples:
        >>> evalkit_scorers()["text.token_f1"]().name
        'text.token_f1'
    """
    return {
        f"{prefix}.{re.sub('(?<=[a-z])(?=[A-Z])', '_', kind).lower()}": partial(_made, family, kind)
        for prefix, family in _FAMILIES.items()
        for kind in family.HOMES
    }


def _made(family: Any, kind: str) -> Any:
    return getattr(family, kind)()


@hookimpl
def evalkit_scorer_families() -> dict[str, Callable[[str], Scorer]]:
    """Return the families whose scorers are made when asked for: any metric of scikit-learn."""
    return {"sklearn.": _sklearn_scorer}


def _sklearn_scorer(name: str) -> Scorer:
    from evalkit_scorers.sklearn.metric import sklearn_scorer  # start-up: few ask for one

    return sklearn_scorer(name)
