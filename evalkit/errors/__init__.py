"""The errors that evalkit raises on purpose.

Each is an `EvalkitError` and a builtin error too, keeps its facts as attributes, pickles, and says
in one line what to do next.  The command line prints that line and exits with the class's code.

    EvalkitError
    ├── UsageError (ValueError)                what was asked cannot be done as asked
    │   ├── BindingError                       a target or function cannot take what it is given
    │   ├── SpecificationError                 a YAML specification is wrong
    │   ├── GateSyntaxError                    a gate does not parse, with the character
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
    ├── BudgetSpentError (RuntimeError)        the budget allows no further call
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

from evalkit.errors.data import (
    DataError,
    MissingColumnError,
    MissingExtraError,
    NotFoundError,
    TraceError,
    UnknownMetricError,
    UnknownScorerError,
    UnknownSourceError,
)
from evalkit.errors.registry import (
    ModelUriError,
    ModelVersionNotFoundError,
    RegisteredModelNotFoundError,
)
from evalkit.errors.store import (
    ActiveRunError,
    AlreadyExistsError,
    AmbiguousRunError,
    ArtifactPathError,
    DeletedRunError,
    ExperimentNotFoundError,
    ParamChangedError,
    RunNotFoundError,
    SchemaVersionError,
    StoreError,
    StoreUnavailableError,
    UnsupportedStoreError,
)
from evalkit.errors.usage import (
    BindingError,
    EvalkitError,
    GateSyntaxError,
    SpecificationError,
    UsageError,
    near_miss,
)
from evalkit.errors.work import (
    BatchPendingError,
    BudgetSpentError,
    DuplicatePluginError,
    InterruptedRunError,
    JournalError,
    NotRecordedError,
    NoValueError,
    PluginError,
    RunLockedError,
    TargetError,
    UnfinishedCalibrationError,
    UnreachedJudgeError,
)

__all__ = [
    "ActiveRunError",
    "AlreadyExistsError",
    "AmbiguousRunError",
    "ArtifactPathError",
    "BatchPendingError",
    "BindingError",
    "BudgetSpentError",
    "DataError",
    "DeletedRunError",
    "DuplicatePluginError",
    "EvalkitError",
    "ExperimentNotFoundError",
    "GateSyntaxError",
    "InterruptedRunError",
    "JournalError",
    "MissingColumnError",
    "MissingExtraError",
    "ModelUriError",
    "ModelVersionNotFoundError",
    "NoValueError",
    "NotFoundError",
    "NotRecordedError",
    "ParamChangedError",
    "PluginError",
    "RegisteredModelNotFoundError",
    "RunLockedError",
    "RunNotFoundError",
    "SchemaVersionError",
    "SpecificationError",
    "StoreError",
    "StoreUnavailableError",
    "TargetError",
    "TraceError",
    "UnfinishedCalibrationError",
    "UnknownMetricError",
    "UnknownScorerError",
    "UnknownSourceError",
    "UnreachedJudgeError",
    "UnsupportedStoreError",
    "UsageError",
    "near_miss",
]
