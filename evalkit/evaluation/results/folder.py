"""The folder of one evaluation: which file holds what.

=================  =============================================================================
``cases.parquet``  the snapshot of the data
``plan.json``      what was asked for: enough to resume, or to say what differs
``journal``        finished calls and scores while the run is going on
``lock``           held by the process that writes the run
``scores.parquet`` a row for each case and repeat, a few columns for each metric
``artifacts.json`` confusion matrices and the like, by metric
``outputs.parquet`` what a live target answered, a row for each case and repeat
``result.json``    estimates, verdict, usage, environment; there once the run has ended
=================  =============================================================================
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import DataError, JournalError
from evalkit.evaluation.results.plan import FORMAT, EvaluationPlan


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths inside the folder of one evaluation."""

    path: Path

    @property
    def cases(self) -> Path:
        """The snapshot of the data."""
        return self.path / "cases.parquet"

    @property
    def plan(self) -> Path:
        """What was asked for."""
        return self.path / "plan.json"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal"

    @property
    def scores(self) -> Path:
        """Scores by case and repeat."""
        return self.path / "scores.parquet"

    @property
    def outputs(self) -> Path:
        """Answers by case and repeat."""
        return self.path / "outputs.parquet"

    @property
    def result(self) -> Path:
        """Estimates, verdict, usage, environment."""
        return self.path / "result.json"

    @property
    def artifacts(self) -> Path:
        """Confusion matrices and the like."""
        return self.path / "artifacts.json"

    def sync(self) -> None:
        """Force every file and the folder itself to the disk."""
        for path in (*(p for p in self.path.iterdir() if p.is_file()), self.path):
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def write_json(self, path: Path, content: Any) -> None:
        """Write *content* to *path*, whole or not at all.

        Raises:
            JournalError: If the disk is full or the folder cannot be written.
        """
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        fresh = path.with_name(path.name + ".new")
        try:
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise JournalError(
                f"Cannot write {path}: {error.strerror or error}. What was done is in the journal; "
                "make room, then resume the run."
            ) from error

    def write_plan(self, plan: EvaluationPlan) -> None:
        """Write what was asked for; raises as `write_json` does."""
        self.write_json(self.plan, plan.to_json())

    def read_plan(self) -> EvaluationPlan:
        """Read what was asked for; raises as `read_json` does."""
        return EvaluationPlan.from_json(self.read_json(self.plan))

    def read_json(self, path: Path) -> dict[str, Any]:
        """Return the content of *path*.

        Raises:
            DataError: If it is not there or not ours.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{self.path} holds no evaluation ({path.name} is missing).") from None
        except (OSError, ValueError) as error:
            raise DataError(f"cannot be read: {error}", file=str(path)) from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise DataError("was not written by this release of evalkit.", file=str(path))
        return found


class TemporaryFolder:
    """A folder that is removed when nothing holds it any more."""

    def __init__(self) -> None:
        """Make the folder."""
        self.path = Path(tempfile.mkdtemp(prefix="evalkit-"))
        weakref.finalize(self, remove_folder, self.path)


def remove_folder(path: Path) -> None:
    """Remove a folder that holds nothing worth keeping."""
    shutil.rmtree(path, ignore_errors=True)
