"""Register what this plug-in offers."""

from collections.abc import Iterable

from evalkit.plugin import DatasetSource, Scorer, hookimpl

from .poems import Poems
from .rhyme import Rhyme


@hookimpl
def evalkit_scorers() -> Iterable[Scorer]:
    """Return the scorer of rhymes."""
    return [Rhyme()]


@hookimpl
def evalkit_datasets() -> Iterable[DatasetSource]:
    """Return the reader of poems."""
    return [Poems()]
