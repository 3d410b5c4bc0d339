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

from evalkit.errors.data import DataError as DataError
from evalkit.errors.data import MissingColumnError as MissingColumnError
from evalkit.errors.data import MissingExtraError as MissingExtraError
from evalkit.errors.data import NotFoundError as NotFoundError
from evalkit.errors.data import TraceError as TraceError
from evalkit.errors.data import UnknownMetricError as UnknownMetricError
from evalkit.errors.data import UnknownScorerError as UnknownScorerError
from evalkit.errors.data import UnknownSourceError as UnknownSourceError
from evalkit.errors.registry import ModelUriError as ModelUriError
from evalkit.errors.registry import ModelVersionNotFoundError as ModelVersionNotFoundError
from evalkit.errors.registry import RegisteredModelNotFoundError as RegisteredModelNotFoundError
from evalkit.errors.store import ActiveRunError as ActiveRunError
from evalkit.errors.store import AlreadyExistsError as AlreadyExistsError
from evalkit.errors.store import AmbiguousRunError as AmbiguousRunError
from evalkit.errors.store import ArtifactPathError as ArtifactPathError
from evalkit.errors.store import DeletedRunError as DeletedRunError
from evalkit.errors.store import ExperimentNotFoundError as ExperimentNotFoundError
from evalkit.errors.store import ParamChangedError as ParamChangedError
from evalkit.errors.store import RunNotFoundError as RunNotFoundError
from evalkit.errors.store import SchemaVersionError as SchemaVersionError
from evalkit.errors.store import StoreError as StoreError
from evalkit.errors.store import StoreUnavailableError as StoreUnavailableError
from evalkit.errors.store import UnsupportedStoreError as UnsupportedStoreError
from evalkit.errors.usage import BindingError as BindingError
from evalkit.errors.usage import EvalkitError as EvalkitError
from evalkit.errors.usage import GateSyntaxError as GateSyntaxError
from evalkit.errors.usage import SpecificationError as SpecificationError
from evalkit.errors.usage import UsageError as UsageError
from evalkit.errors.usage import near_miss as near_miss
from evalkit.errors.work import BatchPendingError as BatchPendingError
from evalkit.errors.work import BudgetSpentError as BudgetSpentError
from evalkit.errors.work import DuplicatePluginError as DuplicatePluginError
from evalkit.errors.work import InterruptedRunError as InterruptedRunError
from evalkit.errors.work import JournalError as JournalError
from evalkit.errors.work import NotRecordedError as NotRecordedError
from evalkit.errors.work import NoValueError as NoValueError
from evalkit.errors.work import PluginError as PluginError
from evalkit.errors.work import RunLockedError as RunLockedError
from evalkit.errors.work import TargetError as TargetError
from evalkit.errors.work import UnfinishedCalibrationError as UnfinishedCalibrationError
from evalkit.errors.work import UnreachedJudgeError as UnreachedJudgeError
