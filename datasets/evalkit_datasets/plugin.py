"""The sources of data that come with evalkit."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.plugin import DatasetSource, hookimpl
from evalkit_datasets.jsonl import JsonLines
from evalkit_datasets.rows import InMemoryRows


@hookimpl(trylast=True)
def evalkit_datasets() -> Sequence[DatasetSource]:
    """Return the sources, general ones first: of several that fit, the last is taken."""
    return (InMemoryRows(), JsonLines())
