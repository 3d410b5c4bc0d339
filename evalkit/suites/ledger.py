"""What the processes of one test session share: whose turn it is, the bill, which suites ran."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRecord:
    """One suite that ran."""

    digest: str
    """Of the suite's key, and of the cases and gates that were asked for."""

    key: str
    name: str
    folder: str
    """Where the evaluation lies."""

    partial: bool
    baseline: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFailure:
    """One suite that could not be evaluated."""

    digest: str
    """As that of a `SuiteRecord`."""

    key: str
    name: str
    item: str
    """The test that asked for the suite first, and shows why; the others point to it."""

    why: str
    """One line."""

    n: int
    """Cases that were to run."""

    missing: Sequence[str] = ()
    """Cases with calls that only a recording may answer, and none does."""


@dataclass(frozen=True, slots=True)
class SessionLedger:
    """Turns, charges and suites of one session, in a folder that its processes share.

    Examples:
        >>> import tempfile
        >>> ledger = SessionLedger(Path(tempfile.mkdtemp()))
        >>> ledger.charge(0.5)
        >>> with ledger.allowance(2.0) as left:
        ...     left
        1.5
    """

    folder: Path

    @contextlib.contextmanager
    def turn(self, name: str) -> Generator[None]:
        """Hold *name* alone, waiting for whoever holds it; the kernel frees a dead process's."""
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def allowance(self, budget: float | None) -> Generator[float | None]:
        """Give what is left of *budget*, in US dollars; who spends of one does so alone."""
        if budget is None:
            yield None
            return
        with self.turn("budget"):
            yield max(0.0, budget - self.spent)

    @property
    def spent(self) -> float:
        """US dollars that the session has spent so far."""
        return math.fsum(self._entries("usd"))

    def charge(self, usd: float) -> None:
        """Note what one evaluation has spent."""
        self._write("usd", usd)

    def suites(self) -> list[SuiteRecord]:
        """Return the suites that ran, in that order."""
        return [SuiteRecord(**entry) for entry in self._entries("suite")]

    def suite(self, digest: str) -> SuiteRecord | None:
        """Return the suite of that digest, if it ran."""
        return next((suite for suite in self.suites() if suite.digest == digest), None)

    def enter(self, record: SuiteRecord) -> None:
        """Note a suite that ran."""
        self._write("suite", dataclasses.asdict(record))

    def failures(self) -> list[SuiteFailure]:
        """Return the suites that could not be evaluated, in that order."""
        return [SuiteFailure(**entry) for entry in self._entries("failure")]

    def failure(self, digest: str) -> SuiteFailure | None:
        """Return why the suite of that digest could not be evaluated, if it was tried."""
        return next((failure for failure in self.failures() if failure.digest == digest), None)

    def fail(self, failure: SuiteFailure) -> None:
        """Note that a suite could not be evaluated, so that nobody pays for it again."""
        self._write("failure", dataclasses.asdict(failure))

    def remarks(self) -> list[str]:
        """Return what is to be said of the session besides its suites; a process may repeat it."""
        return self._entries("remark")

    def remark(self, line: str) -> None:
        """Note what the end of the session is to say."""
        self._write("remark", line)

    @property
    def _file(self) -> Path:
        return self.folder / "ledger.jsonl"

    def _write(self, kind: str, entry: Any) -> None:
        with self.turn("ledger"), self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({kind: entry}) + "\n")

    def _entries(self, kind: str) -> list[Any]:
        with self.turn("ledger"):
            lines = self._file.read_text("utf-8").splitlines() if self._file.is_file() else []
        return [entry[kind] for entry in map(json.loads, lines) if kind in entry]
