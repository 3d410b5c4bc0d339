"""Open the place of artifacts that a URI names."""

from __future__ import annotations

from evalkit.errors import UsageError
from evalkit.store.artifacts.files import local_folder
from evalkit.store.artifacts.local import LocalRepository
from evalkit.store.artifacts.repository import ArtifactRepository


def open_repository(uri: str) -> ArtifactRepository:
    """Open a folder of artifacts, which need not exist.

    Args:
        uri: ``file:///PATH``, or a URI that fsspec reads, such as ``s3://bucket/runs``, for which
            the extra ``remote`` and fsspec's own package for that place are needed.

    Raises:
        UsageError: If the URI is none, or there is no package for it.
        MissingExtraError: If fsspec is not installed.

    Examples:
        >>> open_repository("file:///srv/artifacts").work.as_posix()
        '/srv/artifacts'
    """
    if uri.startswith("file:"):
        return LocalRepository(local_folder(uri))
    if "://" not in uri:
        raise UsageError(f"{uri!r} is no URI of a folder; give file:///PATH or s3://BUCKET/PATH.")
    # start-up: only who keeps artifacts elsewhere pays for fsspec
    from evalkit.store.artifacts.remote import RemoteRepository

    return RemoteRepository(uri)
