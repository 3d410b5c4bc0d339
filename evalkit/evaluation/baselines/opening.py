"""Whatever stands for a finished evaluation: results, runs, folders, logs, files, git, models."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Final, TypeVar

from evalkit.data.spool import spool
from evalkit.errors import DataError, UsageError
from evalkit.evaluation.baselines.file import parse_baseline, read_baseline
from evalkit.evaluation.results.folder import TemporaryFolder
from evalkit.evaluation.results.loading import load_result
from evalkit.evaluation.results.plan import BaselineReference
from evalkit.evaluation.results.recorded import result_of_scores
from evalkit.evaluation.results.result import Result
from evalkit.registry.uri import is_model_uri

_FILES: Final = frozenset({".eval", ".jsonl", ".json"})
_GIT: Final = "git:"

R = TypeVar("R", bound=Result)


def open_result(
    source: Any,
    *,
    kind: type[R],
    store: str | None = None,
    like: Result | None = None,
    dataset: str | None = None,
) -> R:
    """Return the finished evaluation that *source* stands for.

    Args:
        source: A result; a run's id or unique prefix, name, ``latest``, ``latest~1``; the folder
            of an evaluation; a baseline file; a log file of Inspect or lm-eval, with its recorded
            scores; ``git:REF:path`` for a baseline file as it was committed; ``models:/NAME@ALIAS``
            or ``models:/NAME/VERSION`` for the evaluation of a registered model.
        kind: Class of the result; what is one already is given back.
        store: Store's URI of runs; the configured one by default.
        like: What is compared with a registered model, of which the evaluation on the same cases
            is meant.
        dataset: Digest of these cases, where there is no result yet.

    Raises:
        EvalkitError: If there is no such thing, or it cannot be read.
    """
    if isinstance(source, kind):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(
            f"A {type(source).__name__} is no evaluation: give a result, a run or a file."
        )
    text = os.fspath(source)
    if text.startswith(_GIT):
        return _from_git(text, kind)
    if is_model_uri(text):
        from evalkit.evaluation.baselines.registered import registered_result

        return registered_result(text, kind=kind, store=store, like=like, dataset=dataset)
    path = Path(text)
    if path.suffix.lower() in _FILES and path.is_file() and not _is_ours(path):
        return read_baseline(path, kind) if _is_baseline(path) else _from_log(path, kind)
    return load_result(text, kind=kind, store=store)


def reference_of(result: Result, source: Any) -> str:
    """Return the text that opens *source*, opened as *result*, again later.

    The newest run is another one tomorrow, and a branch moves: both are pinned.
    """
    if isinstance(source, str) and source.startswith(_GIT):
        ref, path = _git_parts(source)
        commit = _git(path.parent, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        return f"{_GIT}{commit.decode().strip()}:{path}"
    if isinstance(source, (str, os.PathLike)) and Path(os.fspath(source)).is_file():
        return str(Path(os.fspath(source)).resolve())
    return str(result.folder.path.resolve())


def reopened(named: BaselineReference, *, kind: type[R]) -> R:
    """Return the baseline that a plan names, under the name that it had.

    Raises:
        EvalkitError: If it is not there any more.
    """
    found = open_result(named.reference, kind=kind)
    return found if found.name == named.name else found.with_name(named.name)


def _is_ours(path: Path) -> bool:
    return (path.parent / "plan.json").is_file()


def _is_baseline(path: Path) -> bool:
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        return b'"evalkit.' in file.read(200)


def _from_log(path: Path, kind: type[R]) -> R:
    keep = TemporaryFolder()
    cases = spool(str(path), keep.path / "evaluation", columns=None)
    return result_of_scores(cases, path.stem, kind=kind, keep=keep)


def _from_git(text: str, kind: type[R]) -> R:
    ref, path = _git_parts(text)
    content = _git(path.parent, "show", "--end-of-options", f"{ref}:./{path.name}")
    return parse_baseline(content, text, kind)


def _git_parts(text: str) -> tuple[str, Path]:
    """Return ref and absolute path of ``git:REF:path``.

    Raises:
        UsageError: If it is not of that form.
    """
    ref, colon, path = text.removeprefix(_GIT).partition(":")
    if not ref or not colon or not path:
        raise UsageError(f"{text!r} is not of the form git:REF:path, as git:main:qa.baseline.json.")
    return ref, Path(path).absolute()


def _git(folder: Path, *arguments: str) -> bytes:
    """Return what git writes when it is run in *folder*.

    Raises:
        DataError: If git is not there or refuses.
    """
    try:
        done = subprocess.run(  # noqa: S603  arguments are a list, and a ref is never an option
            ["git", *arguments],  # noqa: S607  the user's own git
            cwd=folder,
            capture_output=True,
            check=True,
        )
    except FileNotFoundError as error:
        missing = "git is not installed" if folder.is_dir() else "there is no such folder"
        raise DataError(missing, file=str(folder)) from error
    except subprocess.CalledProcessError as error:
        told = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(f"git: {told[-1] if told else error.returncode}") from error
    return done.stdout
