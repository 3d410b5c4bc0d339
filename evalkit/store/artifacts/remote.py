"""Artifacts wherever fsspec reaches, such as S3, Google Cloud, Azure and SFTP."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit._internal.optional import require
from evalkit.entities.run import FileInfo
from evalkit.errors import EvalkitError, StoreUnavailableError, UsageError
from evalkit.settings import user_cache_folder
from evalkit.store.artifacts.files import plain_path
from evalkit.store.artifacts.repository import ArtifactRepository
from evalkit.store.artifacts.work import WorkFolder


class RemoteRepository(ArtifactRepository):
    """A folder behind a URI of fsspec's, such as ``s3://bucket/runs``.

    A file that is put there is seen once it is whole, where the place can do that.
    """

    def __init__(self, uri: str) -> None:
        fsspec = require("fsspec", extra="remote")
        try:
            self._files, root = fsspec.url_to_fs(uri)
        except (ImportError, ValueError) as error:
            raise UsageError(f"Artifacts cannot be kept at {uri}: {error}.") from error
        self._root: str = root.rstrip("/")
        self.uri = uri.rstrip("/")
        self._cache = user_cache_folder() / "artifacts"
        self.work = self._cache / "work" / content_hash(self.uri.encode(), size=16)

    def put(self, source: Path, path: str = "") -> None:
        folder = source.is_dir()
        files = sorted(p for p in source.rglob("*") if p.is_file()) if folder else [source]
        with self._explained():
            for file in files:
                parts = file.relative_to(source).as_posix() if folder else ""
                target = "/".join(filter(None, (path, parts)))
                self._make_parent(target)
                self._files.put_file(str(file), self._at(target))

    def write(self, path: str, content: bytes) -> None:
        with self._explained():
            self._make_parent(path)
            self._files.pipe_file(self._at(path), content)

    def get(self, path: str = "") -> Path:
        with self._explained():
            if path and self._files.isfile(self._at(path)):
                infos = {self._at(path): self._files.info(self._at(path))}
                base = self._at(path).rpartition("/")[0]
            else:
                base = self._at(path)
                infos = self._files.find(base, detail=True)
            names = {full: str(PurePosixPath(full).relative_to(base)) for full in sorted(infos)}
            if not names:
                raise FileNotFoundError(f"There is no {path or 'file'} in {self.uri}.")
            # Not the bytes, which would have to be read, but what the place says of them: size,
            # time and, where it has one, the checksum.
            facts = [[names[full], repr(sorted(infos[full].items()))] for full in names]
            digest = content_hash(canonical_json([self.uri, path, facts]), size=16)
            folder = self._cache / "fetched" / digest
            if not folder.is_dir():
                self._fetch(names, folder)
        alone = len(names) == 1 and base != self._at(path)
        return folder / next(iter(names.values())) if alone else folder

    def list(self, path: str = "") -> list[FileInfo]:
        with self._explained():
            if not self._files.isdir(self._at(path)):
                return []
            entries = self._files.ls(self._at(path), detail=True)
        root = PurePosixPath(self._root)
        return [
            FileInfo(
                path=str(PurePosixPath(entry["name"]).relative_to(root)),
                is_dir=entry["type"] == "directory",
                file_size=None if entry["type"] == "directory" else entry["size"],
            )
            for entry in sorted(entries, key=lambda entry: entry["name"])
            if entry["name"].rstrip("/") != self._at(path)  # some list the folder itself
        ]

    def delete(self, path: str) -> None:
        with self._explained(), contextlib.suppress(FileNotFoundError):
            self._files.rm(self._at(str(plain_path(path))), recursive=True)

    def _fetch(self, names: dict[str, str], folder: Path) -> None:
        """Fetch files into *folder*, which is there once all of them are."""
        with WorkFolder.reserve(folder.parent) as work:
            for full, name in names.items():
                target = work.path / plain_path(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(full, str(target))
            with contextlib.suppress(FileExistsError):  # another process fetched the same
                work.take_name(folder)

    def _make_parent(self, path: str) -> None:
        self._files.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)

    def _at(self, path: str) -> str:
        return f"{self._root}/{plain_path(path)}" if path else self._root

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (EvalkitError, FileNotFoundError):
            raise
        except Exception as error:
            # Each kind of place has errors of its own: of its client, its network, its permissions.
            problem = f"cannot be read or written ({type(error).__name__}: {error})"
            advice = "check the address, the network and the credentials"
            raise StoreUnavailableError(self.uri, problem, advice) from error
