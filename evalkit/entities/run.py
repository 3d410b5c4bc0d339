"""Experiments and runs as readers of a store get them: frozen, in MLflow's vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run is in its life."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_final(self) -> bool:
        """True if the run has ended, however it went.

        Examples:
            >>> RunStatus.KILLED.is_final, RunStatus.RUNNING.is_final
            (True, False)
        """
        return self not in {RunStatus.RUNNING, RunStatus.SCHEDULED}


class LifecycleStage(StrEnum):
    """Whether an experiment or run is in use; deleted ones are kept and can be restored."""

    ACTIVE = "active"
    DELETED = "deleted"


class ViewType(StrEnum):
    """Which lifecycle stages a search looks at."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement in a run, at a time and step.

    Values of an evaluation are finite; NaN and infinities, which a training loop can produce, are
    kept as they are.
    """

    key: str
    """At most 250 characters."""

    value: float

    timestamp: int
    """Milliseconds since the Unix epoch."""

    step: int = 0
    """Position in a sequence of measurements, such as a training epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A named collection of runs."""

    experiment_id: str
    """Decimal digits; ``"0"`` is the experiment ``Default`` that every store has."""

    name: str
    """Unique in its store, deleted experiments included; at most 500 characters."""

    artifact_location: str
    """URI of the folder that holds a folder for each run."""

    lifecycle_stage: LifecycleStage = LifecycleStage.ACTIVE

    creation_time: int = 0
    """Milliseconds since the Unix epoch."""

    last_update_time: int = 0
    """Milliseconds since the Unix epoch."""

    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a run is, without what was logged to it."""

    run_id: str
    run_name: str
    experiment_id: str
    user_id: str
    status: RunStatus

    start_time: int
    """Milliseconds since the Unix epoch."""

    end_time: int | None = None
    """Milliseconds since the Unix epoch; ``None`` while the run goes on."""

    artifact_uri: str
    """URI of the run's own folder of artifacts."""

    lifecycle_stage: LifecycleStage = LifecycleStage.ACTIVE

    parent_run_id: str | None = None
    """Run that this one is a part of, such as a sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """What was logged to a run."""

    latest_metrics: tuple[Metric, ...] = ()
    """For each key its last measurement, by step, then timestamp, then value; sorted by key."""

    params: Mapping[str, str] = field(default_factory=dict[str, str])

    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags by key; the ones that begin with ``mlflow.`` are MLflow's own."""

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric, by key."""
        return {metric.key: metric.value for metric in self.latest_metrics}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as it stood when it was read."""

    info: RunInfo
    data: RunData = field(default_factory=RunData)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.info.run_id

    @property
    def run_name(self) -> str:
        """The run's readable name; several runs may share it."""
        return self.info.run_name

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment."""
        return self.info.experiment_id

    @property
    def status(self) -> RunStatus:
        """Where the run was in its life when it was read."""
        return self.info.status


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One entry of a run's folder of artifacts."""

    path: str
    """Relative to the run's folder, with forward slashes."""

    is_dir: bool

    file_size: int | None = None
    """Bytes; ``None`` for a folder."""
