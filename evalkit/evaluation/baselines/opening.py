"""Whatever stands for a finished evaluation: results, runs, folders, logs, files, git, models."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path
from typing import Any, Final, TypeVar

from evalkit.data.spool import spool
from evalkit.entities.registered_model import MODEL_ID_TAG, STATUS_TAG, WHOLE, ModelVersion
from evalkit.entities.run import Run
from evalkit.errors import DataError, EvalkitError, UsageError
from evalkit.evaluation.baselines.file import parse_baseline, read_baseline
from evalkit.evaluation.results.loading import load_result
from evalkit.evaluation.results.places import evaluation_folder, is_there, using_store
from evalkit.evaluation.results.plan import BaselineReference
from evalkit.evaluation.results.recorded import result_of_scores
from evalkit.evaluation.results.result import Result
from evalkit.registry.uri import find_version, is_model_uri, parse_model_uri
from evalkit.store import Store
from evalkit.store.artifacts import WorkFolder

R = TypeVar("R", bound=Result)
_log = logging.getLogger("evalkit.registry")
_MOST_RUNS: Final = 200
_FILES: Final = frozenset({".eval", ".jsonl", ".json"})
_GIT: Final = "git:"
_KNOWN_BY_PARAMETERS: Final = ("stored", "chat")
"""Kinds of targets whose identity covers everything that their answers come from."""


def registered_result(
    uri: str,
    *,
    kind: type[R],
    store: str | None = None,
    like: Result | None = None,
    dataset: str | None = None,
) -> R:
    """Return the evaluation of the model version that *uri* means now.

    It is the newest finished one of that very model on the same cases, if there is one, else the
    run that the version was registered from.  A function, an estimator or an endpoint without
    ``version=`` has the same ``model_id`` before and after a change, so of these only the
    registering run is known to be the version.

    The arguments are those of `open_result`; the run of *like* is never what is meant.

    Raises:
        EvalkitError: If there is no such version, or it comes from no evaluation that can be read.
    """
    with using_store(store) as kept:
        version = find_version(kept, uri)
        result = own = _registering(kept, version, kind)
        digest = like.dataset["digest"] if like is not None else dataset
        if digest is not None:
            newest = _newest(kept, version, own, digest, None if like is None else like.run_id)
            if newest is not None:
                result = load_result(newest.run_id, kind=kind, store=store)
            if result.dataset["digest"] != digest:
                _log.warning(
                    "%s is version %s, which has no finished evaluation on these cases; the run "
                    "that registered it, %s, stands for it, on other cases (%s).",
                    *(uri, version.version, own.run_id, own.dataset["name"]),
                )
    # Tables show the version's number, and the alias if it was meant by one.
    alias = parse_model_uri(uri).alias
    return result.with_name(f"{version.name} {version.version}" + (f" ({alias})" if alias else ""))


def _registering(store: Store, version: ModelVersion, kind: type[R]) -> R:
    """Return the newest evaluation of the version's model in the run that registered it."""
    if version.run_id is None:
        raise DataError(f"{version.uri} was registered without a run, so it has no scores.")
    try:
        result = load_result(evaluation_folder(store.runs.resolve(version.run_id)), kind=kind)
        if version.model_id in {None, result.model_id}:
            return result
        return _earlier(result.folder.path, version, kind)  # the run went on with another model
    except (EvalkitError, OSError) as error:
        raise DataError(f"{version.uri} comes from a run that cannot be read: {error}") from error


def _earlier(newest: Path, version: ModelVersion, kind: type[R]) -> R:
    folders = [path for path in newest.parent.iterdir() if (path / "result.json").is_file()]
    results = [load_result(path, kind=kind) for path in folders]
    own = [result for result in results if result.model_id == version.model_id]
    if not own:
        raise DataError(f"run {version.run_id} holds evaluations of other models alone.")
    return max(own, key=lambda result: int(result.facts.plan.created))


def _newest(
    store: Store, version: ModelVersion, own: Result, dataset: str, but: str | None
) -> Run | None:
    """Return the newest finished run of the same model on the same cases."""
    target = own.facts.plan.target
    if version.model_id is None or (
        target.version is None and target.kind not in _KNOWN_BY_PARAMETERS
    ):
        return None
    tags = {MODEL_ID_TAG: version.model_id, "evalkit.dataset_digest": dataset}
    runs = store.runs.search(tags=tags, limit=_MOST_RUNS)
    ended = [run for run in runs if run.data.tags.get(STATUS_TAG) in WHOLE]
    return next((run for run in ended if run.run_id != but), None)


def open_result(
    source: Any,
    *,
    kind: type[R],
    store: str | None = None,
    like: Result | None = None,
    dataset: str | None = None,
) -> R:
    """Return the finished evaluation that *source* stands for.

    What lies on the disk comes first: a text is the name of a run only where there is no such file
    with the ending of a baseline or log, and no such folder of an evaluation.

    Args:
        source: A result; a run's id or unique prefix, name, ``latest``, ``latest~1``; the folder
            of an evaluation; a baseline file; a log file of Inspect or lm-eval, with its recorded
            scores; ``git:REF:path`` for a baseline file as it was committed; ``models:/NAME@ALIAS``
            or ``models:/NAME/VERSION`` for the evaluation of a registered model.
        kind: Class of the result; what is one already is given back.
        store: Store's URI of runs; by default that of *like* if it is there still, else the
            configured one.
        like: What is compared with it: of a registered model, the evaluation on the same cases is
            meant.
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
    own = None if like is None else like.facts.plan.store
    if store is None and own is not None and is_there(own):
        store = own
    if text.startswith(_GIT):
        return _from_git(text, kind)
    if is_model_uri(text):
        return registered_result(text, kind=kind, store=store, like=like, dataset=dataset)
    if _is_file(text):
        path = Path(text)
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
    if isinstance(source, (str, os.PathLike)) and _is_file(source):
        return str(Path(os.fspath(source)).resolve())
    return str(result.folder.path.resolve())


def reopened(named: BaselineReference, *, kind: type[R]) -> R:
    """Return the baseline that a plan names, under the name that it had.

    Raises:
        EvalkitError: If it is not there any more.
    """
    return open_result(named.reference, kind=kind).with_name(named.name)


def _is_file(source: str | os.PathLike[str]) -> bool:
    """Say whether *source* is a baseline or log, not the name of a run or a file of ours."""
    path = Path(source)
    is_ours = (path.parent / "plan.json").is_file()
    return path.suffix.lower() in _FILES and path.is_file() and not is_ours


def _is_baseline(path: Path) -> bool:
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        return b'"evalkit.' in file.read(200)


def _from_log(path: Path, kind: type[R]) -> R:
    keep = WorkFolder.temporary()
    cases = spool(str(path), keep.path, columns=None)
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
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(f"git: {lines[-1] if lines else error.returncode}") from error
    return done.stdout
