"""Log files to the active run, or to a run by its id, and list them."""

from __future__ import annotations

from pathlib import Path

from evalkit.entities.run import FileInfo
from evalkit.errors import UsageError
from evalkit.store.artifacts import ArtifactRepository, local_folder, open_repository
from evalkit.tracking.place import current_store
from evalkit.tracking.record import written_run


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
