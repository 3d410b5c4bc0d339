"""What tells a suite's function from others, and names that the plug-in's parts meet under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from evalkit.suites.suite import CasesMark, GatesMark

SUMMARY: Final = "evalkit-summary"
"""Name of the plug-in that tells at the end what came of suites."""
FOLDER: Final = "evalkit_folder"
"""What pytest-xdist tells its workers: the folder that all processes of the session share."""


class SuiteCollectError(pytest.Collector.CollectError):
    """Data, gates, fixtures or options of a suite are wrong; nothing was called."""


def mark_of(function: object) -> CasesMark | GatesMark | None:
    """Return what a suite put on a test function."""
    return getattr(function, "__evalkit__", None)
