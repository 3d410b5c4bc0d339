"""The errors that evalkit raises on purpose.

Each is an `EvalkitError` and a builtin error too, keeps its facts as attributes, pickles, and says
in one line what to do next.  The command line prints that line and exits with the class's code.

    EvalkitError
    ├── UsageError (ValueError)                what was asked cannot be done as asked
    │   ├── BindingError                       a target or function cannot take what it is given
    │   ├── SpecificationError                 a YAML specification is wrong
    │   ├── SyntaxUsageError                   a text does not parse, with the character
    │   │   ├── GateSyntaxError
    │   │   └── FilterSyntaxError
    │   ├── UnpairedError                      no case has a metric's value in both results
    │   ├── AmbiguousRunError                  the beginning of several run ids
    │   ├── ModelUriError                      no form of models:/ that is read
    │   ├── UnsupportedStoreError (NotImplementedError)
    │   └── ActiveRunError (RuntimeError)      no active run, or one too many
    ├── DataError (ValueError)                 the data is wrong: file, line, column
    │   ├── MissingColumnError (LookupError)
    │   └── TraceError                         a trace cannot be read
    ├── NotFoundError (LookupError)            a name that nothing carries, with near misses
    │   ├── UnknownScorerError
    │   ├── UnknownSourceError
    │   ├── UnknownMetricError (KeyError)
    │   ├── ExperimentNotFoundError
    │   ├── RunNotFoundError
    │   ├── RegisteredModelNotFoundError
    │   └── ModelVersionNotFoundError          neither a version of the model nor an alias
    ├── MissingExtraError (ImportError)        an optional dependency is absent, naming the extra
    ├── PluginError (RuntimeError)
    │   └── DuplicatePluginError
    ├── NoValueError (ValueError)              float() of an estimate that has no value
    ├── TargetError (RuntimeError)             one call of a target failed, with its reason
    ├── NoMoreCallsError (RuntimeError)        no further call may be made
    │   ├── BudgetSpentError                   the budget allows none
    │   └── OutageError (ConnectionError)      the provider would answer none
    ├── BatchPendingError (RuntimeError)       the answer is with a batch that is not done yet
    ├── NotRecordedError (LookupError)         only recordings may answer, and none does
    ├── RunLockedError (RuntimeError)          another process is writing this run
    ├── JournalError (OSError)                 the journal cannot be written or read
    ├── InterruptedRunError (RuntimeError)     stopped by Ctrl-C; carries the run to resume
    ├── UnfinishedCalibrationError (RuntimeError)  no card was made; carries the run to resume
    ├── UnreachedJudgeError (ConnectionError)  no verdict came, since no server answered
    └── StoreError (RuntimeError)              the store cannot do what was asked
        ├── StoreUnavailableError              its folder, disk, file or lock is in the way
        ├── SchemaVersionError                 the database is from a newer evalkit
        ├── AlreadyExistsError (ValueError)    the name of a new experiment or run is taken
        ├── ParamChangedError (ValueError)     params never change
        ├── DeletedRunError (ValueError)       a deleted run is read-only
        └── ArtifactPathError (ValueError)     a path leaves its run's folder
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import ClassVar, Final, Literal

_SHOWN_CASES: Final = 20
"""Cases that one error names."""


class EvalkitError(Exception):
    """Base of every error that evalkit raises on purpose."""

    exit_code: ClassVar[int] = 2
    template: ClassVar[str] = ""
    """Text of the error, with its attributes in braces; empty where the text is given whole."""

    def __str__(self) -> str:
        return self.template.format_map(vars(self)) if self.template else super().__str__()


def near_miss(name: str, known: Collection[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest of *known*, or an empty text.

    Examples:
        >>> near_miss("text.exact_mach", ["text.exact_match", "text.bleu"])
        " Did you mean 'text.exact_match'?"
        >>> near_miss("f1", ["classification.f1"]), near_miss("zzz", ["a"])
        (" Did you mean 'classification.f1'?", '')
    """
    # Without its family a name is too short to be close to any.
    ends = [each for each in known if each.endswith(f".{name}")]
    close = ends or difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


class UsageError(EvalkitError, ValueError):
    """What was asked cannot be done as asked; the text says what can."""


class BindingError(UsageError):
    """A target or function names parameters that its cases do not have."""


class SpecificationError(UsageError):
    """A specification file holds a wrong word or value."""


class UnpairedError(UsageError):
    """No case has a value of the metric in both results, or its scorer cannot compare them."""


class SyntaxUsageError(UsageError):
    """A text of a small grammar does not parse; points at the character."""

    kind: ClassVar[str]

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(text, position, expected)
        self.text = text
        self.position = position
        self.expected = expected

    def __str__(self) -> str:
        pointer = " " * self.position + "^"
        return (
            f"The {self.kind} does not parse: expected {self.expected}.\n  {self.text}\n  {pointer}"
        )


class GateSyntaxError(SyntaxUsageError):
    """A gate does not parse."""

    kind = "gate"


class FilterSyntaxError(SyntaxUsageError):
    """A filter or order of a search does not parse, or names what the noun does not have."""

    kind = "filter"


class DataError(EvalkitError, ValueError):
    """The data cannot be used; says file, line and column where they are known."""

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = [] if self.file is None else [self.file]
        where += [] if self.line is None else [f"line {self.line}"]
        where += [] if self.column is None else [f"column {self.column!r}"]
        return f"{', '.join(where)}: {self.problem}" if where else self.problem

    def __reduce__(self) -> tuple[object, ...]:
        rebuild = partial(
            type(self), self.problem, file=self.file, line=self.line, column=self.column
        )
        return rebuild, ()


class MissingColumnError(DataError, LookupError):
    """A column that was asked for is not in the data."""


class TraceError(DataError):
    """A trace cannot be read, or its spans make no tree."""


class NotFoundError(EvalkitError, LookupError):
    """Nothing carries the requested name."""

    kind: ClassVar[str] = "entry"
    see: ClassVar[str] = ""

    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        super().__init__(name, tuple(sorted(known)))
        self.name = name
        self.known = tuple(sorted(known))

    def __str__(self) -> str:
        see = f" {self.see}" if self.see else ""
        return f"No {self.kind} is called {self.name!r}.{near_miss(self.name, self.known)}{see}"


class UnknownScorerError(NotFoundError):
    """No loaded plug-in registers a scorer under the requested name."""

    kind = "scorer"
    see = "See 'evalkit scorers list'."


class UnknownSourceError(NotFoundError):
    """No loaded plug-in reads data of the requested kind."""

    kind = "data source"
    see = "See 'evalkit datasets sources'."

    def __str__(self) -> str:
        hint = near_miss(self.name, self.known)
        return f"No data source reads {self.name!r}.{hint} Known are: {', '.join(self.known)}."


class UnknownMetricError(NotFoundError, KeyError):
    """A result has no such metric."""

    kind = "metric of this result"

    def __init__(self, name: str, known: Collection[str] = (), why: str = "") -> None:
        super().__init__(name, known)
        self.why = why
        self.args = (name, self.known, why)

    def __str__(self) -> str:
        names = f" It has: {', '.join(self.known[:20])}." if self.known else ""
        near = f" {self.why}" if self.why else near_miss(self.name, self.known)
        return f"No metric of this result is {self.name!r}.{near}{names}"


class MissingExtraError(EvalkitError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str, requirements: tuple[str, ...] = ()) -> None:
        super().__init__(module, extra, requirements)
        self.module = module
        self.extra = extra
        self.requirements = requirements

    def __str__(self) -> str:
        needs = " ".join(map(repr, self.requirements)) or self.module
        absent = f"{self.module}, of the extra {self.extra!r}, is not installed"
        return f"{absent}; run: pip install {needs}"


class RegisteredModelNotFoundError(NotFoundError):
    """The registry has no model of the requested name."""

    kind = "registered model"
    see = "See 'evalkit models list'."


class ModelVersionNotFoundError(NotFoundError):
    """A registered model has no version of the requested number, or no such alias."""

    kind = "model version"

    def __init__(self, model: str, what: str, reference: str, known: Collection[str] = ()) -> None:
        super().__init__(reference, known)
        self.model = model
        self.what = what  # "version" or "alias"
        self.reference = reference
        self.args = (model, what, reference, self.known)

    def __str__(self) -> str:
        if (self.what, self.reference) == ("version", "latest"):
            return f"Registered model {self.model!r} has no version yet."
        hint = near_miss(self.reference, self.known)
        has = f" It has: {', '.join(self.known[:10])}." if self.known and not hint else ""
        return f"Registered model {self.model!r} has no {self.what} {self.reference}.{hint}{has}"


class ModelUriError(UsageError):
    """A ``models:/`` URI is of no form that is read."""

    template = (
        "{uri!r} {problem}; write models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/latest."
    )

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(uri, problem)
        self.uri = uri
        self.problem = problem


class ExperimentNotFoundError(NotFoundError):
    """The store has no experiment of the requested id or name."""

    kind = "experiment"
    see = "See 'evalkit runs list'."


class RunNotFoundError(NotFoundError):
    """The store has no run that the reference names."""

    kind = "run"
    see = "See 'evalkit runs list'."


class AmbiguousRunError(UsageError):
    """A reference is the beginning of several run ids."""

    def __init__(self, reference: str, candidates: Collection[str]) -> None:
        super().__init__(reference, tuple(candidates))
        self.reference = reference
        self.candidates = tuple(candidates)

    def __str__(self) -> str:
        return (
            f"{self.reference!r} is the beginning of several run ids: "
            f"{', '.join(self.candidates)}; give more of the id."
        )


class UnsupportedStoreError(UsageError, NotImplementedError):
    """A tracking URI names a kind of store that this version cannot open."""

    template = "{uri}: {problem} Use sqlite:///PATH, postgresql://… or mysql://…."

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(uri, problem)
        self.uri = uri
        self.problem = problem


class ActiveRunError(UsageError, RuntimeError):
    """There is no active run where one is needed, or one where none may be."""


class StoreError(EvalkitError, RuntimeError):
    """The store cannot do what was asked."""


class StoreUnavailableError(StoreError):
    """The store cannot be opened, read or written: its folder, disk, file or lock is in the way."""

    exit_code = 4
    template = "{location}: {problem}; {advice}."

    def __init__(self, location: str, problem: str, advice: str) -> None:
        super().__init__(location, problem, advice)
        self.location = location
        self.problem = problem
        self.advice = advice


class SchemaVersionError(StoreError):
    """The database was written by a newer evalkit than this one."""

    template = (
        "{location} has schema version {version}, and this evalkit knows versions up "
        "to {supported}; upgrade evalkit, or name another store."
    )

    def __init__(self, location: str, version: int, supported: int) -> None:
        super().__init__(location, version, supported)
        self.location = location
        self.version = version
        self.supported = supported


class AlreadyExistsError(StoreError, ValueError):
    """The name or id of a new experiment or run is taken."""

    template = "There is already {kind} {name!r}; {advice}."

    def __init__(self, kind: str, name: str, advice: str) -> None:
        super().__init__(kind, name, advice)
        self.kind = kind
        self.name = name
        self.advice = advice


class ParamChangedError(StoreError, ValueError):
    """A param of a run was logged before, with another value."""

    template = (
        "Param {key!r} of run {run_id} is {logged!r} and cannot become "
        "{given!r}: params never change; start a new run, or use a tag."
    )

    def __init__(self, run_id: str, key: str, logged: str, given: str) -> None:
        super().__init__(run_id, key, logged, given)
        self.run_id = run_id
        self.key = key
        self.logged = logged
        self.given = given


class DeletedRunError(StoreError, ValueError):
    """A deleted run was to be written."""

    template = "Run {run_id} is deleted and cannot be written; restore it first."

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


class ArtifactPathError(StoreError, ValueError):
    """A path of an artifact leaves its run's folder, or names none."""

    template = "Artifact path {path!r} {problem}; give a path inside the run's folder."

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem


class PluginError(EvalkitError, RuntimeError):
    """A plug-in does not load or breaks the contract; names its distribution."""


class DuplicatePluginError(PluginError):
    """Two distributions offer the same name."""

    template = (
        "{name!r} is offered twice, by {first} and by {second}; "
        "uninstall one, or block one by EVALKIT_DISABLE_PLUGINS."
    )

    def __init__(self, name: str, first: str, second: str) -> None:
        super().__init__(name, first, second)
        self.name = name
        self.first = first
        self.second = second


class NoValueError(EvalkitError, ValueError):
    """An estimate has no value; says why."""


class TargetError(EvalkitError, RuntimeError):
    """One call of a target failed.

    Raise it (or a subclass) inside a target to choose the machine-readable reason of the failed
    case; any other exception is recorded as ``target_error``.
    """

    template = "{reason}: {explanation}"

    def __init__(self, reason: str, explanation: str, *, status: int | None = None) -> None:
        super().__init__(reason, explanation)
        self.reason = reason
        self.explanation = explanation
        self.status = status
        """HTTP status of a server that refused, where there is one."""


class NoMoreCallsError(EvalkitError, RuntimeError):
    """No call may be made any more: an evaluation stops, and can be resumed.

    What was not asked are cells that were not run.
    """

    stops: ClassVar[Literal["budget", "outage"]]
    """Status of an evaluation that it stops."""


class OutageError(NoMoreCallsError, ConnectionError):
    """A provider will answer no call, whichever is made: no key, no such model, no connection.

    An evaluation gets the verdict INFRA.
    """

    exit_code = 4
    stops = "outage"
    template = (
        "{place} answers nothing: {why}. Nothing more was asked; mend it, then resume or run again."
    )

    def __init__(self, place: str, why: str) -> None:
        super().__init__(place, why)
        self.place = place
        self.why = why


class BudgetSpentError(NoMoreCallsError):
    """The budget is spent: the call was not made.

    An evaluation gets the verdict BUDGET.
    """

    exit_code = 5
    stops = "budget"
    template = "The budget of {limit} is spent ({spent}); raise budget= and resume."

    def __init__(self, limit: str, spent: str) -> None:
        super().__init__(limit, spent)
        self.limit = limit
        self.spent = spent


class BatchPendingError(EvalkitError, RuntimeError):
    """An answer is awaited from a batch at the provider, and the evaluation ends before that.

    An evaluation turns it into cells that were not run; a resume fetches the answers.
    """

    template = (
        "{requests:,} requests in {batches} batches are with the provider; resume "
        "to fetch their answers."
    )

    def __init__(self, batches: int, requests: int) -> None:
        super().__init__(batches, requests)
        self.batches = batches
        self.requests = requests


class NotRecordedError(EvalkitError, LookupError):
    """Only recordings may answer, and none answers a call, or several; nothing was sent."""

    def __init__(
        self, what: str, cause: str, case: str | None = None, calls: Sequence[str | None] = ()
    ) -> None:
        super().__init__(what, cause, case, tuple(calls))
        self.what = what
        self.cause = cause
        self.case = case
        self.calls = tuple(calls) or (case,)
        """The case of each call that is not recorded; of the first, the others say more."""

    @property
    def cases(self) -> tuple[str, ...]:
        """Cases with such a call, each of them once."""
        return tuple(dict.fromkeys(case for case in self.calls if case is not None))

    def of_case(self, case: str) -> NotRecordedError:
        """Return this error for the case called *case*."""
        return NotRecordedError(self.what, self.cause, case)

    def of_all(self, errors: Iterable[NotRecordedError]) -> NotRecordedError:
        """Return this error, of which each of *errors* is one call."""
        calls = [call for error in errors for call in error.calls]
        return NotRecordedError(self.what, self.cause, self.case, calls)

    def __str__(self) -> str:
        where = "" if self.case is None else f"Case {self.case}: "
        first = f"{where}{self.what} is not recorded: {self.cause}."
        if len(self.calls) == 1:
            return f"{first} Run once with mode='auto' to record it."
        named = ", ".join(self.cases[:_SHOWN_CASES])
        left = len(self.cases) - _SHOWN_CASES
        more = f" and {left:,} more cases" if left > 0 else ""
        of = f" ({named}{more})" if named else ""
        return (
            f"{len(self.calls):,} calls are not recorded{of}. {first} "
            "Run once with mode='auto' to record them."
        )


class RunLockedError(EvalkitError, RuntimeError):
    """Another living process is writing this run."""

    template = "Run {run_id} is being written by {owner}; wait for it, or stop it first."

    def __init__(self, run_id: str, owner: str) -> None:
        super().__init__(run_id, owner)
        self.run_id = run_id
        self.owner = owner


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
    template = "{judge} was not reached, so that no card was made: {why}"

    def __init__(self, judge: str, why: str) -> None:
        super().__init__(judge, why)
        self.judge = judge
        self.why = why
