"""Errors of plug-ins, targets, runs and their journals."""

from __future__ import annotations

from evalkit.errors.usage import EvalkitError


class PluginError(EvalkitError, RuntimeError):
    """A plug-in does not load or breaks the contract; names its distribution."""


class DuplicatePluginError(PluginError):
    """Two distributions offer the same name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        super().__init__(name, first, second)
        self.name = name
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return (
            f"{self.name!r} is offered twice, by {self.first} and by {self.second}; "
            "uninstall one, or block one by EVALKIT_DISABLE_PLUGINS."
        )


class NoValueError(EvalkitError, ValueError):
    """An estimate has no value; says why."""


class TargetError(EvalkitError, RuntimeError):
    """One call of a target failed.

    Raise it (or a subclass) inside a target to choose the machine-readable reason of the failed
    case; any other exception is recorded as ``target_error``.
    """

    def __init__(self, reason: str, explanation: str, *, status: int | None = None) -> None:
        super().__init__(reason, explanation)
        self.reason = reason
        self.explanation = explanation
        self.status = status
        """HTTP status of a server that refused, where there is one."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.explanation}"


class BudgetSpentError(EvalkitError, RuntimeError):
    """The budget is spent: the call was not made.

    An evaluation turns it into cells that were not run, and into the verdict BUDGET.
    """

    exit_code = 5

    def __init__(self, limit: str, spent: str) -> None:
        super().__init__(limit, spent)
        self.limit = limit
        self.spent = spent

    def __str__(self) -> str:
        return f"The budget of {self.limit} is spent ({self.spent}); raise budget= and resume."


class BatchPendingError(EvalkitError, RuntimeError):
    """An answer is awaited from a batch at the provider, and the evaluation ends before that.

    An evaluation turns it into cells that were not run; a resume fetches the answers.
    """

    def __init__(self, batches: int, requests: int) -> None:
        super().__init__(batches, requests)
        self.batches = batches
        self.requests = requests

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests in {self.batches} batches are with the provider; resume "
            "to fetch their answers."
        )


class NotRecordedError(EvalkitError, LookupError):
    """Only recordings may answer, and none answers this call; nothing was sent."""

    def __init__(self, what: str, cause: str, case: str | None = None) -> None:
        super().__init__(what, cause, case)
        self.what = what
        self.cause = cause
        self.case = case

    def of_case(self, case: str) -> NotRecordedError:
        """Return this error for the case called *case*."""
        return NotRecordedError(self.what, self.cause, case)

    def __str__(self) -> str:
        where = "" if self.case is None else f"Case {self.case}: "
        return (
            f"{where}{self.what} is not recorded: {self.cause}. "
            "Run once with mode='auto' to record it."
        )


class RunLockedError(EvalkitError, RuntimeError):
    """Another living process is writing this run."""

    def __init__(self, run_id: str, owner: str) -> None:
        super().__init__(run_id, owner)
        self.run_id = run_id
        self.owner = owner

    def __str__(self) -> str:
        return f"Run {self.run_id} is being written by {self.owner}; wait for it, or stop it first."


class JournalError(EvalkitError, OSError):
    """The journal of a run cannot be written or read; what was written before is kept."""

    exit_code = 4


class InterruptedRunError(EvalkitError, RuntimeError):
    """The evaluation was interrupted; what was done is kept and can be resumed."""

    exit_code = 130

    def __init__(
        self, run_id: str | None, done: int, total: int, pending: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__(run_id, done, total, pending)
        self.run_id = run_id
        self.done = done
        self.total = total
        self.pending = pending
        """Batches that go on at the provider, and the requests in them."""

    def __str__(self) -> str:
        kept = f"Interrupted after {self.done} of {self.total} cases."
        batches, requests = self.pending
        if batches:
            noun = "batch" if batches == 1 else "batches"
            kept += f" {requests:,} requests in {batches} {noun} stay with the provider"
            kept += "." if self.run_id is None else ", to be fetched, not paid again."
        if self.run_id is None:
            return f"{kept} Nothing was kept, since no store was used."
        return f"{kept} Finish it with: evalkit resume {self.run_id}"


class UnfinishedCalibrationError(EvalkitError, RuntimeError):
    """The budget was spent before a judge was asked about every labelled case."""

    exit_code = 5

    def __init__(self, run_id: str | None) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        text = "The budget was spent before every case was judged. No card was made."
        if self.run_id is None:
            return text
        return f"{text} Calibrate again with --resume {self.run_id} (resume= of Runtime)."


class UnreachedJudgeError(EvalkitError, ConnectionError):
    """No verdict came, for reasons that are neither the judge's nor the cases'."""

    exit_code = 4

    def __init__(self, judge: str, why: str) -> None:
        super().__init__(judge, why)
        self.judge = judge
        self.why = why

    def __str__(self) -> str:
        return f"{self.judge} was not reached, so that no card was made: {self.why}"
