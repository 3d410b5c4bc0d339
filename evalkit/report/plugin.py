"""The reports that come with evalkit, as a plug-in: exporters by extension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalkit.hooks.specs import hookimpl
from evalkit.report.table import TableReport


@hookimpl
def evalkit_reports() -> Iterable[Any]:
    """Return the exporters of evalkit."""
    return [TableReport()]
