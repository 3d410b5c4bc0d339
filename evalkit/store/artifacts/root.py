"""Where a store keeps the artifacts of all its runs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from evalkit._internal.surrogates import without_surrogates
from evalkit.errors import ArtifactPathError, UsageError
from evalkit.store.artifacts.files import inside, local_folder, make_folder, plain_path


class ArtifactRoot:
    """The folder ``ROOT/EXPERIMENT/RUN/artifacts`` of each run.

    Args:
        root: A folder of this machine, or a URI such as ``s3://bucket/runs``.
        beside: The root lies beside the store and moves with it, so that no run keeps its address.

    Raises:
        UsageError: If the folder's name is not UTF-8, in which Parquet cannot be written.
    """

    def __init__(self, root: Path | str, *, beside: bool = False) -> None:
        if (name := without_surrogates(str(root))) != str(root):
            raise UsageError(
                f"{name}: the name of this folder is not UTF-8; keep the store elsewhere, by "
                "--store or EVALKIT_TRACKING_URI."
            )
        remote = isinstance(root, str) and "://" in root
        self.uri = str(root).rstrip("/") if remote else Path(root).absolute().as_uri()
        self.beside = beside

    def run_uri(self, experiment_id: str, run_id: str) -> str:
        """Return the URI of a run's own folder, which need not exist yet.

        Raises:
            ArtifactPathError: If an id is no plain folder name.
        """
        return self.uri_of(experiment_id, run_id, "artifacts")

    def uri_of(self, *parts: str) -> str:
        """Return the URI of a folder, given by the names of those on the way to it."""
        for part in parts:
            if len(PurePosixPath(part).parts) != 1:
                raise ArtifactPathError(part, "is not one folder name")
        path = plain_path("/".join(parts))
        if self.uri.startswith("file:"):
            return inside(local_folder(self.uri), str(path)).as_uri()
        return f"{self.uri}/{path}"


def make_if_local(uri: str) -> str:
    """Return the *uri* of a folder, made if it is one of this machine."""
    if uri.startswith("file:"):
        make_folder(local_folder(uri))
    return uri
