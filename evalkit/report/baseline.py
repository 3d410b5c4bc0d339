"""The scores of a result alone, to commit and to compare later runs with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


class BaselineReport:
    """Writes a baseline file without texts."""

    name = "baseline"
    extensions = (".baseline.json",)

    def write(self, result: EvaluationResult, path: Path) -> None:
        """Write *result* to *path*.

        Raises:
            UsageError: If the file cannot be written.
        """
        result.write_baseline(path)
