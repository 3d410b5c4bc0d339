"""Errors of the store and of tracking."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.errors.data import NotFoundError
from evalkit.errors.usage import EvalkitError, UsageError


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

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(uri, problem)
        self.uri = uri
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.uri}: {self.problem} Use sqlite:///PATH."


class ActiveRunError(UsageError, RuntimeError):
    """There is no active run where one is needed, or one where none may be."""


class StoreError(EvalkitError, RuntimeError):
    """The store cannot do what was asked."""


class StoreUnavailableError(StoreError):
    """The store cannot be opened, read or written: its folder, disk, file or lock is in the way."""

    exit_code = 4

    def __init__(self, location: str, problem: str, advice: str) -> None:
        super().__init__(location, problem, advice)
        self.location = location
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.location}: {self.problem}; {self.advice}."


class SchemaVersionError(StoreError):
    """The database was written by a newer evalkit than this one."""

    def __init__(self, location: str, found: int, supported: int) -> None:
        super().__init__(location, found, supported)
        self.location = location
        self.found = found
        self.supported = supported

    def __str__(self) -> str:
        return (
            f"{self.location} has schema version {self.found}, and this evalkit knows versions up "
            f"to {self.supported}; upgrade evalkit, or name another store."
        )


class AlreadyExistsError(StoreError, ValueError):
    """The name or id of a new experiment or run is taken."""

    def __init__(self, kind: str, name: str, advice: str) -> None:
        super().__init__(kind, name, advice)
        self.kind = kind
        self.name = name
        self.advice = advice

    def __str__(self) -> str:
        return f"There is already {self.kind} {self.name!r}; {self.advice}."


class ParamChangedError(StoreError, ValueError):
    """A param of a run was logged before, with another value."""

    def __init__(self, run_id: str, key: str, logged: str, given: str) -> None:
        super().__init__(run_id, key, logged, given)
        self.run_id = run_id
        self.key = key
        self.logged = logged
        self.given = given

    def __str__(self) -> str:
        return (
            f"Param {self.key!r} of run {self.run_id} is {self.logged!r} and cannot become "
            f"{self.given!r}: params never change; start a new run, or use a tag."
        )


class DeletedRunError(StoreError, ValueError):
    """A deleted run was to be written."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return f"Run {self.run_id} is deleted and cannot be written; restore it first."


class ArtifactPathError(StoreError, ValueError):
    """A path of an artifact leaves its run's folder, or names none."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"Artifact path {self.path!r} {self.problem}; give a path inside the run's folder."
