"""Versions of targets: what the user says, or the commit that the code stands at."""

from __future__ import annotations

import functools
import inspect
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.errors import UsageError

_FILES: Final = "files:"


def resolved_version(version: str | None, code: Callable[..., Any] | None = None) -> str | None:
    """Return *version*, with ``git`` and ``files:app/**,prompts/**`` replaced by what they mean.

    ``git`` is the commit of *code*'s folder, ``files:`` a digest of the files of its project.

    Raises:
        UsageError: If it is empty, ``git`` and there is no commit, or ``files:`` without one.

    Examples:
        >>> resolved_version("2.1"), resolved_version(None)
        ('2.1', None)
    """
    if version is None:
        return None
    if not version.strip():
        raise UsageError("version= is empty; give a text such as '2.1', or 'git'.")
    if version.startswith(_FILES):
        return files_version(version.removeprefix(_FILES).split(","), project_folder(_folder(code)))
    return git_version(_folder(code)) if version == "git" else version


def files_version(patterns: Sequence[str], folder: Path) -> str:
    """Return a digest of the files below *folder* that match *patterns*, such as ``app/**``.

    Names and contents count, ends of lines do not; what Python has compiled is left out.  Unlike a
    commit, it is the same before and after recordings are committed.

    Raises:
        UsageError: If a pattern matches no file.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "prompt.txt").write_text("Be brief.")
        >>> files_version(["*.txt"], folder)
        'files-63fa0b29e1ac299a'
    """
    files: set[Path] = set()
    for pattern in (text.strip() for text in patterns):
        wanted = f"{pattern}/*" if pattern.endswith("**") else pattern
        try:
            matches = {path for path in folder.glob(wanted) if path.is_file()}
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"version='{_FILES}{pattern}': {error}.") from error
        matches = {path for path in matches if "__pycache__" not in path.parts}
        if not matches:
            raise UsageError(f"version='{_FILES}{pattern}' matches no file below {folder}.")
        files |= matches
    contents = [
        [path.relative_to(folder).as_posix(), content_hash(_plain(path.read_bytes()), size=16)]
        for path in sorted(files)
    ]
    return f"files-{content_hash(canonical_json(contents), size=8)}"


def _plain(content: bytes) -> bytes:
    """Return a text with the same ends of lines on every system; other content as it is."""
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def project_folder(folder: Path) -> Path:
    """Return the project around *folder*; the current folder where there is none."""
    marks = ("pyproject.toml", "setup.py", ".git")
    for place in (folder, *folder.parents):
        if any((place / mark).exists() for mark in marks):
            return place
    return Path.cwd()


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
