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

import contextlib
import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from evalkit.errors import DataError, JournalError, StoreUnavailableError
from evalkit.evaluation.results.plan import FORMAT, EvaluationPlan
from evalkit.store.artifacts import atomic_file


class _File:
    """The path of a file inside a folder."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: Folder, kind: object = None) -> Path:
        return folder.path / self._name


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths inside the folder of one evaluation."""

    path: Path
    durable: bool = False
    """Whether a file is on the disk before it has its name, which survives a power cut."""

    cases = _File("cases.parquet")
    plan = _File("plan.json")
    journal = _File("journal")
    scores = _File("scores.parquet")
    outputs = _File("outputs.parquet")
    result = _File("result.json")
    artifacts = _File("artifacts.json")

    def write_json(self, path: Path, content: Any) -> None:
        """Write *content* to *path*, whole or not at all.

        Raises:
            JournalError: If the disk is full or the folder cannot be written.
        """
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        with writing(path, durable=self.durable) as file:
            file.write(f"{text}\n".encode("utf-8", "backslashreplace"))

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
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{self.path} holds no evaluation ({path.name} is missing).") from None
        except (OSError, ValueError) as error:
            raise DataError(f"cannot be read: {error}", file=str(path)) from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DataError("was not written by this release of evalkit.", file=str(path))
        return content


@contextlib.contextmanager
def writing(path: Path, *, durable: bool = False) -> Generator[BinaryIO]:
    """Open a file of a run that becomes *path*, whole, when the block ends without an error.

    Raises:
        JournalError: If the disk is full or the folder cannot be written.
    """
    try:
        with atomic_file(path, durable=durable) as file:
            yield file
    except (StoreUnavailableError, OSError) as error:
        cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
        why = getattr(cause, "strerror", None) or cause or error
        raise JournalError(
            f"Cannot write {path}: {why}. What was done is in the journal; make room, then resume "
            "the run."
        ) from error
