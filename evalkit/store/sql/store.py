"""A store of runs and models in one SQLite file, with the artifacts in a folder beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from evalkit.entities.assessment import Assessment
from evalkit.entities.run import (
    Experiment,
    LifecycleStage,
    Metric,
    Run,
    RunStatus,
    ViewType,
)
from evalkit.entities.summary import EvaluationSummary
from evalkit.errors import AlreadyExistsError
from evalkit.store.artifacts import LocalArtifacts
from evalkit.store.interface import DEFAULT_EXPERIMENT_ID
from evalkit.store.sql import assessments as assessment_rows
from evalkit.store.sql import calibrations, experiments, labels, migrations, runs, search
from evalkit.store.sql import metrics as metric_rows
from evalkit.store.sql import summaries as summary_rows
from evalkit.store.sql.engine import LOCK_TIMEOUT_SECONDS, Database
from evalkit.store.sql.model_registry import SqlModelRegistry


class SqlTrackingStore(SqlModelRegistry):
    """Keep runs in a SQLite file; see `TrackingStore` for what each method promises."""

    def __init__(
        self,
        path: Path,
        artifact_root: Path,
        *,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        """Open the store at *path*, made if it is not there.

        Raises:
            StoreUnavailableError: If it cannot be opened and written.
            SchemaVersionError: If it was written by a newer evalkit.
        """
        self._path = path.absolute()
        self._artifacts = LocalArtifacts(artifact_root)
        self._database = Database(self._path, lock_timeout_seconds=lock_timeout_seconds)
        try:
            migrations.prepare(self._database)
        except BaseException:
            self._database.close()
            raise

    @property
    def uri(self) -> str:
        """The URI under which another process opens the same store."""
        return f"sqlite:///{self._path.as_posix()}"

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for those who watch what the store does."""
        return self._database.engine

    def create_experiment(self, name: str, *, tags: Mapping[str, str] | None = None) -> Experiment:
        """Create the experiment *name* and return it."""
        try:
            with self._database.write() as connection:
                number = experiments.add_experiment(connection, name, tags or {})
                row = experiments.find_by_id(connection, str(number))
                return experiments.to_entities(connection, [row], self._artifacts)[0]
        except IntegrityError as error:  # where several may write at once
            raise AlreadyExistsError("an experiment", name, "use that one") from error

    def get_or_create_experiment(self, name: str) -> Experiment:
        """Return the experiment *name*, created if there is none."""
        found = self.get_experiment_by_name(name)
        if found is None:
            try:
                return self.create_experiment(name)
            except AlreadyExistsError:
                found = self.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage is LifecycleStage.DELETED:
            advice = "it is deleted: restore it, or take another name"
            raise AlreadyExistsError("an experiment", name, advice)
        return found

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return the experiment of an id, deleted or not."""
        with self._database.read() as connection:
            row = experiments.find_by_id(connection, experiment_id)
            return experiments.to_entities(connection, [row], self._artifacts)[0]

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment *name*, deleted or not; ``None`` if there is none."""
        with self._database.read() as connection:
            row = experiments.find_by_name(connection, name)
            found = [] if row is None else [row]
            return next(iter(experiments.to_entities(connection, found, self._artifacts)), None)

    def search_experiments(
        self, *, view: ViewType = ViewType.ACTIVE_ONLY, limit: int = 1000
    ) -> list[Experiment]:
        """Return at most *limit* experiments, newest first."""
        with self._database.read() as connection:
            rows = experiments.newest(connection, view, limit)
            return experiments.to_entities(connection, rows, self._artifacts)

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on an experiment."""
        with self._database.write() as connection:
            number = experiments.active_number(connection, experiment_id)
            experiments.put_tags(connection, number, tags)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment deleted."""
        with self._database.write() as connection:
            experiments.set_stage(connection, experiment_id, LifecycleStage.DELETED)

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment back."""
        with self._database.write() as connection:
            experiments.set_stage(connection, experiment_id, LifecycleStage.ACTIVE)

    def create_run(
        self,
        experiment_id: str = DEFAULT_EXPERIMENT_ID,
        *,
        run_id: str | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        user: str = "",
        tags: Mapping[str, str] | None = None,
        start_time: int | None = None,
    ) -> Run:
        """Create a run, which is then ``RUNNING``, and return it."""
        with self._database.write() as connection:
            added = runs.add_run(
                connection,
                experiment_id,
                run_id=run_id,
                name=name,
                parent_run_id=parent_run_id,
                user=user,
                tags=tags or {},
                start_time=start_time,
            )
            row = runs.find_by_id(connection, added)
            return runs.to_entities(connection, [row], self._artifacts)[0]

    def get_run(self, run_id: str) -> Run:
        """Return the run of a full id, deleted or not."""
        with self._database.read() as connection:
            row = runs.find_by_id(connection, run_id)
            return runs.to_entities(connection, [row], self._artifacts)[0]

    def resolve_run(self, reference: str, *, experiment_id: str | None = None) -> Run:
        """Return the active run that a person means."""
        with self._database.read() as connection:
            row = search.resolve(connection, reference, experiment_id)
            return runs.to_entities(connection, [row], self._artifacts)[0]

    def search_runs(
        self,
        experiment_ids: Sequence[str] | None = None,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        statuses: Iterable[RunStatus] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Run]:
        """Return runs, the one started last first."""
        with self._database.read() as connection:
            rows = search.newest(
                connection,
                experiment_ids,
                view=view,
                statuses=statuses,
                tags=tags or {},
                name=name,
                parent_run_id=parent_run_id,
                limit=limit,
                after=after,
            )
            return runs.to_entities(connection, rows, self._artifacts)

    def update_run(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time: int | None = None,
        name: str | None = None,
    ) -> Run:
        """Change a run and return it as it is now."""
        with self._database.write() as connection:
            runs.change(connection, run_id, status=status, end_time=end_time, name=name)
            row = runs.find_by_id(connection, run_id)
            return runs.to_entities(connection, [row], self._artifacts)[0]

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted; its artifacts stay."""
        with self._database.write() as connection:
            runs.set_stage(connection, run_id, LifecycleStage.DELETED)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        with self._database.write() as connection:
            runs.set_stage(connection, run_id, LifecycleStage.ACTIVE)

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics, params and tags to a run, all in one transaction."""
        with self._database.write() as connection:
            number = runs.writable_number(connection, run_id)
            labels.add_params(connection, number, run_id, params or {})
            labels.put_tags(connection, number, tags or {})
            metric_rows.add(connection, number, metrics)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a run."""
        self.log_batch(run_id, tags=tags)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag from a run."""
        with self._database.write() as connection:
            labels.remove_tag(connection, runs.writable_number(connection, run_id), key)

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every measurement of one metric, by step, then timestamp."""
        with self._database.read() as connection:
            number = runs.find_by_id(connection, run_id).run_number
            return metric_rows.history(connection, number, key)

    def write_evaluation_summary(self, run_id: str, summaries: Sequence[EvaluationSummary]) -> None:
        """Make *summaries* the estimates of a run, in place of any it had."""
        with self._database.write() as connection:
            number = runs.writable_number(connection, run_id)
            summary_rows.write(connection, number, summaries)

    def evaluation_summaries(self, run_id: str) -> list[EvaluationSummary]:
        """Return the estimates of a run as they were written."""
        with self._database.read() as connection:
            return summary_rows.read(connection, runs.find_by_id(connection, run_id).run_number)

    def log_assessments(self, assessments: Sequence[Assessment]) -> None:
        """Keep what was said of traces, all in one transaction."""
        if assessments:
            with self._database.write() as connection:
                assessment_rows.put(connection, assessments)

    def search_assessments(
        self,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
        run_id: str | None = None,
        name: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Assessment]:
        """Return assessments that have all of these, the one logged last first."""
        given = {"trace_id": trace_id, "span_id": span_id, "run_id": run_id, "name": name}
        equal = {column: value for column, value in given.items() if value is not None}
        with self._database.read() as connection:
            return assessment_rows.find(connection, equal=equal, limit=limit, after=after)

    def add_calibration(self, *, judge: str, signature: str, created: int, card: str) -> None:
        """Keep the card of a judge, beside those that it had before."""
        with self._database.write() as connection:
            calibrations.add(
                connection, judge=judge, signature=signature, created=created, card=card
            )

    def calibrations(self, judge: str) -> list[str]:
        """Return the newest cards of a judge as JSON texts, newest first."""
        with self._database.read() as connection:
            return calibrations.newest(connection, judge)

    def artifact_uri(self, run_id: str) -> str:
        """Return the URI of a run's own folder of artifacts, which is there afterwards."""
        with self._database.read() as connection:
            row = runs.find_by_id(connection, run_id)
        return self._artifacts.run_folder(str(row.experiment_id), run_id).as_uri()

    def close(self) -> None:
        """Let go of the database file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return the store itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close the store."""
        self.close()
