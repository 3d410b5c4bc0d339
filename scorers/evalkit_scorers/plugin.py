"""Register the scorers of evalkit, family by family."""

from __future__ import annotations

from evalkit.plugin import Scorer, hookimpl
from evalkit_scorers.text import registered as text


@hookimpl
def evalkit_scorers() -> tuple[Scorer, ...]:
    """Return every scorer that comes with evalkit, with its defaults."""
    return (*text.scorers(),)
