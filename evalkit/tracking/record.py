"""Log params, metrics, tags and files to the active run, or to a run by its id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalkit._internal import clock
from evalkit.entities.run import FileInfo, Metric
from evalkit.errors import ActiveRunError, UsageError
from evalkit.store import Store
from evalkit.store.artifacts import ArtifactRepository, local_folder, open_repository
from evalkit.tracking.active import active_run
from evalkit.tracking.place import current_store


def written_run(run_id: str | None) -> tuple[Store, str]:
    """Return the store and the id of the run to write: *run_id*, else the active run."""
    run = active_run()
    if run_id is not None:
        return (current_store() if run is None else run.store), run_id
    if run is None:
        raise ActiveRunError(
            "No run is active here: begin one by 'with start_run():', or say which by run_id=.  "
            "A thread does not inherit the active run of the thread that begins it."
        )
    return run.store, run.run_id


def log_param(key: str, value: object, *, run_id: str | None = None) -> None:
    """Log one setting; it is kept as ``str(value)`` and never changes.

    Raises:
        ParamChangedError: If the run has it with another value.
        ActiveRunError: If no run is active and no *run_id* is given.
    """
    log_params({key: value}, run_id=run_id)


def log_params(params: Mapping[str, object], *, run_id: str | None = None) -> None:
    """Log several settings at once, all or none; see `log_param`."""
    store, run = written_run(run_id)
    store.runs.log(run, params={key: str(value) for key, value in params.items()})


def log_metric(
    key: str,
    value: float,
    step: int = 0,
    *,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log one measurement; earlier ones of the same key are kept.

    Args:
        key: Name of the metric.
        value: The measurement; NaN and infinities are kept as they are.
        step: Position in a sequence, such as an epoch.
        timestamp: Milliseconds since the Unix epoch; by default now.
        run_id: By default the active run.

    Raises:
        ActiveRunError: If no run is active and no *run_id* is given.
    """
    log_metrics({key: value}, step, timestamp=timestamp, run_id=run_id)


def log_metrics(
    metrics: Mapping[str, float],
    step: int = 0,
    *,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log several measurements at once, all or none; see `log_metric`."""
    store, run = written_run(run_id)
    now = clock.now_milliseconds() if timestamp is None else timestamp
    store.runs.log(run, metrics=[Metric(k, float(v), now, step) for k, v in metrics.items()])


def set_tag(key: str, value: object, *, run_id: str | None = None) -> None:
    """Set one tag; it is kept as ``str(value)``, in place of an earlier one of the same key.

    Raises:
        ActiveRunError: If no run is active and no *run_id* is given.
    """
    set_tags({key: value}, run_id=run_id)


def set_tags(tags: Mapping[str, object], *, run_id: str | None = None) -> None:
    """Set several tags at once, all or none; see `set_tag`."""
    store, run = written_run(run_id)
    store.runs.set_tags(run, {key: str(value) for key, value in tags.items()})


def delete_tag(key: str, *, run_id: str | None = None) -> None:
    """Take a tag away; one that is not there is no error."""
    store, run = written_run(run_id)
    store.runs.delete_tag(run, key)


def artifact_folder(run_id: str | None = None) -> Path:
    """Return the folder of a run's artifacts, by default the active run's; it is there.

    Raises:
        ActiveRunError: If no run is active and no *run_id* is given.
        UsageError: If the store keeps its artifacts elsewhere than on this machine.
    """
    store, run = written_run(run_id)
    return local_folder(store.runs.artifact_uri(run))


def log_artifact(
    local_path: str | Path, artifact_path: str | None = None, *, run_id: str | None = None
) -> None:
    """Copy one file to a run's artifacts.

    Args:
        local_path: The file.
        artifact_path: Folder below the run's to put it in.
        run_id: By default the active run.

    Raises:
        UsageError: If *local_path* is no file.
        ArtifactPathError: If *artifact_path* is not below the run's folder.
    """
    source = Path(local_path)
    if not source.is_file():
        raise UsageError(f"{source} is not a file; a folder is logged by log_artifacts().")
    name = source.name if artifact_path is None else f"{artifact_path}/{source.name}"
    _artifacts(run_id).put(source, name)


def log_artifacts(
    local_dir: str | Path, artifact_path: str | None = None, *, run_id: str | None = None
) -> None:
    """Copy everything in a folder to a run's artifacts, each file whole.

    Args:
        local_dir: The folder; symbolic links to folders in it are not followed.
        artifact_path: Folder below the run's to put it in.
        run_id: By default the active run.

    Raises:
        UsageError: If *local_dir* is no folder.
        ArtifactPathError: If *artifact_path* is not below the run's folder.
    """
    top = Path(local_dir)
    if not top.is_dir():
        raise UsageError(f"{top} is not a folder; a file is logged by log_artifact().")
    _artifacts(run_id).put(top, artifact_path or "")


def log_text(text: str, artifact_file: str, *, run_id: str | None = None) -> None:
    """Write a text to the file *artifact_file* of a run's artifacts, as UTF-8.

    Raises:
        ArtifactPathError: If *artifact_file* is not below the run's folder.
    """
    _artifacts(run_id).write(artifact_file, text.encode())


def list_artifacts(run_id: str | None = None, artifact_path: str = "") -> list[FileInfo]:
    """Return the files and folders of a run, by name.

    Args:
        run_id: An id, its unique beginning, a name or ``latest``; by default the active run.
        artifact_path: Folder below the run's to look into.

    Raises:
        RunNotFoundError: If there is no such run.
        ArtifactPathError: If *artifact_path* is not below the run's folder.
    """
    if run_id is not None:
        run_id = current_store().runs.resolve(run_id).run_id
    return _artifacts(run_id).list(artifact_path)


def _artifacts(run_id: str | None) -> ArtifactRepository:
    store, run = written_run(run_id)
    return open_repository(store.runs.artifact_uri(run))
