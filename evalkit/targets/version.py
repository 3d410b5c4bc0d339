"""Versions of targets: what the user says, or the commit that the code stands at."""

from __future__ import annotations

import functools
import inspect
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalkit._internal.canonical import content_hash
from evalkit.errors import UsageError


def resolved_version(version: str | None, code: Callable[..., Any] | None = None) -> str | None:
    """Return *version*, with ``git`` replaced by the commit of *code*'s folder.

    Raises:
        UsageError: If it is empty, or ``git`` and there is no commit.

    Examples:
        >>> resolved_version("2.1"), resolved_version(None)
        ('2.1', None)
    """
    if version is None:
        return None
    if not version.strip():
        raise UsageError("version= is empty; give a text such as '2.1', or 'git'.")
    return git_version(_folder(code)) if version == "git" else version


def git_version(folder: Path) -> str:
    """Return the commit that *folder* stands at: 40 digits, and ``-dirty-…`` with changes.

    The ending is a digest of the changes to tracked files, so that two different edits of one
    commit are two versions.  Untracked files do not count: results are written among them.

    Raises:
        UsageError: If git is not installed, or *folder* is in no repository with a commit.
    """
    git = shutil.which("git")
    if git is None:
        raise UsageError("version='git' needs git, which is not installed; give a text instead.")
    commit = _git(git, folder, "rev-parse", "HEAD").decode().strip()
    changes = _git(git, folder, "diff", "HEAD", "--no-ext-diff", "--no-color", "--binary")
    return f"{commit}-dirty-{content_hash(changes, size=4)}" if changes else commit


def _git(git: str, folder: Path, *words: str) -> bytes:
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, check=False)  # noqa: S603  fixed words
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"version='git' finds no commit in {folder}: {reason[-1] if reason else 'git failed'}; "
            "commit first, or give a text instead."
        )
    return done.stdout


def _folder(code: Callable[..., Any] | None) -> Path:
    """Return the folder of the file that defines *code*; the current one where it has none."""
    while isinstance(code, functools.partial):
        code = code.func
    for defined in (inspect.unwrap(code), type(code)) if code is not None else ():
        try:
            file = inspect.getsourcefile(defined)
        except TypeError:  # built in, or an instance: its class may have a file
            continue
        if file and Path(file).is_file():
            return Path(file).parent
    return Path.cwd()
