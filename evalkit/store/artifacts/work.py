"""The folder in which a piece of work is done before it has its name."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Self

from evalkit._internal.ids import new_run_id
from evalkit.store.artifacts.files import (
    UNFINISHED,
    clear_errors,
    inside,
    make_folder,
    sync,
    write_bytes_atomic,
)
from evalkit.store.artifacts.repository import ArtifactRepository


class WorkFolder:
    """A folder of this machine for one piece of work, which others see once it has its name.

    The life of one: `reserve` makes it, hidden, on the disk where it is to stay; `settle` gives it
    its place and name, from which a later process can go on with it; `publish` puts all of it
    where it is kept, if that is elsewhere.  A ``with`` block that fails before `settle` leaves
    nothing behind.

    With ``durable``, each step is on the disk before the next one begins, so that a power cut
    leaves what a kill would leave: what `write` wrote, every file in it when it settles and is
    published, and the names of all of them.  A step that the disk, or a place elsewhere, does not
    let happen raises `StoreUnavailableError`.

    Examples:
        >>> from evalkit.store.artifacts import open_repository
        >>> runs = WorkFolder.temporary()
        >>> repository = open_repository(runs.path.as_uri())
        >>> with WorkFolder.reserve(repository.work) as work:
        ...     _ = work.write("plan.json", b"{}")
        ...     work.settle(repository, "evaluation")
        'evaluation'
        >>> [entry.path for entry in repository.list("evaluation")]
        ['evaluation/plan.json']
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self.path = path
        self.durable = durable
        self._place: tuple[ArtifactRepository, str] | None = None  # where it has settled
        self._stays = True

    @classmethod
    def reserve(cls, beside: Path, *, durable: bool = False) -> Self:
        """Make a folder in *beside*, under a name that nobody else has and that lists leave out."""
        path = beside / f"{UNFINISHED}{new_run_id()}"
        make_folder(path)
        work = cls(path, durable=durable)
        work._stays = False
        return work

    @classmethod
    def reopen(cls, repository: ArtifactRepository, name: str, *, durable: bool = False) -> Self:
        """Go on in a folder that has settled as *name*, such as after an interruption.

        What settled on another machine is fetched, as it was published there.

        Raises:
            FileNotFoundError: If it is neither here nor there.
            StoreUnavailableError: If it cannot be read or written.
        """
        path = inside(repository.work, name)
        if not path.is_dir():
            with cls.reserve(path.parent, durable=durable) as copy:
                with clear_errors(copy.path, but=FileNotFoundError):
                    shutil.copytree(repository.get(name), copy.path, dirs_exist_ok=True)
                with contextlib.suppress(FileExistsError):  # another process has just fetched it
                    copy.take_name(path)
        work = cls(path, durable=durable)
        work._place = repository, name
        return work

    @classmethod
    def temporary(cls) -> Self:
        """Make a folder that is removed when nothing holds the object any more."""
        work = cls(Path(tempfile.mkdtemp(prefix="evalkit-")))
        weakref.finalize(work, shutil.rmtree, work.path, ignore_errors=True)
        return work

    def write(self, name: str, content: bytes) -> Path:
        """Write a file in the folder, whole or not at all, and return its path.

        Raises:
            ArtifactPathError: If *name* leads out of the folder.
        """
        path = inside(self.path, name)
        write_bytes_atomic(path, content, durable=self.durable)
        return path

    def sync(self) -> None:
        """Have every file in the folder, and their names, on the disk.

        For what other writers wrote; `settle` and `publish` do it, if the work is durable.
        """
        with clear_errors(self.path):
            for folder, _, names in os.walk(self.path, topdown=False):
                for name in names:
                    sync(Path(folder, name))
                sync(Path(folder))

    def settle(self, repository: ArtifactRepository, name: str) -> str:
        """Move to the place of *repository*, as *name*, or *name*-2 where it is taken, and so on.

        Two processes never get the same name of a local repository.

        Returns:
            The name.
        """
        make_folder(repository.work)
        remote = {Path(entry.path).name for entry in repository.list()}
        for number in itertools.count(1):
            free = name if number == 1 else f"{name}-{number}"
            if free in remote:
                continue
            with contextlib.suppress(FileExistsError):
                self.take_name(repository.work / free)
                self._place = repository, free
                return free
        raise AssertionError("counting has no end")

    def take_name(self, target: Path) -> None:
        """Move to *target*.

        Raises:
            FileExistsError: If there is something; nothing has changed then.
        """
        if self.durable:
            self.sync()
        with clear_errors(target, but=FileExistsError):
            target.mkdir(mode=0o700)  # who makes the folder has the name
            try:
                if os.name != "posix":
                    target.rmdir()  # a rename takes the place of an empty folder on POSIX only
                self.path.rename(target)
            except OSError:
                target.rmdir()
                raise
            self.path = target
            self._stays = True
            for parent in target.parents if self.durable else ():  # any of them may be new
                with contextlib.suppress(PermissionError):  # of other users, so not new
                    sync(parent)

    def publish(self, *, but: Collection[str] = ()) -> None:
        """Put all of the folder where it settled; of a local repository it is there already.

        Args:
            but: Names of files of this machine alone, which are then not there elsewhere.
        """
        if self.durable:
            self.sync()
        if self._place is None:
            return
        repository, name = self._place
        if repository.work.absolute().as_uri() == repository.uri:  # it was made in its place
            return
        for file in sorted(path for path in self.path.rglob("*") if path.is_file()):
            if file.name not in but:
                repository.put(file, f"{name}/{file.relative_to(self.path).as_posix()}")
        for absent in but:
            repository.delete(f"{name}/{absent}")

    def discard(self) -> None:
        """Remove the folder; what cannot be removed stays."""
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder, unless it has settled."""
        if not self._stays:
            self.discard()
